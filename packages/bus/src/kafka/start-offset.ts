/** Where the holder of a partition begins: at the offset that is committed since its claim. Kafka may have lost the end of the
 *  transaction that committed it; then it is ended here (docs/adr/0008). */
import { RelayError } from '@siem-relay/common'
import type { Stretch } from '../port.ts'
import { type Core, fullName } from './core.ts'
import { boundsOf, committedOffsets, offsetAt } from './offsets.ts'
import type { TransactionalOwner } from './transactions.ts'
import { KafkaError, kafkaErrors } from './wire/error-codes.ts'
import type { TopicPartition } from './wire/request.ts'

export interface StartSpec {
  /** Without the installation's prefix. */
  readonly group: string
  readonly startAtMs: number | undefined
  readonly onError: (error: unknown) => void
  /** Where else the work on a partition is always written: ended together with its offset. */
  readonly places?: (topic: string, partition: number) => Promise<readonly TopicPartition[]>
}

interface Place {
  readonly topic: string
  readonly fullTopic: string
  readonly partition: number
}

/** The committed offset; for a new group its start, committed at once, so that a restart does not choose another one. */
export async function startOffset(
  core: Core,
  spec: StartSpec,
  owner: TransactionalOwner,
  { topic, fullTopic, partition }: Place,
  stretch: Stretch | undefined,
): Promise<number> {
  const at = { topic: fullTopic, partition }
  const group = fullName(core, spec.group)
  const committed = await finalOffset(core, owner, group, at, async () => {
    if (!owner.knowsEnd)
      spec.onError(
        new RelayError(
          'RELAY_BUS_END_LOST',
          `a transaction of ${spec.group} at ${topic}/${partition} has no end in Kafka: it is aborted, and its batch may come twice`,
        ),
      )
    return (await spec.places?.(topic, partition)) ?? []
  })
  const { start, end } = await boundsOf(core, at)
  const commit = async (next: number): Promise<number> => {
    await owner.transact({ records: [], offsets: { group, next: [{ ...at, next }] } })
    return next
  }
  if (committed === undefined) {
    if (stretch !== undefined) return commit(Math.max(stretch.from, Math.min(start, stretch.until)))
    return commit(spec.startAtMs === undefined ? start : await offsetAt(core, at, spec.startAtMs))
  }
  if (committed >= start && committed <= end) return committed
  if (stretch !== undefined && committed >= stretch.until) return committed
  // Removed by retention, or the topic was made anew.
  const next = Math.min(start, stretch?.until ?? start)
  core.emit({ kind: 'records-expired', group: spec.group, topic, partition, records: Math.max(0, next - committed) })
  return commit(next)
}

/**
 * What is committed, with nothing pending. Where neither this process nor the coordinator knows how a lost transaction ended, it is
 * aborted: that repeats a batch at worst, where committing it could lose one.
 */
async function finalOffset(
  core: Core,
  owner: TransactionalOwner,
  group: string,
  at: TopicPartition,
  lost: () => Promise<readonly TopicPartition[]>,
): Promise<number | undefined> {
  let committed: number | undefined
  try {
    committed = await stableOffset(core, group, at)
  } catch (error) {
    if (!isPending(error)) throw error
    await owner.endAt(await lost(), group)
    committed = await stableOffset(core, group, at)
  }
  const doubtful = owner.doubtful
  if (doubtful !== undefined)
    await owner.settle(
      doubtful.some(
        ({ topic, partition, next }) => topic === at.topic && partition === at.partition && next === committed,
      ),
    )
  return committed
}

const pendingMs = { min: 2, max: 200 }
/** Ends of transactions are written in milliseconds: what takes longer than this was lost. */
const pendingMsMax = 5_000

/** @throws {KafkaError} `UNSTABLE_OFFSET_COMMIT` when the offset stays pending. */
async function stableOffset(core: Core, group: string, at: TopicPartition): Promise<number | undefined> {
  const { clock } = core.cluster
  const untilMs = clock.monotonicMs() + pendingMsMax
  for (let attempt = 0; ; attempt++) {
    try {
      const [next] = await committedOffsets(core, group, [at], true)
      return next
    } catch (error) {
      if (!isPending(error) || clock.monotonicMs() > untilMs) throw error
      await clock.sleep(Math.min(pendingMs.max, pendingMs.min * 2 ** Math.min(attempt, 10)), core.closing)
    }
  }
}

const isPending = (error: unknown): boolean =>
  error instanceof KafkaError && error.code === kafkaErrors.unstableOffsetCommit
