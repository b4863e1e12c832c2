/** What is written again when Kafka lost the end of a transaction (docs/adr/0008). The coordinator here notes what it is asked. */
import { describe, expect, test } from 'vitest'
import type { Cluster } from './cluster.ts'
import { ConnectionError } from './driver.ts'
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
  #epoch = 0

  readonly send = async (request: KafkaRequest<unknown>): Promise<unknown> => {
    this.asked.push(told(request))
    const failure = this.failures.get(request.name)
    this.failures.delete(request.name)
    if (failure !== undefined) throw failure
    if (request.name === 'InitProducerId') return { producerId: 7n, producerEpoch: this.#epoch++ }
    return request.name === 'Produce' ? [] : undefined
  }

  /** What was asked since the last look. */
  look(): string[] {
    return this.asked.splice(0)
  }

  claim(): Promise<TransactionalOwner> {
    const cluster = {
      clock: { nowMs: () => 0, monotonicMs: () => 0, sleep: async () => undefined },
      leader: async () => 1,
      coordinator: async () => 1,
      connection: async () => ({ send: this.send }),
      askCoordinator: (...[, , , request]: [unknown, unknown, unknown, KafkaRequest<unknown>]) => this.send(request),
      forget: () => undefined,
      forgetCoordinator: () => undefined,
    } as unknown as Cluster
    return TransactionalOwner.claim('id', {
      cluster,
      lane: 'write-0',
      compression: 'none',
      timeoutMs: 60_000,
      onCommit: () => {},
    })
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

  test('aborts what an older holder left open where its offset and state are', async () => {
    const coordinator = new Coordinator()
    const owner = await coordinator.claim()
    coordinator.look()
    await owner.abandon('copy', [state])
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
