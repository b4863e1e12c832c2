/** Shares out topics among the workers of a group on Kafka: whoever the group gives a topic's first partition to holds it. */
import { closedError } from '../closed-error.ts'
import type { Holding, ShareSpec, Worker } from '../port.ts'
import { type Core, fullName } from './core.ts'
import { toRelayError } from './errors.ts'
import { Membership } from './membership.ts'

const retryMs = 1_000

export function startShare(core: Core, spec: ShareSpec): Worker {
  const { promise: failed, reject } = Promise.withResolvers<never>()
  failed.catch(() => undefined)
  const stopping = new AbortController()
  core.ending.addEventListener('abort', () => reject(closedError()), { once: true, signal: stopping.signal })
  const held = new Map<string, Holding>()
  /** What was released and is not over yet; the same topic is not begun anew before. */
  const releasing = new Map<string, Promise<void>>()
  const names = new Map(spec.topics.map(({ name }) => [fullName(core, name), name]))
  let wanted = new Set<string>()
  let isTakingLater = false
  let membership: Membership | undefined

  function take(): void {
    for (const [name, holding] of held) {
      if (wanted.has(name)) continue
      held.delete(name)
      const over = Promise.try(() => holding.released())
        .catch((error: unknown) => spec.onError?.(error))
        .then(() => void releasing.delete(name))
      releasing.set(name, over)
      void over.then(take)
    }
    for (const name of wanted) {
      if (held.has(name) || releasing.has(name) || stopping.signal.aborted) continue
      try {
        held.set(name, spec.hold(name))
      } catch (error) {
        spec.onError?.(error)
        takeLater()
      }
    }
  }

  function takeLater(): void {
    if (isTakingLater) return
    isTakingLater = true
    const retry = (): void => {
      isTakingLater = false
      take()
    }
    core.cluster.clock.sleep(retryMs, stopping.signal).then(retry, () => undefined)
  }

  async function begin(): Promise<void> {
    while (!stopping.signal.aborted) {
      try {
        await core.topics.ensure(spec.topics)
        break
      } catch (error) {
        spec.onError?.(error)
        await core.cluster.clock.sleep(retryMs, stopping.signal).catch(() => undefined)
      }
    }
    if (stopping.signal.aborted) return
    membership = new Membership({
      cluster: core.cluster,
      group: fullName(core, spec.group),
      topics: [...names.keys()],
      // Only the first stands for the task: the others would make shares uneven.
      partitionsMax: 1,
      sessionTimeoutMs: core.options.sessionTimeoutMs,
      random: core.options.random,
      assigned: (partitions) => {
        wanted = new Set(partitions.flatMap(({ topic }) => names.get(topic) ?? []))
        take()
        core.emit({ kind: 'partitions-assigned', group: spec.group, partitions: wanted.size })
      },
      onError: (error) => spec.onError?.(toRelayError(error, `keeping the place in ${spec.group}`)),
    })
  }

  const beginning = begin()
  let stopped: Promise<void> | undefined
  const stop = (): Promise<void> => {
    stopped ??= (async () => {
      stopping.abort(new Error(`${spec.group} stops`))
      await beginning
      wanted = new Set()
      take()
      await Promise.all(releasing.values())
      await membership?.stop()
    })()
    return stopped
  }
  return { failed, stop, [Symbol.asyncDispose]: stop }
}
