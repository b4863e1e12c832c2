/** What is written again when Kafka lost the end of a transaction (docs/adr/0008). The coordinator here notes what it is asked. */
import { describe, expect, test } from 'vitest'
import type { Cluster } from './cluster.ts'
import { ConnectionError } from './driver.ts'
import { Memories } from './last-transaction.ts'
import { TransactionalOwner, UncertainCommit } from './transactions.ts'
import { ByteReader, ByteWriter } from './wire/bytes.ts'
import { KafkaError, kafkaErrors } from './wire/error-codes.ts'
import type { KafkaRequest, TopicPartition } from './wire/request.ts'

const output = { topic: 'output', partition: 2 }
const state = { topic: 'state', partition: 1 }
const input = { topic: 'input', partition: 0 }
const changes = {
  records: [output, state].map((place) => ({
    ...place,
    records: [{ topic: place.topic, key: 'k', value: Buffer.from('v'), headers: {} }],
  })),
  offsets: { group: 'copy', next: [{ ...input, next: 10 }] },
}

/** Answers every request well, but those that are to fail. */
class Coordinator {
  readonly asked: string[] = []
  readonly failures = new Map<string, Error>()
  /** What it says of the transaction once a request has failed. */
  stateAfterFailure: string | undefined
  /** What becomes of it when a claim has to wait. */
  whenBusy = (): void => undefined
  /** Whether it is one of Kafka 3.0 or later. */
  describes = true
  /** What it says of the transaction; undefined before the first claim. */
  state: string | undefined
  #epoch = -1

  readonly send = async (request: KafkaRequest<unknown>): Promise<unknown> => {
    if (request.name === 'DescribeTransactions')
      return this.state && { state: this.state, producer: { producerId: 7n, producerEpoch: this.#epoch } }
    this.asked.push(told(request))
    const failure = this.failures.get(request.name)
    this.failures.delete(request.name)
    if (failure !== undefined) {
      this.state = this.stateAfterFailure ?? this.state
      if (failure instanceof KafkaError && failure.code === kafkaErrors.concurrentTransactions) this.whenBusy()
      throw failure
    }
    if (request.name === 'AddPartitionsToTxn') this.state = 'Ongoing'
    if (request.name === 'EndTxn') this.state = told(request) === 'commit' ? 'CompleteCommit' : 'CompleteAbort'
    if (request.name === 'InitProducerId') {
      this.raise()
      return { producerId: 7n, producerEpoch: this.#epoch }
    }
    return request.name === 'Produce' ? [] : undefined
  }

  /** A claim, whoever makes it. */
  raise(): void {
    this.state = 'Empty'
    this.#epoch++
  }

  /** As a broker that comes back: what was sent over goes over a new one. */
  connection = { send: this.send, speaks: () => this.describes, isUsable: true }

  restart(): void {
    this.connection.isUsable = false
    this.connection = { ...this.connection, isUsable: true }
  }

  /** What was asked since the last look. */
  look(): string[] {
    return this.asked.splice(0)
  }

  claim(memories = new Memories()): Promise<TransactionalOwner> {
    const cluster = {
      clock: { nowMs: () => 0, monotonicMs: () => 0, sleep: async () => undefined },
      leader: async () => 1,
      coordinator: async () => 1,
      connection: async () => this.connection,
      ask: (work: () => Promise<unknown>) => work(),
      askCoordinator: (...[, , , request]: [unknown, unknown, unknown, KafkaRequest<unknown>]) => this.send(request),
      forget: () => undefined,
      forgetCoordinator: () => undefined,
    } as unknown as Cluster
    const options = { cluster, lane: 'write-0', compression: 'none', timeoutMs: 60_000, onCommit: () => {} } as const
    return TransactionalOwner.claim('id', options, memories)
  }
}

/** A request in a line: what it adds to the transaction, or how it ends it. */
function told(request: KafkaRequest<unknown>): string {
  const writer = new ByteWriter()
  request.write(writer)
  if (request.name === 'EndTxn') return writer.written.at(-1) === 1 ? 'commit' : 'abort'
  if (request.name !== 'AddPartitionsToTxn') return request.name
  const reader = new ByteReader(writer.written)
  reader.string()
  reader.skip(10)
  const added = reader
    .array(() => {
      const topic = reader.string()
      return reader.array(() => `${topic}/${reader.int32()}`)
    })
    .flat()
  return `add ${added.join(' ')}`
}

const added = (...places: readonly TopicPartition[]): string =>
  `add ${places.map(({ topic, partition }) => `${topic}/${partition}`).join(' ')}`
const again = (end: 'commit' | 'abort'): string[] => [
  'InitProducerId',
  added(output, state),
  'AddOffsetsToTxn',
  end,
  'InitProducerId',
]
const broken = new ConnectionError('the broker was killed', false)

describe('TransactionalOwner', () => {
  test('commits once more what it knows to be committed, where the transaction was', async () => {
    const coordinator = new Coordinator()
    const owner = await coordinator.claim()
    await owner.transact(changes)
    expect(coordinator.look().at(-1)).toBe('commit')
    await owner.recover()
    expect(coordinator.look()).toEqual(again('commit'))
    await owner.recover()
    expect(coordinator.look()).toEqual(again('commit'))
  })

  test('ends its last transaction once more before the next when a broker went away in between', async () => {
    const coordinator = new Coordinator()
    const owner = await coordinator.claim()
    await owner.transact(changes)
    await owner.transact(changes)
    expect(coordinator.look().filter((request) => request === 'InitProducerId')).toHaveLength(1)
    coordinator.restart()
    await owner.transact(changes)
    expect(coordinator.look().slice(0, 5)).toEqual(again('commit'))
    await owner.transact(changes)
    expect(coordinator.look()).not.toContain('InitProducerId')
  })

  test('is broken when that fails', async () => {
    const coordinator = new Coordinator()
    const owner = await coordinator.claim()
    await owner.transact(changes)
    coordinator.restart()
    coordinator.failures.set('InitProducerId', broken)
    await expect(owner.transact(changes)).rejects.toBe(broken)
    expect(owner.isBroken).toBe(true)
  })

  test('what was committed stays committed when the next transaction could not even begin', async () => {
    const coordinator = new Coordinator()
    const owner = await coordinator.claim()
    await owner.transact(changes)
    coordinator.failures.set('AddPartitionsToTxn', broken)
    await expect(owner.transact(changes)).rejects.toBe(broken)
    coordinator.look()
    await owner.recover()
    expect(coordinator.look()).toEqual(again('commit'))
  })

  test.each(['Produce', 'TxnOffsetCommit'])('aborts once more what failed at %s', async (request) => {
    const coordinator = new Coordinator()
    const owner = await coordinator.claim()
    coordinator.failures.set(request, broken)
    await expect(owner.transact(changes)).rejects.toBe(broken)
    coordinator.look()
    await owner.recover()
    expect(coordinator.look()).toEqual(again('abort'))
  })

  test.each([
    { isCommitted: true, end: 'commit' as const },
    { isCommitted: false, end: 'abort' as const },
  ])('a commit without answer is settled once the offset has told: $end', async ({ isCommitted, end }) => {
    const coordinator = new Coordinator()
    const owner = await coordinator.claim()
    coordinator.failures.set('EndTxn', broken)
    await expect(owner.transact(changes)).rejects.toThrow(UncertainCommit)
    coordinator.look()
    await owner.recover()
    expect(coordinator.look()).toEqual(['InitProducerId'])
    expect(owner.doubtful).toEqual(changes.offsets.next)
    await owner.settle(isCommitted)
    expect(coordinator.look()).toEqual(again(end).slice(1))
    expect(owner.doubtful).toBeUndefined()
    await owner.recover()
    expect(coordinator.look()).toEqual(again(end))
  })

  test('ends what an older holder left open as the coordinator says it ended, where its offset and state are', async () => {
    const coordinator = new Coordinator()
    await (await coordinator.claim()).transact(changes)
    const owner = await coordinator.claim()
    expect(owner.knowsEnd).toBe(true)
    coordinator.look()
    await owner.endAt([state], 'copy')
    expect(coordinator.look()).toEqual([added(state), 'AddOffsetsToTxn', 'commit', 'InitProducerId'])
  })

  test('aborts it where the coordinator cannot tell', async () => {
    const coordinator = new Coordinator()
    coordinator.describes = false
    await (await coordinator.claim()).transact(changes)
    const owner = await coordinator.claim()
    expect(owner.knowsEnd).toBe(false)
    coordinator.look()
    await owner.endAt([state], 'copy')
    expect(coordinator.look()).toEqual([added(state), 'AddOffsetsToTxn', 'abort', 'InitProducerId'])
    await owner.recover()
    expect(coordinator.look()).toEqual(['InitProducerId'])
  })

  test('needs to recover again when ending once more failed, and forgets places that are no more', async () => {
    const coordinator = new Coordinator()
    const owner = await coordinator.claim()
    await owner.transact(changes)
    coordinator.failures.set('EndTxn', broken)
    await expect(owner.recover()).rejects.toBe(broken)
    expect(owner.isBroken).toBe(true)
    coordinator.failures.set('AddPartitionsToTxn', new KafkaError(kafkaErrors.unknownTopic, 'adding output/2'))
    await expect(owner.recover()).rejects.toThrow('UNKNOWN_TOPIC_OR_PARTITION')
    coordinator.look()
    await owner.recover()
    expect(coordinator.look()).toEqual(['InitProducerId'])
    expect(owner.isBroken).toBe(false)
  })
})

describe('a claim after another in the same process', () => {
  /** A holder whose commit had no answer. */
  async function uncertain(coordinator: Coordinator, memories: Memories, isCommitted: boolean): Promise<void> {
    const owner = await coordinator.claim(memories)
    coordinator.failures.set('EndTxn', broken)
    coordinator.stateAfterFailure = isCommitted ? 'CompleteCommit' : 'CompleteAbort'
    await expect(owner.transact(changes)).rejects.toThrow(UncertainCommit)
  }

  test.each([
    { isCommitted: true, end: 'commit' as const },
    { isCommitted: false, end: 'abort' as const },
  ])('ends a doubtful transaction everywhere as it ended: $end', async ({ isCommitted, end }) => {
    const coordinator = new Coordinator()
    const memories = new Memories()
    await uncertain(coordinator, memories, isCommitted)
    const owner = await coordinator.claim(memories)
    expect(owner.doubtful).toBeUndefined()
    coordinator.look()
    await owner.endAgain()
    expect(coordinator.look()).toEqual(again(end).slice(1))
  })

  test('knows it still when a claim in between failed', async () => {
    const coordinator = new Coordinator()
    const memories = new Memories()
    await uncertain(coordinator, memories, true)
    coordinator.failures.set('InitProducerId', broken)
    await expect(coordinator.claim(memories)).rejects.toBe(broken)
    // The broker had acted on it, and has forgotten how the transaction ended.
    coordinator.raise()
    const owner = await coordinator.claim(memories)
    coordinator.look()
    await owner.endAgain()
    expect(coordinator.look()).toEqual(again('commit').slice(1))
  })

  test('learns how a transaction ended that was under way', async () => {
    const coordinator = new Coordinator()
    const memories = new Memories()
    await uncertain(coordinator, memories, true)
    coordinator.state = 'PrepareCommit'
    coordinator.failures.set('InitProducerId', new KafkaError(kafkaErrors.concurrentTransactions, 'claiming id'))
    const owner = await coordinator.claim(memories)
    coordinator.look()
    await owner.endAgain()
    expect(coordinator.look()).toEqual(again('commit').slice(1))
  })

  test('keeps the places of a transaction that its own claim aborts', async () => {
    const coordinator = new Coordinator()
    const memories = new Memories()
    const before = await coordinator.claim(memories)
    coordinator.failures.set('Produce', broken)
    await expect(before.transact(changes)).rejects.toBe(broken)
    expect(coordinator.state).toBe('Ongoing')
    coordinator.failures.set('InitProducerId', new KafkaError(kafkaErrors.concurrentTransactions, 'claiming id'))
    // The epoch is raised to shut the one out that had it.
    coordinator.whenBusy = () => {
      coordinator.raise()
      coordinator.state = 'CompleteAbort'
    }
    const owner = await coordinator.claim(memories)
    coordinator.look()
    await owner.endAgain()
    expect(coordinator.look()).toEqual(again('abort').slice(1))
  })

  test('trusts no memory once another process had the id', async () => {
    const coordinator = new Coordinator()
    const memories = new Memories()
    await uncertain(coordinator, memories, true)
    const elsewhere = await coordinator.claim()
    await elsewhere.transact({ ...changes, records: [] })
    coordinator.state = 'CompleteAbort'
    const owner = await coordinator.claim(memories)
    expect(owner.last).toEqual({ places: [], offsets: undefined, outcome: 'aborted' })
  })
})

describe('Memories', () => {
  test('keep the ids that were claimed last', () => {
    const memories = new Memories()
    const memory = { producer: { producerId: 7n, producerEpoch: 0 }, last: undefined }
    for (let n = 0; n < 10_000; n++) memories.keep(`id-${n}`, memory)
    memories.keep('id-0', memory)
    memories.keep('one more', memory)
    expect([memories.get('id-0'), memories.get('id-1'), memories.get('one more')]).toEqual([memory, undefined, memory])
  })
})
