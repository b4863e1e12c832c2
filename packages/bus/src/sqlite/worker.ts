/** What a stage and a delivery have in common: one loop per partition, each with its own lease and back-off. A loop's life ends
 *  with an error or the stop; after an error a new life begins from committed data, unless the error is final. */
import { RelayError, type TopicSpec } from '@siem-relay/common'
import { closedError } from '../closed-error.ts'
import type { Stretch, Worker } from '../port.ts'
import type { Log } from './catalog.ts'
import type { Core } from './core.ts'
import { toRelayError } from './errors.ts'
import { backoffMsMax, backoffMsMin } from './limits.ts'
import { isPassed, logsOf } from './stretches.ts'

/** Waits between attempts: doubling from 50 ms to 5 s, half of it by chance; short again after a success. */
export class Backoff {
  readonly #core: Core
  #failures = 0

  constructor(core: Core) {
    this.#core = core
  }

  succeeded(): void {
    this.#failures = 0
  }

  /** Returns early when the signal is aborted. */
  async wait(signal: AbortSignal): Promise<void> {
    const ms = Math.min(backoffMsMax, backoffMsMin * 2 ** Math.min(this.#failures++, 10))
    await this.#core.clock.sleep(ms * (0.5 + this.#core.random() / 2), signal).catch(() => undefined)
  }
}

export interface WorkerSpec {
  readonly group: string
  readonly topics: readonly TopicSpec[]
  readonly startAtMs: number | undefined
  readonly stretches: readonly Stretch[] | undefined
  readonly onError: ((error: unknown) => void) | undefined
  /** Works until the signal is aborted, something fails, or `until` is committed. `from`: the committed offset. */
  readonly live: (reach: Reach, signal: AbortSignal, backoff: Backoff) => Promise<void>
}

/** What of a partition one life works on; `until` is infinite without a stretch. */
export interface Reach {
  readonly log: Log
  readonly from: number
  readonly until: number
}

/** Errors after which another attempt cannot help. */
function isFinal(error: unknown): boolean {
  if (!(error instanceof RelayError)) return false
  return error.code === 'RELAY_BUS_FENCED' || error.code === 'RELAY_BUS_CLOSED' || error.code === 'RELAY_LOG_UNUSABLE'
}

export function startWorker(core: Core, spec: WorkerSpec): Worker {
  core.catalog.ensure(spec.topics)
  const stretched = logsOf(core.catalog, spec)
  const compacted = stretched.find(({ log }) => log.isCompacted)?.log
  if (compacted !== undefined) {
    throw new RelayError(
      'RELAY_BUS_TOPIC',
      `${spec.group} reads ${compacted.topicName}, a compacted topic: use a table`,
    )
  }
  const { promise: failed, reject: fail } = Promise.withResolvers<never>()
  // A worker nobody watches must not end the process when the log closes under it.
  failed.catch(() => undefined)
  const stopping = new AbortController()
  const signal = AbortSignal.any([stopping.signal, core.closing])
  const loops = Promise.all(
    stretched.map(async ({ log, stretch }) => {
      try {
        await runPartition(core, spec, log, stretch, signal)
      } catch (error) {
        stopping.abort()
        fail(error)
      }
    }),
  )
  core.closing.addEventListener('abort', () => fail(closedError()), { signal: stopping.signal })
  const stop = async (): Promise<void> => {
    stopping.abort()
    await loops
  }
  return { failed, stop, [Symbol.asyncDispose]: stop }
}

/** Lives after lives until the stop or the end of the stretch. @throws what makes further attempts pointless. */
async function runPartition(
  core: Core,
  spec: WorkerSpec,
  log: Log,
  stretch: Stretch | undefined,
  signal: AbortSignal,
): Promise<void> {
  const release = await core.leases.take(spec.group, log.id, signal)
  if (release === undefined) return
  const backoff = new Backoff(core)
  try {
    core.offsets.protect(spec.group, log)
    while (!signal.aborted) {
      try {
        const from = await startOffset(core, spec, log, stretch)
        if (isPassed(stretch, from)) {
          // Nothing is left to keep for this group.
          core.offsets.release(spec.group, log)
          break
        }
        await spec.live({ log, from, until: stretch?.until ?? Number.POSITIVE_INFINITY }, signal, backoff)
      } catch (error) {
        if (signal.aborted && error === signal.reason) break
        const known = 'errcode' in Object(error) ? toRelayError(error, `reading ${log.topicName}`) : error
        if (isFinal(known)) throw known
        spec.onError?.(known)
        await backoff.wait(signal)
      }
    }
  } finally {
    release()
  }
}

/** The committed offset; for a new group its start, committed at once, so that a restart does not choose another one. */
async function startOffset(
  core: Core,
  { group, startAtMs }: WorkerSpec,
  log: Log,
  stretch: Stretch | undefined,
): Promise<number> {
  const committed = core.offsets.committed(group, log)
  const wanted =
    committed ?? stretch?.from ?? (startAtMs === undefined ? log.start : core.marks.offsetAt(log, startAtMs))
  const next = Math.max(wanted, Math.min(log.start, stretch?.until ?? log.start))
  const records = next - wanted
  if (records > 0)
    core.emit({ kind: 'records-expired', group, topic: log.topicName, partition: log.partition, records })
  if (next !== committed) await core.committer.commit({ offset: { group, log, next } })
  return next
}
