/** Topics and records of this package's own tests. */
import type { TopicSpec } from '@siem-relay/common'
import type { BusRecord, NewRecord } from '../port.ts'
import type { SqliteBus } from '../sqlite/open.ts'

export const hourMs = 3_600_000

export const input: TopicSpec = { name: 'input', partitions: 1, cleanup: 'delete', retentionMs: hourMs }
export const output: TopicSpec = { name: 'output', partitions: 1, cleanup: 'delete', retentionMs: 24 * hourMs }
export const memory: TopicSpec = { name: 'memory', partitions: 1, cleanup: 'compact', retentionMs: hourMs }

/** `count` records of `input` whose values are their numbers from `first` on, filled up with `padding`. */
export function numbers(first: number, count: number, padding = ''): NewRecord[] {
  return Array.from({ length: count }, (_, n) => ({
    topic: input.name,
    key: `${first + n}`,
    value: Buffer.from(`${first + n} ${padding}`),
    headers: {},
  }))
}

export async function readAll(bus: SqliteBus, topic: TopicSpec): Promise<BusRecord[]> {
  const records: BusRecord[] = []
  for (let partition = 0; partition < topic.partitions; partition++) {
    for await (const record of bus.read(topic, partition, 0)) records.push(record)
  }
  return records
}

export async function readNumbers(bus: SqliteBus, topic: TopicSpec): Promise<number[]> {
  return (await readAll(bus, topic)).map((record) => Number.parseInt(record.value.toString(), 10))
}

/** 0 up to, not including, `count`. */
export const range = (count: number, first = 0): number[] => Array.from({ length: count }, (_, n) => first + n)
