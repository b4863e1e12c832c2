/** How the last transaction of an id ended is asked before the id is claimed: after that the coordinator has forgotten it (docs/adr/0008). */
import { randomUUID } from 'node:crypto'
import { systemClock } from '@siem-relay/service-kit'
import { Kafka, logLevel } from 'kafkajs'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { parseAddress } from '../../packages/bus/src/kafka/address.ts'
import type { OwnerOptions } from '../../packages/bus/src/kafka/appender.ts'
import { kafkaJsDriver } from '../../packages/bus/src/kafka/client/kafkajs.ts'
import { Cluster } from '../../packages/bus/src/kafka/cluster.ts'
import { Memories } from '../../packages/bus/src/kafka/last-transaction.ts'
import { TransactionalOwner } from '../../packages/bus/src/kafka/transactions.ts'
import { kafkaOptions, openTestBus } from '../support/kafka-bus.ts'

const broker = inject('kafka')

describe.skipIf(broker === undefined)('the last transaction of an id', () => {
  const prefix = `last-${randomUUID().slice(0, 8)}.`
  const id = `${prefix}writer`
  const place = { topic: `${prefix}output`, partition: 0 }
  const changes = {
    records: [{ ...place, records: [{ topic: 'output', key: 'k', value: Buffer.from('v'), headers: {} }] }],
  }
  const closing = new AbortController()
  let options: OwnerOptions

  beforeAll(async () => {
    await using bus = await openTestBus(broker as string, prefix)
    await bus.ensureTopics([{ name: 'output', partitions: 1, cleanup: 'delete', retentionMs: 86_400_000 }])
    const bootstrap = [parseAddress(broker as string)]
    const settings = kafkaOptions([broker as string], prefix)
    const driver = kafkaJsDriver({ ...settings, brokers: bootstrap, tls: undefined, sasl: undefined })
    const cluster = new Cluster({ bootstrap, driver, clock: systemClock, random: Math.random }, closing.signal)
    options = { cluster, lane: 'write-0', compression: 'none', timeoutMs: 60_000, onCommit: () => undefined }
  })
  afterAll(() => closing.abort())

  test('is none, committed, or aborted by the claim', async () => {
    const memories = new Memories()
    const first = await TransactionalOwner.claim(id, options, memories)
    expect(first.last).toBeUndefined()
    await first.transact(changes)
    const inAnotherProcess = await TransactionalOwner.claim(id, options, new Memories())
    expect(inAnotherProcess.last).toEqual({ places: [], offsets: undefined, outcome: 'committed' })

    const kafka = new Kafka({ brokers: [broker as string], logLevel: logLevel.NOTHING })
    const other = kafka.producer({ transactionalId: id, maxInFlightRequests: 1, idempotent: true })
    await other.connect()
    const transaction = await other.transaction()
    await transaction.send({ topic: place.topic, messages: [{ value: 'open' }] })
    const after = await TransactionalOwner.claim(id, options, memories)
    expect(after.last).toEqual({ places: [], offsets: undefined, outcome: 'aborted' })
    await other.disconnect()
  })

  test('is remembered with its places by the process that had it', async () => {
    const memories = new Memories()
    await (await TransactionalOwner.claim(id, options, memories)).transact(changes)
    const again = await TransactionalOwner.claim(id, options, memories)
    expect(again.last).toEqual({ places: [place], offsets: undefined, outcome: 'committed' })
    await again.endAgain()
    await again.transact(changes)
  })
})
