/** State in compacted topics: a stage's beside its input partition's number, a writer's by its owner. Keys carry their holder in front,
 *  since holders share topics. */
import { RelayError, type TopicSpec } from '@siem-relay/common'
import type { NewRecord, State, StateChange } from '../port.ts'
import type { PartitionRecords } from './appender.ts'
import { type Core, fullName, partitionsOf } from './core.ts'
import { boundsOf } from './offsets.ts'
import { PartitionReader } from './reader.ts'
import type { TransactionalOwner } from './transactions.ts'
import type { TopicPartition } from './wire/request.ts'

/** Where one holder's state lives. */
export interface StatePlace {
  readonly topic: string
  readonly partition: number
  /** In front of every key: `<holder>|`. */
  readonly prefix: string
}

export async function statePlace(core: Core, topic: TopicSpec, number: number, holder: string): Promise<StatePlace> {
  await core.topics.ensure([topic])
  return { topic: topic.name, partition: number % (await partitionsOf(core, topic.name)), prefix: `${holder}|` }
}

/**
 * The state as the last commit of its holder left it. Only after the claim of the holder's transactional id: it is final then.
 * Reads up to what the log holds now, and waits for transactions of others that are still open before that.
 * @throws {RelayError} `RELAY_BUS_END_LOST` when it waits for longer than any transaction may last.
 */
export async function restoreState(
  core: Core,
  owner: TransactionalOwner,
  { topic, partition, prefix }: StatePlace,
  signal: AbortSignal,
): Promise<State> {
  const name = fullName(core, topic)
  const { start, end } = await boundsOf(core, { topic: name, partition })
  const reader = new PartitionReader({ fetcher: core.fetcher, topic: name, name: topic, partition, from: start })
  const state = new Map<string, Buffer>()
  while (reader.next < end) {
    const records = await beforeHanging(core, owner, { topic: name, partition }, signal, (reading) =>
      reader.readStored(reading),
    )
    for (const { key, value } of records) {
      if (!key.startsWith(prefix)) continue
      // A copy: the value shares memory with its whole batch, and the state may live for long.
      if (value === null) state.delete(key.slice(prefix.length))
      else state.set(key.slice(prefix.length), Buffer.from(value))
    }
  }
  return state
}

/** Transactions last milliseconds: what holds readers back for longer may have lost its end (docs/adr/0008). */
const suspiciousMs = 5_000

/** When it was the owner's, it is ended as it is known to have ended; others end theirs, or their timeout does. */
async function beforeHanging<T>(
  core: Core,
  owner: TransactionalOwner,
  at: TopicPartition,
  signal: AbortSignal,
  read: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  if (owner.knowsEnd) {
    const found = await within(core, suspiciousMs, signal, read)
    if (found !== undefined) return found
    await owner.endAt([at])
  }
  const found = await within(core, 2 * core.options.transactionTimeoutMs, signal, read)
  if (found !== undefined) return found
  throw new RelayError(
    'RELAY_BUS_END_LOST',
    `the state in ${at.topic}/${at.partition} stands behind a transaction that never ends: end it with kafka-transactions.sh`,
  )
}

/** Undefined when the time is up. */
async function within<T>(
  { cluster }: Core,
  ms: number,
  signal: AbortSignal,
  read: (signal: AbortSignal) => Promise<T>,
): Promise<T | undefined> {
  const late = new AbortController()
  const cancel = cluster.clock.after(ms, () => late.abort(new Error(`nothing to read for ${ms} ms`)))
  try {
    return await read(AbortSignal.any([signal, late.signal]))
  } catch (error) {
    if (late.signal.aborted && error === late.signal.reason) return undefined
    throw error
  } finally {
    cancel()
  }
}

export function stateRecords(core: Core, place: StatePlace, changes: readonly StateChange[]): PartitionRecords {
  const records = changes.map(
    ({ key, value }): NewRecord => ({ topic: place.topic, key: `${place.prefix}${key}`, value, headers: {} }),
  )
  return { topic: fullName(core, place.topic), partition: place.partition, records }
}
