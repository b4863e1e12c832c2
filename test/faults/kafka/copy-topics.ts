/** What the copy runs write and read: numbers from 0 on, more output than input partitions, as in Kafka's own transactions test. */
import type { BusRecord, NewRecord } from '@siem-relay/bus'
import type { TopicSpec } from '@siem-relay/common'

const dayMs = 86_400_000
export const input: TopicSpec = { name: 'input', partitions: 2, cleanup: 'delete', retentionMs: dayMs }
export const output: TopicSpec = { name: 'output', partitions: 3, cleanup: 'delete', retentionMs: dayMs }
export const copyState: TopicSpec = { name: 'state.copy', partitions: 2, cleanup: 'compact', retentionMs: dayMs }
export const writerState: TopicSpec = { name: 'state.numbers', partitions: 1, cleanup: 'compact', retentionMs: dayMs }
export const copyGroup = 'copy'

export const numbered = (n: number): NewRecord => ({
  topic: input.name,
  key: String(n),
  value: Buffer.from(`${n} ${'x'.repeat(200)}`),
  headers: {},
})

/** The copy tells where it came from. */
export const copied = ({ key, partition }: BusRecord): NewRecord => ({
  topic: output.name,
  key,
  value: Buffer.from(`${partition}`),
  headers: {},
})
