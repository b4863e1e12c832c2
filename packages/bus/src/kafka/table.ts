/** The latest value per key of a compacted topic on Kafka, in memory, following every commit. */
import { RelayError, type TopicSpec } from '@siem-relay/common'
import { type ChangeListener, ChangeListeners } from '../change-listeners.ts'
import type { Table } from '../port.ts'
import { type Core, fullName, partitionsOf } from './core.ts'
import { toRelayError } from './errors.ts'
import { boundsOf } from './offsets.ts'
import { PartitionReader } from './reader.ts'

const retryMs = 1_000

export async function openTable(core: Core, spec: TopicSpec): Promise<Table> {
  if (spec.cleanup !== 'compact')
    throw new RelayError('RELAY_BUS_TOPIC', `topic ${spec.name} is not compacted: a table of it would only grow`)
  await core.topics.ensure([spec])
  const table = new KafkaTable(core, spec.name)
  try {
    await table.load(await partitionsOf(core, spec.name))
  } catch (error) {
    await table[Symbol.asyncDispose]()
    throw toRelayError(error, `reading ${spec.name}`)
  }
  return table
}

class KafkaTable implements Table {
  readonly #core: Core
  readonly #topic: string
  readonly #values = new Map<string, Buffer>()
  readonly #listeners = new ChangeListeners()
  readonly #closing = new AbortController()
  readonly #signal: AbortSignal
  #following: Promise<void>[] = []

  constructor(core: Core, topic: string) {
    this.#core = core
    this.#topic = topic
    this.#signal = AbortSignal.any([this.#closing.signal, core.closing])
  }

  /** Reads every partition to its end as of now, then follows. */
  async load(partitions: number): Promise<void> {
    await Promise.all(Array.from({ length: partitions }, (_, partition) => this.#loadPartition(partition)))
  }

  get(key: string): Buffer | undefined {
    return this.#values.get(key)
  }

  entries(): IterableIterator<[string, Buffer]> {
    return this.#values.entries()
  }

  onChange(listener: ChangeListener): () => void {
    return this.#listeners.add(listener)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort()
    this.#listeners.clear()
    await Promise.all(this.#following)
  }

  async #loadPartition(partition: number): Promise<void> {
    const { start, end } = await boundsOf(this.#core, { topic: fullName(this.#core, this.#topic), partition })
    const reader = this.#readerAt(partition, start)
    while (reader.next < end) await this.#take(reader)
    this.#following.push(this.#follow(partition, reader))
  }

  async #follow(partition: number, from: PartitionReader): Promise<void> {
    let reader = from
    while (!this.#signal.aborted) {
      try {
        await this.#take(reader)
      } catch {
        if (this.#signal.aborted) return
        reader = this.#readerAt(partition, reader.next)
        await this.#core.cluster.clock.sleep(retryMs, this.#signal).catch(() => undefined)
      }
    }
  }

  async #take(reader: PartitionReader): Promise<void> {
    for (const { key, value } of await reader.readStored(this.#signal)) {
      // A copy: the value shares memory with its whole batch.
      const kept = value === null ? undefined : Buffer.from(value)
      if (kept === undefined) this.#values.delete(key)
      else this.#values.set(key, kept)
      this.#listeners.tell(key, kept)
    }
  }

  #readerAt(partition: number, from: number): PartitionReader {
    const topic = fullName(this.#core, this.#topic)
    return new PartitionReader({ fetcher: this.#core.fetcher, topic, name: this.#topic, partition, from })
  }
}
