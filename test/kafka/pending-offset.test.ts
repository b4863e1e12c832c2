/** An offset that a transaction is about to move is no place to begin: whoever starts there would do its batch again. */
import { randomUUID } from 'node:crypto'
import type { KafkaBus } from '@siem-relay/bus'
import type { TopicSpec } from '@siem-relay/common'
import { Kafka, logLevel, type Producer } from 'kafkajs'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { openTestBus } from '../support/kafka-bus.ts'

const broker = inject('kafka')
const dayMs = 86_400_000
const input: TopicSpec = { name: 'input', partitions: 1, cleanup: 'delete', retentionMs: dayMs }

describe.skipIf(broker === undefined)('an offset in a transaction that is still open', () => {
  const prefix = `pending-${randomUUID().slice(0, 8)}.`
  const keys = Array.from({ length: 10 }, (_, n) => `key-${n}`)
  let bus: KafkaBus
  let other: Producer

  beforeAll(async () => {
    bus = await openTestBus(broker as string, prefix)
    await bus.ensureTopics([input])
    await using writer = await bus.writer('keys', undefined)
    await writer.commit({
      records: keys.map((key) => ({ topic: input.name, key, value: Buffer.from(key), headers: {} })),
    })
    // kafkajs does not wait for the coordinator of a group that is loading.
    await bus.positions.of('copy', [input])
    const kafka = new Kafka({ brokers: [broker as string], logLevel: logLevel.NOTHING })
    other = kafka.producer({ transactionalId: `${prefix}other`, maxInFlightRequests: 1, idempotent: true })
    await other.connect()
  })
  afterAll(async () => {
    await other.disconnect()
    await bus[Symbol.asyncDispose]()
  })

  test('is waited for, said, and gone on from; the lag does not wait', async () => {
    const transaction = await other.transaction()
    const topics = [{ topic: `${prefix}${input.name}`, partitions: [{ partition: 0, offset: '5' }] }]
    await transaction.sendOffsets({ consumerGroupId: `${prefix}copy`, topics })
    const got: string[] = []
    const waited = Promise.withResolvers<void>()
    const done = Promise.withResolvers<void>()
    await using _worker = bus.stage({
      group: 'copy',
      inputs: [input],
      batchRecordsMax: 100,
      batchBytesMax: 100_000,
      open: () => ({
        process: (batch) => {
          got.push(...batch.map(({ key }) => key))
          return { records: [] }
        },
        committed: () => done.resolve(),
      }),
      onError: (error) => {
        if ((error as { code?: string }).code === 'RELAY_BUS_END_LOST') waited.resolve()
      },
    })
    await Promise.race([waited.promise, done.promise])
    expect(got).toEqual([])
    expect(await bus.positions.of('copy', [input])).toMatchObject([{ committed: undefined }])
    await transaction.commit()
    await done.promise
    expect(got).toEqual(keys.slice(5))
  })
})
