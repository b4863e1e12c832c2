/** Who leads which partition and who coordinates which group or transaction, and the connections to them. Knows how to ask
 *  again when the one asked is not the one any more; whether asking again is safe is the caller's to say. */
import type { Clock } from '@siem-relay/common'
import { type Address, type Connection, ConnectionError, type KafkaDriver } from './driver.ts'
import {
  type BrokerAddress,
  type CoordinatorKind,
  findCoordinatorRequest,
  type Metadata,
  metadataRequest,
  type PartitionMetadata,
} from './wire/cluster-requests.ts'
import { KafkaError, kafkaErrors } from './wire/error-codes.ts'
import type { KafkaRequest, TopicPartition } from './wire/request.ts'

export interface ClusterOptions {
  readonly bootstrap: readonly Address[]
  readonly driver: KafkaDriver
  readonly clock: Clock
  readonly random: () => number
}

/** What a connection is for; requests on one connection wait for each other at the broker. */
export type Lane = 'metadata' | `write-${number}` | `fetch-${number}`

const metadataAgeMsMax = 60_000
const retryMs = { min: 20, max: 1_000 }
/** How long a question is asked again before its error is the caller's. */
const patienceMs = 15_000

export class Cluster {
  readonly #options: ClusterOptions
  readonly #topics = new Map<string, { readonly partitions: readonly PartitionMetadata[]; readonly atMs: number }>()
  readonly #brokers = new Map<number, BrokerAddress>()
  readonly #coordinators = new Map<string, number>()
  readonly #connections = new Map<string, Promise<Connection>>()
  readonly #dedicated = new Set<Connection>()
  readonly #lookups = new Map<string, Promise<void>>()
  readonly #closing: AbortSignal
  #bootstrapIndex = 0
  #trouble: string | undefined

  constructor(options: ClusterOptions, closing: AbortSignal) {
    this.#options = options
    this.#closing = closing
    closing.addEventListener('abort', () => this.#closeAll(), { once: true })
  }

  /** Why no broker answers; undefined while one does. */
  get trouble(): string | undefined {
    return this.#trouble
  }

  get clock(): Clock {
    return this.#options.clock
  }

  /** Partitions of a topic as the cluster has it; undefined when there is no such topic. */
  async partitionCount(topic: string): Promise<number | undefined> {
    await this.#known([topic], metadataAgeMsMax)
    return this.#topics.get(topic)?.partitions.length
  }

  /** As `partitionCount`, from memory: for topics that were asked for before. */
  knownPartitionCount(topic: string): number | undefined {
    return this.#topics.get(topic)?.partitions.length
  }

  async leader({ topic, partition }: TopicPartition): Promise<number> {
    await this.#known([topic], metadataAgeMsMax)
    const found = this.#topics.get(topic)?.partitions.find((one) => one.partition === partition)
    if (found === undefined) throw new KafkaError(kafkaErrors.unknownTopic, `${topic}/${partition}`)
    if (found.leader < 0) {
      this.forget(topic)
      throw new KafkaError(5, `${topic}/${partition}`)
    }
    return found.leader
  }

  async coordinator(kind: CoordinatorKind, id: string): Promise<number> {
    const key = `${kind} ${id}`
    const known = this.#coordinators.get(key)
    if (known !== undefined && this.#brokers.has(known)) return known
    const broker = await this.#anyone(findCoordinatorRequest(kind, id))
    this.#brokers.set(broker.id, broker)
    this.#coordinators.set(key, broker.id)
    return broker.id
  }

  /** What is known of a topic is stale: looked up again when next needed. */
  forget(topic: string): void {
    this.#topics.delete(topic)
  }

  forgetCoordinator(kind: CoordinatorKind, id: string): void {
    this.#coordinators.delete(`${kind} ${id}`)
  }

  /** A shared connection; requests of a lane wait for each other. */
  async connection(node: number, lane: Lane): Promise<Connection> {
    return this.#suspecting(node, () => this.#shared(`${node} ${lane}`, () => this.#address(node)))
  }

  /** A connection of one's own, for requests that wait on purpose. The caller closes it. */
  async dedicated(node: number): Promise<Connection> {
    const connection = await this.#suspecting(node, async () => this.#options.driver.connect(await this.#address(node)))
    if (this.#closing.aborted) {
      connection.close()
      throw this.#closing.reason
    }
    for (const old of this.#dedicated) if (!old.isUsable) this.#dedicated.delete(old)
    this.#dedicated.add(connection)
    return connection
  }

  /** Asks until somebody answers; for questions that may be asked twice. Errors with other codes come back at once. */
  async ask<Answer>(work: () => Promise<Answer>, forget: () => void = () => undefined): Promise<Answer> {
    const { clock, random } = this.#options
    const untilMs = clock.monotonicMs() + patienceMs
    for (let attempt = 0; ; attempt++) {
      try {
        return await work()
      } catch (error) {
        this.#closing.throwIfAborted()
        const mayAskAgain = error instanceof ConnectionError || (error instanceof KafkaError && error.isElsewhere)
        if (!mayAskAgain || clock.monotonicMs() > untilMs) throw error
        forget()
        const ceilingMs = Math.min(retryMs.max, retryMs.min * 2 ** Math.min(attempt, 10))
        await clock.sleep(ceilingMs * (0.5 + random() / 2), this.#closing)
      }
    }
  }

  /** Asks the coordinator of a group or transaction, again where it has moved. */
  async askCoordinator<Answer>(
    kind: CoordinatorKind,
    id: string,
    lane: Lane,
    request: KafkaRequest<Answer>,
  ): Promise<Answer> {
    return this.ask(
      async () => (await this.connection(await this.coordinator(kind, id), lane)).send(request),
      () => this.forgetCoordinator(kind, id),
    )
  }

  async #anyone<Answer>(request: KafkaRequest<Answer>): Promise<Answer> {
    let last: unknown
    // Every address twice at most: the connection in use may turn out to be dead.
    for (let attempt = 0; attempt < 2 * this.#options.bootstrap.length; attempt++) {
      const { bootstrap } = this.#options
      const address = bootstrap[this.#bootstrapIndex % bootstrap.length] as Address
      try {
        const connection = await this.#shared(`${address.host}:${address.port}`, async () => address)
        const answer = await connection.send(request)
        this.#trouble = undefined
        return answer
      } catch (error) {
        this.#closing.throwIfAborted()
        if (!(error instanceof ConnectionError)) throw error
        last = error
        this.#bootstrapIndex++
      }
    }
    this.#trouble = `no broker answers: ${last instanceof Error ? last.message : String(last)}`
    throw last
  }

  async #known(topics: readonly string[], ageMsMax: number): Promise<void> {
    const sinceMs = this.#options.clock.monotonicMs() - ageMsMax
    const missing = topics.filter((topic) => (this.#topics.get(topic)?.atMs ?? Number.NEGATIVE_INFINITY) < sinceMs)
    await Promise.all(missing.map((topic) => this.#lookUp(topic)))
  }

  /** One question for a topic at a time, however many want to know. */
  #lookUp(topic: string): Promise<void> {
    const running = this.#lookups.get(topic)
    if (running !== undefined) return running
    const lookup = this.#anyone(metadataRequest([topic]))
      .then((metadata) => this.#learn(metadata))
      .finally(() => this.#lookups.delete(topic))
    this.#lookups.set(topic, lookup)
    return lookup
  }

  #learn({ brokers, topics }: Metadata): void {
    for (const broker of brokers) {
      const known = this.#brokers.get(broker.id)
      this.#brokers.set(broker.id, broker)
      if (known !== undefined && (known.host !== broker.host || known.port !== broker.port))
        this.#dropConnections(broker.id)
    }
    for (const { error, name, partitions } of topics) {
      if (error === kafkaErrors.unknownTopic) {
        this.#topics.delete(name)
        continue
      }
      if (error !== 0 && error !== 5) throw new KafkaError(error, `looking up ${name}`)
      this.#topics.set(name, { partitions, atMs: this.#options.clock.monotonicMs() })
    }
  }

  async #address(node: number): Promise<Address> {
    const known = this.#brokers.get(node)
    if (known !== undefined) return known
    this.#learn(await this.#anyone(metadataRequest([])))
    const found = this.#brokers.get(node)
    if (found === undefined) throw new ConnectionError(`broker ${node} is not known to the cluster now`, true)
    return found
  }

  async #shared(key: string, address: () => Promise<Address>): Promise<Connection> {
    this.#closing.throwIfAborted()
    const existing = this.#connections.get(key)
    if (existing !== undefined) {
      const connection = await existing
      if (connection.isUsable) return connection
      // What is under way on it ends by itself; it was closed, or its credentials expire soon.
      if (this.#connections.get(key) === existing) this.#connections.delete(key)
      return this.#shared(key, address)
    }
    const opening = address().then((where) => this.#options.driver.connect(where))
    this.#connections.set(key, opening)
    try {
      const connection = await opening
      if (this.#closing.aborted) {
        connection.close()
        throw this.#closing.reason
      }
      return connection
    } catch (error) {
      if (this.#connections.get(key) === opening) this.#connections.delete(key)
      throw error
    }
  }

  /** A broker that cannot be reached leads and coordinates nothing for long: who does is looked up anew. */
  async #suspecting(node: number, connect: () => Promise<Connection>): Promise<Connection> {
    try {
      return await connect()
    } catch (error) {
      for (const [topic, { partitions }] of this.#topics)
        if (partitions.some(({ leader }) => leader === node)) this.#topics.delete(topic)
      for (const [key, coordinator] of this.#coordinators) if (coordinator === node) this.#coordinators.delete(key)
      throw error
    }
  }

  #dropConnections(node: number): void {
    for (const [key, opening] of this.#connections) {
      if (!key.startsWith(`${node} `)) continue
      this.#connections.delete(key)
      opening.then((connection) => connection.close()).catch(() => undefined)
    }
  }

  #closeAll(): void {
    for (const opening of this.#connections.values())
      opening.then((connection) => connection.close()).catch(() => undefined)
    this.#connections.clear()
    for (const connection of this.#dedicated) connection.close()
    this.#dedicated.clear()
  }
}
