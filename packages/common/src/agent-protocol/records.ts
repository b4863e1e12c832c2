/** Records on their way to an agent in another network. Values are text as long as they are UTF-8, which JSON carries and gzip shrinks
 *  best; anything else travels as base64, so that every byte arrives. */
import { isUtf8 } from 'node:buffer'
import { z } from 'zod'

const count = z.int().min(0)

const wireRecordSchema = z.object({
  offset: count,
  key: z.string(),
  text: z.string().optional(),
  base64: z.string().optional(),
  headers: z.record(z.string(), z.string()),
  appendedMs: count,
})

/** The next records of one partition, in order. */
export const wireBatchSchema = z.object({
  group: z.string(),
  opening: count,
  topic: z.string(),
  partition: count,
  /** One stay of a partition with this agent: what an older one acknowledges has no effect any more. */
  life: count,
  records: z.array(wireRecordSchema).max(10_000),
})

export type WireRecord = z.output<typeof wireRecordSchema>
export type WireBatch = z.output<typeof wireBatchSchema>

/** A record as a log gives it. */
export interface CarriedRecord {
  readonly offset: number
  readonly key: string
  readonly value: Buffer
  readonly headers: Readonly<Record<string, string>>
  readonly appendedMs: number
}

export function encodeWireRecord({ offset, key, value, headers, appendedMs }: CarriedRecord): WireRecord {
  const body = isUtf8(value) ? { text: value.toString('utf8') } : { base64: value.toString('base64') }
  return { offset, key, ...body, headers: { ...headers }, appendedMs }
}

export function decodeWireRecord({ offset, key, text, base64, headers, appendedMs }: WireRecord): CarriedRecord {
  const value = base64 === undefined ? Buffer.from(text ?? '', 'utf8') : Buffer.from(base64, 'base64')
  return { offset, key, value, headers, appendedMs }
}
