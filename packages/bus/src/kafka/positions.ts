/** Where groups stand on Kafka, and moving them. */
import { RelayError, type TopicSpec } from '@siem-relay/common'
import { closedError } from '../closed-error.ts'
import type { PartitionBounds, PartitionPosition, Positions } from '../port.ts'
import { type Core, claim, fullName, partitionsOf } from './core.ts'
import { toRelayError } from './errors.ts'
import { boundsOf, committedOffsets, countBetween, offsetAt, pendingOf } from './offsets.ts'
import type { TopicPartition } from './wire/request.ts'

export function positionsOf(core: Core): Positions {
  return {
    bounds: (topics) => classified(core, 'looking where topics begin and end', () => bounds(core, topics)),
    count: (topic, partition, from, until) =>
      classified(core, `counting in ${topic.name}`, async () => {
        await core.topics.ensure([topic])
        return countBetween(core, { topic: fullName(core, topic.name), partition }, from, until)
      }),
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

interface Place extends TopicPartition {
  /** Without the installation's prefix. */
  readonly name: string
}

async function placesOf(core: Core, topics: readonly TopicSpec[]): Promise<readonly Place[]> {
  await core.topics.ensure(topics)
  const places = await Promise.all(
    topics.map(async ({ name }) => {
      const count = await partitionsOf(core, name)
      return Array.from({ length: count }, (_, partition) => ({ name, topic: fullName(core, name), partition }))
    }),
  )
  return places.flat()
}

async function bounds(core: Core, topics: readonly TopicSpec[]): Promise<readonly PartitionBounds[]> {
  return Promise.all(
    (await placesOf(core, topics)).map(async ({ name, topic, partition }) => ({
      topic: name,
      partition,
      ...(await boundsOf(core, { topic, partition })),
    })),
  )
}

async function positions(
  core: Core,
  group: string,
  topics: readonly TopicSpec[],
): Promise<readonly PartitionPosition[]> {
  const all = await placesOf(core, topics)
  const committed = await committedOffsets(core, fullName(core, group), all, false)
  return Promise.all(all.map((place, index) => position(core, place, committed[index])))
}

async function position(
  core: Core,
  { name, topic, partition }: Place,
  committed: number | undefined,
): Promise<PartitionPosition> {
  const { start, end } = await boundsOf(core, { topic, partition })
  const next = Math.max(committed ?? start, start)
  const { records, oldestMs } = await pendingOf(core, { topic, partition }, next, end)
  return { topic: name, partition, start, end, committed, lag: records, oldestPendingMs: oldestMs }
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
