/** As much of the bus as a sender uses: deliveries fed by the test, acknowledgements and dead letters kept for it to look at. */
import type { Bus, BusRecord, DeliverSpec, NewRecord, PartitionDelivery, Table, Worker, Writer } from '@siem-relay/bus'
import { outHeaders, outTopic, senderGroup } from '@siem-relay/common'

const batchMax = 500

interface DeadLetter {
  readonly record: BusRecord
  readonly letter: NewRecord
}

/** One partition of one agent's topic. */
class FakePartition {
  readonly acknowledged = new Set<number>()
  readonly deadLetters: DeadLetter[] = []
  readonly #delivery: PartitionDelivery
  readonly #topic: string
  readonly #partition: number
  #end = 0
  #isRevoked = false

  constructor(spec: DeliverSpec, partition: number) {
    this.#topic = spec.topics[0]?.name ?? ''
    this.#partition = partition
    this.#delivery = spec.open(
      { topic: this.#topic, partition },
      {
        acknowledge: (first, last) => {
          if (this.#isRevoked) return
          for (let offset = first; offset <= last; offset++) this.acknowledged.add(offset)
        },
        deadLetter: (record, letter) => {
          this.deadLetters.push({ record, letter })
          this.acknowledged.add(record.offset)
        },
      },
    )
  }

  /** How many records from the first on are acknowledged without a hole: what a bus would commit. */
  get committed(): number {
    let offset = 0
    while (this.acknowledged.has(offset)) offset++
    return offset
  }

  /** Records given to the sender so far, including the batch it may still be holding back. */
  get end(): number {
    return this.#end
  }

  async give(values: readonly (string | Buffer)[], headers: Readonly<Record<string, string>>): Promise<void> {
    for (let from = 0; from < values.length && !this.#isRevoked; from += batchMax) {
      const batch = values.slice(from, from + batchMax).map((value) => this.#record(value, headers))
      await this.#delivery.deliver(batch)
    }
  }

  revoke(): void {
    if (this.#isRevoked) return
    this.#isRevoked = true
    this.#delivery.revoked()
  }

  #record(value: string | Buffer, headers: Readonly<Record<string, string>>): BusRecord {
    const offset = this.#end++
    const bytes = typeof value === 'string' ? Buffer.from(value) : value
    const topic = this.#topic
    return { topic, partition: this.#partition, offset, key: `id-${offset}`, value: bytes, headers, appendedMs: 0 }
  }
}

export class FakeBus implements Bus {
  /** What the agent-status topic was given, by key. */
  readonly statuses = new Map<string, unknown>()
  readonly #partitions = new Map<string, FakePartition>()
  readonly #failures: ((error: unknown) => void)[] = []

  deliver(spec: DeliverSpec): Worker {
    const partitions = Array.from({ length: spec.topics[0]?.partitions ?? 1 }, (_, i) => new FakePartition(spec, i))
    for (const [i, partition] of partitions.entries()) this.#partitions.set(`${spec.group}/${i}`, partition)
    const stop = async (): Promise<void> => {
      for (const partition of partitions) partition.revoke()
    }
    const failed = new Promise<never>((_, reject) => this.#failures.push(reject))
    return { failed, stop, [Symbol.asyncDispose]: stop }
  }

  partition(agent: string, partition = 0): FakePartition {
    const found = this.#partitions.get(`${senderGroup(agent)}/${partition}`)
    if (found === undefined) throw new Error(`${outTopic(agent).name}/${partition} is not being delivered`)
    return found
  }

  /** Gives lines to an agent; resolves when the sender takes more. */
  give(agent: string, lines: readonly (string | Buffer)[], partition = 0): Promise<void> {
    const headers = {
      [outHeaders.eventTimeMs]: '1677791402022',
      [outHeaders.severity]: '3',
      [outHeaders.kind]: 'alert',
    }
    return this.partition(agent, partition).give(lines, headers)
  }

  failWorkers(error: unknown): void {
    for (const fail of this.#failures) fail(error)
  }

  async writer(): Promise<Writer> {
    return {
      state: new Map(),
      commit: async ({ records = [] }) => {
        for (const { key, value } of records) this.statuses.set(key, JSON.parse(String(value)))
      },
      [Symbol.asyncDispose]: async () => {},
    }
  }

  async ensureTopics(): Promise<void> {}

  async deleteTopics(): Promise<void> {}

  intake(): { readonly open: true } {
    return { open: true }
  }

  stage = unused
  /** No jobs. */
  async table(): Promise<Table> {
    return {
      get: () => undefined,
      entries: () => new Map<string, Buffer>().entries(),
      onChange: () => () => undefined,
      [Symbol.asyncDispose]: async () => {},
    }
  }

  share = unused
  read = unused
  get positions(): never {
    return unused()
  }

  async [Symbol.asyncDispose](): Promise<void> {}
}

function unused(): never {
  throw new Error('the sender does not use this part of the bus')
}
