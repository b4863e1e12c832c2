/** Record batches, version 2: what a produce request carries and a fetch answers with.
 *
 *      RecordBatch => baseOffset:int64 batchLength:int32 partitionLeaderEpoch:int32 magic:int8(2) crc:uint32
 *                     attributes:int16 lastOffsetDelta:int32 baseTimestamp:int64 maxTimestamp:int64
 *                     producerId:int64 producerEpoch:int16 baseSequence:int32 [Record]
 *      Record      => length:varint attributes:int8 timestampDelta:varlong offsetDelta:varint key:varbytes value:varbytes [Header]
 *
 *  Pure: records in, bytes out, and back. @see https://kafka.apache.org/documentation/#recordbatch */
import type { BusRecord, Headers, NewRecord } from '../../port.ts'
import { ByteReader, ByteWriter } from './bytes.ts'
import { type Compression, compress, decompress } from './compression.ts'
import { crc32c } from './crc32c.ts'

/** Position of the first byte behind the checksum. */
const attributesAt = 21
const headerBytes = 61
const lengthAt = 8
const crcAt = 17
const transactionalBit = 0x10
const controlBit = 0x20
const logAppendTimeBit = 0x08

export interface Producer {
  readonly producerId: bigint
  readonly producerEpoch: number
}

const scratch = new ByteWriter(65_536)

/**
 * One transactional batch of one partition.
 * @param baseSequence of the first record within the producer's epoch and partition.
 */
export function encodeBatch(
  records: readonly NewRecord[],
  { producerId, producerEpoch }: Producer,
  baseSequence: number,
  timestampMs: number,
  compression: Compression,
): Buffer {
  scratch.clear()
  for (let index = 0; index < records.length; index++) writeRecord(scratch, records[index] as NewRecord, index)
  const packed = compress(scratch.written, compression)
  const writer = new ByteWriter(headerBytes + packed.bytes.length)
  writer
    .int64(0)
    .int32(headerBytes - lengthAt - 4 + packed.bytes.length)
    .int32(-1)
    .int8(2)
    .uint32(0)
    .int16(packed.code | transactionalBit)
    .int32(records.length - 1)
    .int64(timestampMs)
    .int64(timestampMs)
    .int64(producerId)
    .int16(producerEpoch)
    .int32(baseSequence)
    .int32(records.length)
    .raw(packed.bytes)
  const bytes = writer.written
  bytes.writeUInt32BE(crc32c(bytes, attributesAt), crcAt)
  return bytes
}

const recordScratch = new ByteWriter(4_096)

function writeRecord(writer: ByteWriter, { key, value, headers }: NewRecord, index: number): void {
  const record = recordScratch
  record.clear()
  record.int8(0).varint(0).varint(index).varintString(key)
  if (value === null) record.varint(-1)
  else record.varint(value.length)
  const names = Object.keys(headers)
  // The value is copied once, straight into the batch: its length is known, so the record's is too.
  const head = record.length
  record.varint(names.length)
  for (const name of names) record.varintString(name).varintString(headers[name] as string)
  const all = record.written
  writer.varint(all.length + (value?.length ?? 0)).raw(all.subarray(0, head))
  if (value !== null) writer.raw(value)
  writer.raw(all.subarray(head))
}

/** A transaction that was aborted: its records from `firstOffset` on are to be left out. */
export interface AbortedTransaction {
  readonly producerId: bigint
  readonly firstOffset: number
}

/** A record as it lies in a topic; a `null` value deletes a key. */
export type StoredRecord = Omit<BusRecord, 'value'> & { readonly value: Buffer | null }

/** One batch of a fetch answer, its records unpacked only when asked for. */
export interface FetchedBatch {
  readonly baseOffset: number
  /** Offset behind the last record. */
  readonly next: number
  /** Nothing in it is for readers: markers of transactions, or records of an aborted one. */
  readonly isHidden: boolean
  records(): StoredRecord[]
}

/**
 * The batches of a fetch answer; a cut-off one at the end is left out, as brokers send what fits.
 * @param from records before are left out: a fetch may begin in the middle of a batch.
 * @throws {RangeError} for a batch whose checksum does not match: read it again.
 */
export function decodeBatches(
  topic: string,
  partition: number,
  bytes: Buffer,
  aborted: readonly AbortedTransaction[],
  from: number,
): FetchedBatch[] {
  const batches: FetchedBatch[] = []
  const pending = aborted.toSorted((a, b) => a.firstOffset - b.firstOffset)
  const abortedProducers = new Set<bigint>()
  for (let at = 0; at + headerBytes <= bytes.length; ) {
    const end = at + lengthAt + 4 + bytes.readInt32BE(at + lengthAt)
    if (end > bytes.length) break
    const batch = bytes.subarray(at, end)
    at = end
    const header = readHeader(topic, partition, batch)
    while (pending.length > 0 && (pending[0] as AbortedTransaction).firstOffset <= header.lastOffset)
      abortedProducers.add((pending.shift() as AbortedTransaction).producerId)
    const isAborted = header.isTransactional && abortedProducers.has(header.producerId)
    if (header.isControl && isAbortMarker(batch)) abortedProducers.delete(header.producerId)
    if (header.lastOffset < from) continue
    const isHidden = header.isControl || isAborted
    batches.push({
      baseOffset: header.baseOffset,
      next: header.lastOffset + 1,
      isHidden,
      records: () => (isHidden ? [] : readRecords(topic, partition, batch, header, from)),
    })
  }
  return batches
}

interface BatchHeader {
  readonly baseOffset: number
  readonly lastOffset: number
  readonly attributes: number
  readonly baseTimestamp: number
  readonly maxTimestamp: number
  readonly producerId: bigint
  readonly count: number
  readonly isTransactional: boolean
  readonly isControl: boolean
}

function readHeader(topic: string, partition: number, batch: Buffer): BatchHeader {
  const magic = batch[16]
  if (magic !== 2) throw new RangeError(`${topic}/${partition} holds a batch of version ${magic}; version 2 is read`)
  const reader = new ByteReader(batch)
  const baseOffset = reader.int64()
  if (crc32c(batch, attributesAt) !== batch.readUInt32BE(crcAt))
    throw new RangeError(`the batch at ${topic}/${partition}/${baseOffset} arrived damaged (CRC-32C)`)
  reader.skip(attributesAt - 8)
  const attributes = reader.int16()
  const lastOffset = baseOffset + reader.int32()
  const baseTimestamp = reader.int64()
  const maxTimestamp = reader.int64()
  const producerId = reader.bigint64()
  reader.skip(6)
  const count = reader.int32()
  return {
    baseOffset,
    lastOffset,
    attributes,
    baseTimestamp,
    maxTimestamp,
    producerId,
    count,
    isTransactional: (attributes & transactionalBit) !== 0,
    isControl: (attributes & controlBit) !== 0,
  }
}

/** A marker's key is its version and type: 0 aborts, 1 commits. */
function isAbortMarker(batch: Buffer): boolean {
  const reader = new ByteReader(batch, headerBytes)
  reader.varint()
  reader.int8()
  reader.skipVarint()
  reader.varint()
  reader.varint()
  reader.int16()
  return reader.int16() === 0
}

const noHeaders: Headers = {}

function readRecords(
  topic: string,
  partition: number,
  batch: Buffer,
  header: BatchHeader,
  from: number,
): StoredRecord[] {
  const unpacked = decompress(batch.subarray(headerBytes), header.attributes)
  const isLogAppendTime = (header.attributes & logAppendTimeBit) !== 0
  const reader = new ByteReader(unpacked)
  const records: StoredRecord[] = []
  for (let index = 0; index < header.count; index++) {
    const end = reader.varint() + reader.position
    reader.int8()
    const timestampDelta = reader.varint()
    const offset = header.baseOffset + reader.varint()
    if (offset < from) {
      reader.skip(end - reader.position)
      continue
    }
    const keyLength = reader.varint()
    const key = keyLength < 0 ? '' : reader.text(keyLength)
    const valueLength = reader.varint()
    const value = valueLength < 0 ? null : reader.raw(valueLength)
    records.push({
      topic,
      partition,
      offset,
      key,
      value,
      headers: readHeaders(reader),
      appendedMs: isLogAppendTime ? header.maxTimestamp : header.baseTimestamp + timestampDelta,
    })
    reader.skip(end - reader.position)
  }
  return records
}

function readHeaders(reader: ByteReader): Headers {
  const count = reader.varint()
  if (count === 0) return noHeaders
  const headers: Record<string, string> = {}
  for (let index = 0; index < count; index++) {
    const name = reader.text(reader.varint())
    const length = reader.varint()
    const value = length < 0 ? '' : reader.text(length)
    // An assignment to this name would set the object's prototype.
    if (name === '__proto__')
      Object.defineProperty(headers, name, { value, enumerable: true, configurable: true, writable: true })
    else headers[name] = value
  }
  return headers
}
