/** What a stage and a delivery have in common on Kafka: membership in the group, and one life after another per assigned partition. A life
 *  begins with the claim of the partition's transactional id, then reads the committed offset, and ends with an error, the loss of the
 *  partition or the stop. */
import { RelayError, type TopicSpec } from '@siem-relay/common'
import { checkStretches } from '../check-stretches.ts'
import { closedError } from '../closed-error.ts'
import type { Stretch, Worker } from '../port.ts'
import { type Core, claim, fullName } from './core.ts'
import { toRelayError } from './errors.ts'
import { Membership } from './membership.ts'
import { type StartSpec, startOffset } from './start-offset.ts'
import type { TransactionalOwner } from './transactions.ts'
import type { TopicPartition } from './wire/request.ts'

/** One partition in this worker's hands. */
export interface Held {
  /** Without the installation's prefix, as records carry it. */
  readonly topic: string
  readonly fullTopic: string
  readonly partition: number
  /** The group's full name. */
  readonly group: string
  readonly owner: TransactionalOwner
  /** Where to go on: the committed offset. */
  readonly from: number
  readonly until: number | undefined
  /** Aborted when the partition is lost or the worker stops. */
  readonly signal: AbortSignal
  /** Something was committed: the next failure is the first again. */
  succeeded(): void
}

export interface WorkerSpec extends StartSpec {
  readonly topics: readonly TopicSpec[]
  readonly stretches: readonly Stretch[] | undefined
  /** Works until the signal is aborted or something fails. */
  readonly live: (held: Held) => Promise<void>
}

const backoffMs = { min: 50, max: 5_000 }

export function startWorker(core: Core, spec: WorkerSpec): Worker {
  const compacted = spec.topics.find(({ cleanup }) => cleanup === 'compact')
  if (compacted !== undefined)
    throw new RelayError('RELAY_BUS_TOPIC', `${spec.group} reads ${compacted.name}, a compacted topic: use a table`)
  if (spec.stretches !== undefined) checkStretches(spec.group, spec.topics, spec.stretches)
  return new GroupWorker(core, spec)
}

interface Life {
  readonly ending: AbortController
  readonly done: Promise<void>
}

class GroupWorker implements Worker {
  readonly failed: Promise<never>
  readonly #core: Core
  readonly #spec: WorkerSpec
  readonly #group: string
  readonly #stopping = new AbortController()
  readonly #lives = new Map<string, Life>()
  #membership: Membership | undefined
  readonly #beginning: Promise<void>
  #stopped: Promise<void> | undefined

  constructor(core: Core, spec: WorkerSpec) {
    this.#core = core
    this.#spec = spec
    this.#group = fullName(core, spec.group)
    const { promise, reject } = Promise.withResolvers<never>()
    this.failed = promise
    // A worker nobody watches must not end the process when the log closes under it.
    promise.catch(() => undefined)
    core.ending.addEventListener('abort', () => reject(closedError()), { once: true, signal: this.#stopping.signal })
    this.#beginning = this.#begin()
  }

  stop(): Promise<void> {
    this.#stopped ??= this.#stop()
    return this.#stopped
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop()
  }

  async #begin(): Promise<void> {
    const { signal } = this.#stopping
    await attempts(this.#core, signal, this.#spec.onError, () => this.#core.topics.ensure(this.#spec.topics))
    if (signal.aborted) return
    const { cluster, options } = this.#core
    this.#membership = new Membership({
      cluster,
      group: this.#group,
      topics: this.#spec.topics.map(({ name }) => fullName(this.#core, name)),
      sessionTimeoutMs: options.sessionTimeoutMs,
      random: options.random,
      assigned: (partitions) => this.#assigned(partitions),
      onError: (error) => this.#spec.onError(toRelayError(error, `keeping the place in ${this.#group}`)),
    })
  }

  /** Lives of partitions that stay ours go on undisturbed. */
  #assigned(partitions: readonly TopicPartition[]): void {
    if (this.#stopping.signal.aborted) return
    const wanted = new Map(partitions.map((one) => [`${one.topic}/${one.partition}`, one]))
    for (const [key, life] of this.#lives) if (!wanted.has(key)) life.ending.abort(new Error(`${key} was taken away`))
    for (const [key, partition] of wanted) {
      const current = this.#lives.get(key)
      if (current !== undefined && !current.ending.signal.aborted) continue
      const ending = new AbortController()
      const done = (current?.done ?? Promise.resolve()).then(() => this.#run(partition, ending.signal))
      this.#lives.set(key, { ending, done })
      void done.then(() => {
        if (this.#lives.get(key)?.ending === ending) this.#lives.delete(key)
      })
    }
    this.#core.emit({ kind: 'partitions-assigned', group: this.#spec.group, partitions: partitions.length })
  }

  /** Lives after lives until the partition is lost or the worker stops. Never rejects. */
  async #run({ topic: fullTopic, partition }: TopicPartition, signal: AbortSignal): Promise<void> {
    const topic = fullTopic.slice(this.#core.options.prefix.length)
    const stretch = this.#spec.stretches?.find((one) => one.topic === topic && one.partition === partition)
    if (this.#spec.stretches !== undefined && stretch === undefined) return
    const id = `${this.#group}/${topic}/${partition}`
    let owner: TransactionalOwner | undefined
    let failures = 0
    while (!signal.aborted) {
      try {
        // Also after a commit that went well: until its markers are written, the offset of before would be read, and its batch done twice.
        if (owner === undefined) owner = await claim(this.#core, id)
        else await owner.recover()
        signal.throwIfAborted()
        const from = await startOffset(this.#core, this.#spec, owner, { topic, fullTopic, partition }, stretch)
        const succeeded = (): void => {
          failures = 0
        }
        const held = {
          topic,
          fullTopic,
          partition,
          group: this.#group,
          owner,
          from,
          until: stretch?.until,
          signal,
          succeeded,
        }
        await this.#spec.live(held)
      } catch (error) {
        if (signal.aborted) return
        const known = toRelayError(error, `working on ${id}`)
        if (known.code === 'RELAY_BUS_FENCED' && !owner?.isBroken) owner = undefined
        if (known.code === 'RELAY_BUS_FENCED' && (await this.#isFenced(owner))) {
          owner = undefined
          this.#core.emit({ kind: 'fenced', group: this.#spec.group, topic, partition })
          // Taken over: by whoever the group gave the partition to, or by one that did not know yet that it lost it.
          await this.#membership?.verify()
          if (signal.aborted) return
        } else this.#spec.onError(known)
        await pause(this.#core, failures++, signal)
      }
    }
  }

  /** A commit whose outcome is unknown is no fence: raising the epoch tells. */
  async #isFenced(owner: TransactionalOwner | undefined): Promise<boolean> {
    if (owner === undefined) return true
    try {
      await owner.recover()
      return false
    } catch (error) {
      return toRelayError(error, 'claiming again').code === 'RELAY_BUS_FENCED'
    }
  }

  async #stop(): Promise<void> {
    this.#stopping.abort(new Error(`${this.#spec.group} stops`))
    await this.#beginning
    const lives = [...this.#lives.values()]
    for (const { ending } of lives) ending.abort(this.#stopping.signal.reason)
    await Promise.all(lives.map(({ done }) => done))
    await this.#membership?.stop()
    this.#core.emit({ kind: 'partitions-released', group: this.#spec.group })
  }
}

/** Tries until it works or the signal is aborted. */
async function attempts(
  core: Core,
  signal: AbortSignal,
  onError: (error: unknown) => void,
  work: () => Promise<void>,
): Promise<void> {
  for (let failures = 0; !signal.aborted; failures++) {
    try {
      await work()
      return
    } catch (error) {
      if (signal.aborted) return
      onError(error)
      await pause(core, failures, signal)
    }
  }
}

/** Doubling from 50 ms to 5 s, half of it by chance; returns early when the signal is aborted. */
async function pause({ cluster, options }: Core, failures: number, signal: AbortSignal): Promise<void> {
  const ceilingMs = Math.min(backoffMs.max, backoffMs.min * 2 ** Math.min(failures, 10))
  await cluster.clock.sleep(ceilingMs * (0.5 + options.random() / 2), signal).catch(() => undefined)
}
