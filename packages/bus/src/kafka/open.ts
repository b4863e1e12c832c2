/** Opens the log on an Apache Kafka cluster: everything the port promises, shared by any number of processes. */
import { setMaxListeners } from 'node:events'
import { deadLettersTopic, type TopicSpec } from '@siem-relay/common'
import { closedError } from '../closed-error.ts'
import { orAborted } from '../or-aborted.ts'
import type { Bus, BusRecord, Worker } from '../port.ts'
import { parseAddress } from './address.ts'
import { kafkaJsDriver } from './client/kafkajs.ts'
import { Cluster } from './cluster.ts'
import { type Core, fullName } from './core.ts'
import { startDelivery } from './deliver.ts'
import { ConnectionError } from './driver.ts'
import { toRelayError } from './errors.ts'
import { Fetcher } from './fetcher.ts'
import { Memories } from './last-transaction.ts'
import { boundsOf } from './offsets.ts'
import type { KafkaBusOptions } from './options.ts'
import { positionsOf } from './positions.ts'
import { PartitionReader } from './reader.ts'
import { startShare } from './share.ts'
import { startStage } from './stage.ts'
import { openTable } from './table.ts'
import { Topics } from './topics.ts'
import { openWriter } from './writer.ts'

/** The log on a cluster: the port, and how the cluster is. */
export interface KafkaBus extends Bus {
  /** Why no broker answers; undefined while one does. */
  trouble(): string | undefined
}

const disappearMsMax = 15_000
/** Errors of the first contact that waiting mends. */
const reachEveryMs = 1_000

/**
 * Opens the log. A cluster that cannot be reached is waited for until the signal is aborted; what a person has to mend is thrown.
 * @throws {RelayError} `RELAY_BUS_AUTH`, `RELAY_BUS_TLS`, `RELAY_BUS_RIGHTS`, `RELAY_BUS_VERSION`
 */
export async function openKafkaBus(options: KafkaBusOptions, signal?: AbortSignal): Promise<KafkaBus> {
  const bootstrap = options.brokers.map(parseAddress)
  const driver = kafkaJsDriver({ ...options, brokers: bootstrap, tls: options.tls, sasl: options.sasl })
  const ending = new AbortController()
  const closing = new AbortController()
  setMaxListeners(0, ending.signal, closing.signal)
  const cluster = new Cluster({ bootstrap, driver, clock: options.clock, random: options.random }, closing.signal)
  const core: Core = {
    options,
    driver,
    cluster,
    fetcher: new Fetcher(cluster, closing.signal),
    emit: (event) => options.onEvent?.(event),
    topics: new Topics(() => core),
    memories: new Memories(),
    ending: ending.signal,
    closing: closing.signal,
  }
  try {
    await reach(core, signal)
  } catch (error) {
    closing.abort(closedError())
    throw error
  }
  return new ClusterBus(core, ending, closing)
}

/** The first topic also tries a broker by the address it advertises, which may be one that this machine cannot reach. */
async function contact(core: Core): Promise<void> {
  await core.cluster.partitionCount(fullName(core, deadLettersTopic.name))
  await core.topics.ensure([deadLettersTopic])
}

async function reach(core: Core, signal: AbortSignal | undefined): Promise<void> {
  for (let failures = 0; ; failures++) {
    try {
      const reaching = contact(core)
      await (signal === undefined ? reaching : orAborted(reaching, signal))
      if (failures > 0) core.emit({ kind: 'cluster-reached' })
      return
    } catch (error) {
      const known = toRelayError(isGivenUp(error, signal) ? silence : error, 'opening the log')
      if (known.code !== 'RELAY_BUS_UNREACHABLE' || signal?.aborted) throw known
      if (failures % 30 === 0) core.emit({ kind: 'cluster-unreachable', error: known })
      await core.cluster.clock.sleep(reachEveryMs, signal).catch(() => {
        throw known
      })
    }
  }
}

const silence = new ConnectionError('no answer in time', false)

/** A broker that does not even refuse would be waited for longer than the caller wants to. */
function isGivenUp(error: unknown, signal: AbortSignal | undefined): boolean {
  return signal?.aborted === true && error === signal.reason
}

class ClusterBus implements KafkaBus {
  readonly positions: Bus['positions']
  readonly #core: Core
  readonly #ending: AbortController
  readonly #closing: AbortController
  readonly #workers = new Set<Worker>()
  #closed: Promise<void> | undefined

  constructor(core: Core, ending: AbortController, closing: AbortController) {
    this.#core = core
    this.#ending = ending
    this.#closing = closing
    this.positions = positionsOf(core)
  }

  async ensureTopics(topics: readonly TopicSpec[]): Promise<void> {
    this.#assertOpen()
    // Another process may have deleted what this one made: whoever asks outright gets an answer of now.
    this.#core.topics.forget(topics.map(({ name }) => name))
    await this.#core.topics.ensure(topics)
  }

  async deleteTopics(names: readonly string[]): Promise<void> {
    this.#assertOpen()
    const { cluster, driver, topics } = this.#core
    try {
      const present: string[] = []
      for (const name of [...new Set(names)].map((one) => fullName(this.#core, one))) {
        cluster.forget(name)
        if ((await cluster.ask(() => cluster.partitionCount(name))) !== undefined) present.push(name)
      }
      if (present.length === 0) return
      await using admin = await driver.admin()
      await admin.deleteTopics(present)
      topics.forget(names)
      for (const name of present) await this.#disappears(name)
    } catch (error) {
      throw toRelayError(error, `deleting topics ${names.join(', ')}`)
    }
  }

  /** Brokers learn of a deletion a little later; until then the topic would look as if it were there. */
  async #disappears(name: string): Promise<void> {
    const { cluster, closing } = this.#core
    const untilMs = cluster.clock.monotonicMs() + disappearMsMax
    for (let absences = 0; absences < 2 && cluster.clock.monotonicMs() < untilMs; ) {
      cluster.forget(name)
      absences = (await cluster.ask(() => cluster.partitionCount(name))) === undefined ? absences + 1 : 0
      await cluster.clock.sleep(20, closing)
    }
  }

  writer(...args: Parameters<Bus['writer']>): ReturnType<Bus['writer']> {
    this.#assertOpen()
    return openWriter(this.#core, ...args)
  }

  stage(spec: Parameters<Bus['stage']>[0]): Worker {
    this.#assertOpen()
    return this.#keep(startStage(this.#core, spec))
  }

  deliver(spec: Parameters<Bus['deliver']>[0]): Worker {
    this.#assertOpen()
    return this.#keep(startDelivery(this.#core, spec))
  }

  share(spec: Parameters<Bus['share']>[0]): Worker {
    this.#assertOpen()
    return this.#keep(startShare(this.#core, spec))
  }

  table(topic: TopicSpec): ReturnType<Bus['table']> {
    this.#assertOpen()
    return openTable(this.#core, topic)
  }

  async *read(topic: TopicSpec, partition: number, from: number, signal?: AbortSignal): AsyncIterable<BusRecord> {
    this.#assertOpen()
    const core = this.#core
    const ending = signal === undefined ? core.closing : AbortSignal.any([core.closing, signal])
    try {
      await core.topics.ensure([topic])
      const name = fullName(core, topic.name)
      const { start, end } = await boundsOf(core, { topic: name, partition })
      const place = { fetcher: core.fetcher, topic: name, name: topic.name, partition }
      const reader = new PartitionReader({ ...place, from: Math.max(from, start), until: end })
      while (!reader.isExhausted) yield* (await reader.read(1_000, 8_388_608, ending)).records
    } catch (error) {
      if (core.closing.aborted) throw closedError()
      throw signal?.aborted ? signal.reason : toRelayError(error, `reading ${topic.name}`)
    }
  }

  trouble(): string | undefined {
    return this.#core.cluster.trouble
  }

  /** Trouble with the cluster shows where something is written: sources wait there. */
  intake(): { readonly open: true } {
    return { open: true }
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#closed ??= this.#close()
    return this.#closed
  }

  async #close(): Promise<void> {
    this.#ending.abort(closedError())
    await Promise.all([...this.#workers].map((worker) => worker.stop()))
    this.#closing.abort(closedError())
  }

  #keep(worker: Worker): Worker {
    this.#workers.add(worker)
    const stop = async (): Promise<void> => {
      await worker.stop()
      this.#workers.delete(worker)
    }
    return { failed: worker.failed, stop, [Symbol.asyncDispose]: stop }
  }

  #assertOpen(): void {
    if (this.#closing.signal.aborted || this.#closed !== undefined) throw closedError()
  }
}
