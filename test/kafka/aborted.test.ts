/** Records of aborted transactions, written by another client under one transactional id, reach nobody. */
import { randomUUID } from 'node:crypto'
import type { KafkaBus } from '@siem-relay/bus'
import type { TopicSpec } from '@siem-relay/common'
import { Kafka, logLevel } from 'kafkajs'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { openTestBus } from '../support/kafka-bus.ts'

const broker = inject('kafka')
const dayMs = 86_400_000
const input: TopicSpec = { name: 'input', partitions: 1, cleanup: 'delete', retentionMs: dayMs }
const output: TopicSpec = { name: 'output', partitions: 1, cleanup: 'delete', retentionMs: dayMs }
const values: TopicSpec = { name: 'values', partitions: 1, cleanup: 'compact', retentionMs: dayMs }

describe.skipIf(broker === undefined)('aborted transactions in the input', () => {
  const prefix = `aborted-${randomUUID().slice(0, 8)}.`
  const committed: string[] = []
  let bus: KafkaBus

  beforeAll(async () => {
    bus = await openTestBus(broker as string, prefix)
    await bus.ensureTopics([input, output, values])
    const kafka = new Kafka({ brokers: [broker as string], logLevel: logLevel.NOTHING })
    const producer = kafka.producer({
      transactionalId: `${prefix}other`,
      maxInFlightRequests: 1,
      idempotent: true,
      retry: { initialRetryTime: 10 },
    })
    await producer.connect()
    // Short transactions: a fetch holds many of them, several aborts among them.
    for (let round = 0; round < 40; round++) {
      const isKept = round % 3 === 0
      const keys = Array.from({ length: 5 }, (_, n) => `${isKept ? 'kept' : 'aborted'}-${round}-${n}`)
      const transaction = await producer.transaction()
      for (const topic of [input, values])
        await transaction.send({ topic: `${prefix}${topic.name}`, messages: keys.map((key) => ({ key, value: key })) })
      if (isKept) {
        await transaction.commit()
        committed.push(...keys)
      } else await transaction.abort()
    }
    await producer.disconnect()
  })
  afterAll(async () => {
    await bus[Symbol.asyncDispose]()
  })

  async function keysOf(topic: TopicSpec): Promise<string[]> {
    const keys: string[] = []
    for await (const record of bus.read(topic, 0, 0)) keys.push(record.key)
    return keys
  }

  test('are not read', async () => expect(await keysOf(input)).toEqual(committed))

  test('are no part of a table', async () => {
    await using table = await bus.table(values)
    expect([...table.entries()].map(([key]) => key)).toEqual(committed)
  })

  test('go through no stage', async () => {
    await using worker = bus.stage({
      group: 'copy',
      inputs: [input],
      batchRecordsMax: 7,
      batchBytesMax: 100_000,
      open: () => ({ process: (batch) => ({ records: batch.map((record) => ({ ...record, topic: output.name })) }) }),
    })
    const untilMs = performance.now() + 30_000
    while ((await bus.positions.of('copy', [input])).some(({ lag }) => lag > 0))
      if (performance.now() > untilMs) throw new Error('the stage stands still')
    await worker.stop()
    expect(await keysOf(output)).toEqual(committed)
  })

  test('are delivered to nobody, and count as no lag', async () => {
    const got: string[] = []
    const all = Promise.withResolvers<void>()
    await using _worker = bus.deliver({
      group: 'deliver',
      topics: [input],
      batchRecordsMax: 7,
      batchBytesMax: 100_000,
      open: (_, acknowledger) => ({
        deliver: async (batch) => {
          got.push(...batch.map((record) => record.key))
          acknowledger.acknowledge(batch[0]?.offset ?? 0, batch.at(-1)?.offset ?? -1)
          if (got.length >= committed.length) all.resolve()
        },
        revoked: () => undefined,
      }),
    })
    await all.promise
    expect(got).toEqual(committed)
    const untilMs = performance.now() + 30_000
    while ((await bus.positions.of('deliver', [input])).some(({ lag }) => lag > 0))
      if (performance.now() > untilMs) throw new Error('markers count as lag')
  })
})
