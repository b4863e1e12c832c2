/** Creates topics as the treaty describes them, once per process. What is there already stays as it is: partitions and retention are
 *  defaults that an operator may have changed. */
import { RelayError, type TopicSpec } from '@siem-relay/common'
import type { Core } from './core.ts'
import { fullName } from './core.ts'
import type { TopicToCreate } from './driver.ts'
import { toRelayError } from './errors.ts'

/** Records of up to 8 MB: the largest a source's page may hold. */
const recordBytesMax = 8_388_608
const compactedSettings = {
  'cleanup.policy': 'compact',
  // States are read from their beginning at every claim: old values should not pile up for long.
  'segment.bytes': '33554432',
  'segment.ms': '3600000',
  'min.cleanable.dirty.ratio': '0.2',
}

export class Topics {
  readonly #core: () => Core
  readonly #ensured = new Map<string, Promise<void>>()
  readonly #logs = new Set<string>()

  constructor(core: () => Core) {
    this.#core = core
  }

  /** @throws {RelayError} `RELAY_BUS_TOPIC` when one is missing and may not be created, `RELAY_BUS_RIGHTS`, `RELAY_BUS_UNREACHABLE` */
  async ensure(topics: readonly TopicSpec[]): Promise<void> {
    for (const { name, cleanup } of topics) if (cleanup === 'delete') this.#logs.add(name)
    const fresh = topics.filter(({ name }) => !this.#ensured.has(name))
    if (fresh.length > 0) {
      const work = this.#ensureNow(fresh)
      for (const { name } of fresh) this.#ensured.set(name, work)
      work.catch(() => {
        for (const { name } of fresh) this.#ensured.delete(name)
      })
    }
    await Promise.all(topics.map(({ name }) => this.#ensured.get(name)))
  }

  /** Whether a topic is known to be one without compaction. */
  isLog(name: string): boolean {
    return this.#logs.has(name)
  }

  /** What is known of topics may be stale: looked up again when next needed. */
  forget(names: readonly string[]): void {
    const core = this.#core()
    for (const name of names) {
      this.#ensured.delete(name)
      core.cluster.forget(fullName(core, name))
    }
  }

  async #ensureNow(topics: readonly TopicSpec[]): Promise<void> {
    const core = this.#core()
    const { cluster, options, driver } = core
    try {
      const found = await Promise.all(
        topics.map(({ name }) => cluster.ask(() => cluster.partitionCount(fullName(core, name)))),
      )
      const missing = topics.filter((_, index) => found[index] === undefined)
      if (missing.length === 0) return
      if (!options.createTopics) {
        const names = missing.map(({ name }) => fullName(core, name)).join(', ')
        throw new RelayError('RELAY_BUS_TOPIC', `Kafka has no topics ${names}, and bus.createTopics is false`)
      }
      await using admin = await driver.admin()
      await admin.createTopics(missing.map((topic) => toCreate(core, topic)))
      for (const { name } of missing) await this.#appears(fullName(core, name))
    } catch (error) {
      throw toRelayError(error, `making sure of topics ${topics.map(({ name }) => fullName(core, name)).join(', ')}`)
    }
  }

  /** Metadata follows the creation a little later. */
  async #appears(name: string): Promise<void> {
    const { cluster, closing } = this.#core()
    const untilMs = cluster.clock.monotonicMs() + 15_000
    for (;;) {
      cluster.forget(name)
      const count = await cluster.partitionCount(name).catch(() => undefined)
      if (count !== undefined && count > 0) return
      if (cluster.clock.monotonicMs() > untilMs)
        throw new RelayError('RELAY_BUS_TOPIC', `Kafka took the request for topic ${name} and does not show it`)
      await cluster.clock.sleep(20, closing)
    }
  }
}

function toCreate(core: Core, { name, partitions, cleanup, retentionMs }: TopicSpec): TopicToCreate {
  const { replication, minInsyncReplicas } = core.options
  return {
    name: fullName(core, name),
    partitions,
    replication: replication ?? -1,
    settings: {
      ...(cleanup === 'compact'
        ? compactedSettings
        : { 'cleanup.policy': 'delete', 'retention.ms': String(retentionMs) }),
      // Times are when the log took a record: the only ones that grow with offsets.
      'message.timestamp.type': 'LogAppendTime',
      'max.message.bytes': String(recordBytesMax),
      ...(minInsyncReplicas === undefined ? {} : { 'min.insync.replicas': String(minInsyncReplicas) }),
    },
  }
}
