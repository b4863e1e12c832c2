/** One row of the `batches` table: where it stands, and the two checksums that find every flipped bit in it.
 *  The body has its own, so that the head can be checked without reading the body. */
import { crc32 } from 'node:zlib'

/** Offsets of one partition: 2^44 records are nine years at 60,000 a second. */
const offsetBits = 44n
export const offsetMask = (1n << offsetBits) - 1n

/** A row's id: log in the high bits, base offset in the low ones. */
export function batchId(logId: number, base: number): bigint {
  return (BigInt(logId) << offsetBits) | BigInt(base)
}

/** What is written beside the body. */
export interface BatchHead {
  readonly logId: number
  readonly base: number
  readonly count: number
  readonly appendedMs: number
  readonly codec: number
  readonly rawBytes: number
  readonly bodyCrc: number
}

const fields = new Float64Array(7)
const fieldBytes = new Uint8Array(fields.buffer)

/** CRC-32 over the head's fields, the body's checksum among them. */
export function headCrc(head: BatchHead): number {
  fields[0] = head.logId
  fields[1] = head.base
  fields[2] = head.count
  fields[3] = head.appendedMs
  fields[4] = head.codec
  fields[5] = head.rawBytes
  fields[6] = head.bodyCrc
  return crc32(fieldBytes)
}

export function bodyCrc(body: Uint8Array): number {
  return crc32(body)
}
