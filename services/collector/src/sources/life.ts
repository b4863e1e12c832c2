/** What every source does the same way: claims its place in the log, runs its parts together, and is as well as the worst of them. */
import type { Writer } from '@siem-relay/bus'
import { collectorStateTopic, type RawKind, rawTopic, type TopicSpec } from '@siem-relay/common'
import { retry, type World } from '@siem-relay/service-kit'
import type { SourceState, SourceStatus, StreamStatus } from './source.ts'

interface SourceName {
  readonly id: string
  readonly tenant: string
}

const claimPolicy = { minMs: 1_000, maxMs: 60_000 }

/**
 * Fences whoever had the source before, and takes up its state; tries until it works.
 * @param also topics it writes besides those of its kinds. @throws the signal's reason.
 */
export function claimSource(
  { bus, clock, random, log }: World,
  { id, tenant }: SourceName,
  kinds: Iterable<RawKind>,
  signal: AbortSignal,
  also: readonly TopicSpec[] = [],
): Promise<Writer> {
  const stateTopic = collectorStateTopic(id)
  const claim = async (): Promise<Writer> => {
    await bus.ensureTopics([...Array.from(kinds, (kind) => rawTopic(tenant, kind)), ...also, stateTopic])
    signal.throwIfAborted()
    return bus.writer(`collector/${id}`, stateTopic)
  }
  return retry(claim, {
    clock,
    random,
    signal,
    policy: claimPolicy,
    onRetry: ({ error, waitMs }) => log.warn({ source: id, err: error, waitMs }, 'log could not be claimed'),
  })
}

/** Runs parts that share a claim: one that cannot go on takes the others with it. @throws what the first of them threw. */
export async function runTogether(
  parts: readonly ((signal: AbortSignal) => Promise<void>)[],
  signal: AbortSignal,
): Promise<void> {
  const failure = new AbortController()
  const all = AbortSignal.any([signal, failure.signal])
  const outcomes = await Promise.allSettled(
    parts.map((part) =>
      part(all).catch((error: unknown) => {
        failure.abort(error)
        throw error
      }),
    ),
  )
  const failed = outcomes.find((outcome) => outcome.status === 'rejected')
  if (failed !== undefined) throw failed.reason
}

/** From well to bad. */
const states: readonly SourceState[] = ['collecting', 'starting', 'waiting', 'error']

/** The worst state of the streams, and their latest error. */
export function statusOf({ id, tenant }: SourceName, streams: readonly StreamStatus[]): SourceStatus {
  const worst = Math.max(...streams.map(({ state }) => states.indexOf(state)))
  const errors = streams.flatMap(({ lastError }) => lastError ?? [])
  const lastError = errors.toSorted((a, b) => b.atMs - a.atMs)[0]
  return { id, tenant, state: states[worst] ?? 'starting', streams, lastError }
}
