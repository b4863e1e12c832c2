/** Where groups stand on Kafka, and moving them. */
import { RelayError, type TopicSpec } from '@siem-relay/common'
import { closedError } from '../closed-error.ts'
import type { PartitionPosition, Positions } from '../port.ts'
import { type Core, claim, fullName, partitionsOf } from './core.ts'
import { toRelayError } from './errors.ts'
import { boundsOf, committedOffsets, offsetAt, search } from './offsets.ts'
import type { TopicPartition } from './wire/request.ts'

export function positionsOf(core: Core): Positions {
  return {
    of: (group, topics) => classified(core, `looking where ${group} stands`, () => positions(core, group, topics)),
    offsetAt: (topic, partition, timeMs) =>
      classified(core, `looking for a time in ${topic.name}`, async () => {
        await core.topics.ensure([topic])
        return offsetAt(core, { topic: fullName(core, topic.name), partition }, timeMs)
      }),
    set: (group, topic, partition, offset) =>
      classified(core, `moving ${group}`, () => move(core, group, topic, partition, offset)),
    forget: (group) =>
      classified(core, `forgetting ${group}`, async () => {
        await using admin = await core.driver.admin()
        await admin.deleteGroup(fullName(core, group))
      }),
  }
}

async function classified<T>(core: Core, doing: string, work: () => Promise<T>): Promise<T> {
  if (core.closing.aborted) throw closedError()
  try {
    return await work()
  } catch (error) {
    throw core.closing.aborted ? closedError() : toRelayError(error, doing)
  }
}

async function positions(
  core: Core,
  group: string,
  topics: readonly TopicSpec[],
): Promise<readonly PartitionPosition[]> {
  await core.topics.ensure(topics)
  const places = await Promise.all(
    topics.map(async ({ name }) => {
      const count = await partitionsOf(core, name)
      return Array.from({ length: count }, (_, partition) => ({ name, topic: fullName(core, name), partition }))
    }),
  )
  const all = places.flat()
  const committed = await committedOffsets(core, fullName(core, group), all, false)
  return Promise.all(all.map((place, index) => position(core, place, committed[index])))
}

/** Markers of transactions take offsets too: only a record that a reader gets counts as pending. */
async function position(
  core: Core,
  { name, topic, partition }: TopicPartition & { readonly name: string },
  committed: number | undefined,
): Promise<PartitionPosition> {
  const { start, end } = await boundsOf(core, { topic, partition })
  const next = Math.max(committed ?? start, start)
  // What lies behind `reached` belongs to a transaction that is still open: pending, though nobody can say since when.
  const { record, reached } = next < end ? await search(core, { topic, partition }, next, end) : { reached: end }
  return {
    topic: name,
    partition,
    start,
    end,
    committed,
    lag: Math.max(0, end - reached),
    oldestPendingMs: record?.appendedMs,
  }
}

/** Under the claimed id of the partition, as its workers commit: what one of them still has under way is settled first. */
async function move(core: Core, group: string, { name }: TopicSpec, partition: number, offset: number): Promise<void> {
  const fullGroup = fullName(core, group)
  await using admin = await core.driver.admin()
  if ((await admin.memberCount(fullGroup)) > 0)
    throw new RelayError('RELAY_USAGE', `${group} is running: stop its workers before moving it`)
  const topic = fullName(core, name)
  const { start, end } = await boundsOf(core, { topic, partition })
  const next = Math.min(Math.max(offset, start), end)
  const owner = await claim(core, `${fullGroup}/${name}/${partition}`)
  await owner.transact({ records: [], offsets: { group: fullGroup, next: [{ topic, partition, next }] } })
  // Readers of the offset see it once the transaction's markers are written; raising the epoch waits for that.
  await owner.recover()
}
