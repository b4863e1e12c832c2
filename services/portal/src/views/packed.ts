/** A batch as it crosses to the thread of the models: the values of all its records in one buffer, which is handed over. */
import type { Batch, ReadRecord } from './model.ts'

export interface PackedBatch extends Omit<Batch, 'records'> {
  /** Without their values, of which each has so many `bytes`, one behind the other. */
  readonly records: readonly (Omit<ReadRecord, 'value'> & { readonly bytes: number })[]
  readonly values: Uint8Array<ArrayBuffer>
}

/** Values of a batch may share memory with what is not of it: they are copied. */
export function pack({ records, ...batch }: Batch): PackedBatch {
  const values = new Uint8Array(records.reduce((sum, { value }) => sum + value.length, 0))
  let at = 0
  const heads = records.map(({ key, value, headers, offset, appendedMs }) => {
    values.set(value, at)
    at += value.length
    return { key, headers, offset, appendedMs, bytes: value.length }
  })
  return { ...batch, records: heads, values }
}

export function unpack({ records, values, ...batch }: PackedBatch): Batch {
  let at = 0
  return {
    ...batch,
    records: records.map(({ bytes, ...head }) => {
      at += bytes
      return { ...head, value: values.subarray(at - bytes, at) }
    }),
  }
}
