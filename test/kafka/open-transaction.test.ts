/** A transaction that is not decided, as of a process that was killed in its middle: who reads there waits, and can be told to stop. */
import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import type { KafkaBus } from '@siem-relay/bus'
import { discardedTopic } from '@siem-relay/common'
import { LocalControl } from '@siem-relay/control'
import { systemClock } from '@siem-relay/service-kit'
import { testWorld } from '@siem-relay/service-kit/testing'
import { Kafka, logLevel, type Producer, type Transaction } from 'kafkajs'
import { afterAll, beforeAll, describe, expect, inject, test, vi } from 'vitest'
import { startViews } from '../../services/portal/src/views/views.ts'
import { openTestBus } from '../support/kafka-bus.ts'
import { temporaryDirectory } from '../support/relay.ts'

const broker = inject('kafka')

describe.skipIf(broker === undefined)('while a transaction is open', () => {
  const prefix = `open-${randomUUID().slice(0, 8)}.`
  let bus: KafkaBus
  let other: Producer
  let transaction: Transaction | undefined

  beforeAll(async () => {
    bus = await openTestBus(broker as string, prefix)
    await bus.ensureTopics([discardedTopic])
    const kafka = new Kafka({ brokers: [broker as string], logLevel: logLevel.NOTHING })
    other = kafka.producer({ transactionalId: `${prefix}other`, maxInFlightRequests: 1, idempotent: true })
    await other.connect()
  })
  afterAll(async () => {
    await transaction?.abort()
    await other.disconnect()
    await bus[Symbol.asyncDispose]()
  })

  /** Writes to every partition and decides nothing. */
  async function open(): Promise<void> {
    transaction ??= await other.transaction()
    const messages = [0, 1, 2].map((partition) => ({ partition, key: 'open', value: '{}' }))
    await transaction.send({ topic: `${prefix}${discardedTopic.name}`, messages })
  }

  /** The bus, and when a reader of it has begun to wait. */
  function watched(): { readonly bus: KafkaBus; readonly reads: () => number } {
    const read = vi.fn(bus.read.bind(bus))
    const proxy = new Proxy(bus, {
      get: (target, name) => {
        if (name === 'read') return read
        const value: unknown = Reflect.get(target, name, target)
        return typeof value === 'function' ? value.bind(target) : value
      },
    })
    return { bus: proxy, reads: () => read.mock.calls.length }
  }

  test('a tap ends when it is told to', async () => {
    const { bus: log, reads } = watched()
    const config = () => ({ agents: [], sources: [] })
    const control = new LocalControl({ bus: log, clock: systemClock, config, version: '1', hostName: 'relay' })
    const leaving = new AbortController()
    const items = control.tap({ stage: 'discarded' }, leaving.signal)[Symbol.asyncIterator]()
    expect(await items.next()).toMatchObject({ value: { type: 'started' } })
    const next = items.next()
    await open()
    await vi.waitFor(() => expect(reads()).toBeGreaterThan(0), { timeout: 20_000 })
    leaving.abort()
    expect(await next).toEqual({ done: true, value: undefined })
  })

  test('the views of the portal close', async () => {
    await open()
    using directory = temporaryDirectory()
    const { bus: log, reads } = watched()
    const views = startViews({
      directory: join(directory.path, 'portal'),
      limits: { retentionDays: 90, discoveryRowsMax: 100_000 },
      world: { ...testWorld({ bus: log }), clock: systemClock },
      tenants: () => [],
    })
    await vi.waitFor(() => expect(reads()).toBeGreaterThan(0), { timeout: 20_000 })
    await views[Symbol.asyncDispose]()
    expect(reads()).toBe(1)
  })
})
