/** What the suite's files share: a log to open and open again, topics, and waiting for facts. */
import type { TopicSpec } from '@siem-relay/common'
import type { Bus, BusRecord, NewRecord } from '../port.ts'

/** One log. `open` again after closing what it returned is the restart of a process. */
export interface BusHarness {
  open(): Promise<Bus>
  dispose(): Promise<void>
}

export type MakeHarness = () => Promise<BusHarness>

const dayMs = 86_400_000

export const single: TopicSpec = { name: 'single', partitions: 1, cleanup: 'delete', retentionMs: dayMs }
export const triple: TopicSpec = { name: 'triple', partitions: 3, cleanup: 'delete', retentionMs: dayMs }
export const output: TopicSpec = { name: 'output', partitions: 3, cleanup: 'delete', retentionMs: dayMs }
export const letters: TopicSpec = { name: 'letters', partitions: 1, cleanup: 'delete', retentionMs: dayMs }
export const values: TopicSpec = { name: 'values', partitions: 2, cleanup: 'compact', retentionMs: dayMs }
export const memory: TopicSpec = { name: 'memory', partitions: 3, cleanup: 'compact', retentionMs: dayMs }
const topics = [single, triple, output, letters, values, memory]

/** Runs one test on a log of its own; `open` creates the topics too. */
export async function withLog(make: MakeHarness, work: (open: () => Promise<Bus>) => Promise<void>): Promise<void> {
  const harness = await make()
  try {
    await work(async () => {
      const bus = await harness.open()
      await bus.ensureTopics(topics)
      return bus
    })
  } finally {
    await harness.dispose()
  }
}

/** Polls until `check` gives something; fails with the last look at what it waited for. */
export async function until<T>(
  fact: string,
  check: () => T | undefined | false | Promise<T | undefined | false>,
): Promise<T> {
  const deadlineMs = performance.now() + 20_000
  for (;;) {
    const found = await check()
    if (found !== undefined && found !== false) return found
    if (performance.now() > deadlineMs) throw new Error(`waited in vain until ${fact}`)
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}

export function record(topic: TopicSpec, key: string, value: string, headers: NewRecord['headers'] = {}): NewRecord {
  return { topic: topic.name, key, value: Buffer.from(value), headers }
}

/** `count` records with keys and values `<prefix><n>`. */
export function numbered(topic: TopicSpec, count: number, prefix = 'r'): NewRecord[] {
  return Array.from({ length: count }, (_, n) => record(topic, `${prefix}${n}`, `${prefix}${n}`))
}

export async function readAll(bus: Bus, topic: TopicSpec): Promise<BusRecord[]> {
  const records: BusRecord[] = []
  for (let partition = 0; partition < topic.partitions; partition++)
    records.push(...(await readOf(bus, topic, partition)))
  return records
}

export async function readOf(bus: Bus, topic: TopicSpec, partition: number): Promise<BusRecord[]> {
  const records: BusRecord[] = []
  for await (const found of bus.read(topic, partition, 0)) records.push(found)
  return records
}

export async function readTexts(bus: Bus, topic: TopicSpec): Promise<string[]> {
  return (await readAll(bus, topic)).map((found) => found.value.toString())
}

/** Appends with an owner nobody else uses. */
export async function append(bus: Bus, records: readonly NewRecord[]): Promise<void> {
  await using writer = await bus.writer('conformance-input')
  await writer.commit({ records })
}
