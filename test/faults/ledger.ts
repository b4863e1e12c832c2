/** Holds a run to the promises: what the source had, what the log holds, what the receiver read. */
import { type Bus, openSqliteBus } from '@siem-relay/bus'
import { outTopic, parseCef, rawTopic, type TopicSpec } from '@siem-relay/common'
import { systemClock } from '@siem-relay/service-kit'

export interface Findings {
  /** Records the source had. */
  readonly records: number
  /** Of these, not in the raw log. */
  readonly missingRaw: number
  /** More than once in the raw log. */
  readonly repeatedRaw: number
  readonly missingOut: number
  readonly repeatedOut: number
  /** Never read by the receiver. */
  readonly lost: number
  /** Read more than once. */
  readonly duplicates: number
  /** First copies that came before an earlier message of their partition. */
  readonly outOfOrder: number
  readonly deadLetters: number
}

export interface Run {
  /** Opens the log; the relay must have ended where it is the embedded one. */
  readonly open: () => Promise<Bus>
  readonly tenant: string
  readonly agent: string
  /** Ids of all records the source had. */
  readonly sourceIds: readonly string[]
  /** Messages as the receiver read them, in order, duplicates included. */
  readonly received: readonly string[]
}

/** The embedded log of a directory. */
export const embeddedLog = (directory: string) => (): Promise<Bus> =>
  openSqliteBus({ path: directory, clock: systemClock, freeBytesMin: 1_048_576 })

export async function inspect({ open, tenant, agent, sourceIds, received }: Run): Promise<Findings> {
  await using bus = await open()
  const keysOf = async (topics: readonly TopicSpec[]): Promise<readonly (readonly string[])[]> => {
    await bus.ensureTopics(topics)
    const partitions: string[][] = []
    for (const topic of topics)
      for (let partition = 0; partition < topic.partitions; partition++) {
        const keys: string[] = []
        for await (const record of bus.read(topic, partition, 0)) keys.push(record.key)
        partitions.push(keys)
      }
    return partitions
  }
  const raw = countsOf((await keysOf([rawTopic(tenant, 'alerts'), rawTopic(tenant, 'activities')])).flat())
  const outPartitions = await keysOf([outTopic(agent)])
  const out = countsOf(outPartitions.flat())
  const deadLetters = (
    await keysOf([{ name: 'dead-letters', partitions: 3, cleanup: 'delete', retentionMs: 1 }])
  ).flat().length
  const ids = received.map(idOf)
  const read = countsOf(ids)
  return {
    records: sourceIds.length,
    missingRaw: sourceIds.filter((id) => !raw.has(id)).length,
    repeatedRaw: repeats(raw),
    missingOut: sourceIds.filter((id) => !out.has(id)).length,
    repeatedOut: repeats(out),
    lost: sourceIds.filter((id) => !read.has(id)).length,
    duplicates: repeats(read),
    outOfOrder: disorder(outPartitions, ids),
    deadLetters,
  }
}

/** The record id in a line, header included. */
export function idOf(message: string): string {
  return parseCef(message.slice(message.indexOf('CEF:'))).extension.get('externalId') ?? ''
}

function countsOf(ids: readonly string[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>()
  for (const id of ids) counts.set(id, (counts.get(id) ?? 0) + 1)
  return counts
}

function repeats(counts: ReadonlyMap<string, number>): number {
  let sum = 0
  for (const count of counts.values()) sum += count - 1
  return sum
}

function disorder(partitions: readonly (readonly string[])[], received: readonly string[]): number {
  const place = new Map<string, readonly [partition: number, index: number]>()
  for (const [partition, keys] of partitions.entries()) {
    for (const [index, key] of keys.entries()) place.set(key, [partition, index])
  }
  const latest = partitions.map(() => -1)
  const seen = new Set<string>()
  let found = 0
  for (const id of received) {
    const at = place.get(id)
    if (at === undefined || seen.has(id)) continue
    seen.add(id)
    const [partition, index] = at
    if (index < (latest[partition] ?? -1)) found += 1
    latest[partition] = Math.max(latest[partition] ?? -1, index)
  }
  return found
}
