import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Bus, type BusRecord, openSqliteBus } from '@siem-relay/bus'
import { deadLettersTopic, RelayError, rawTopic, type TopicSpec } from '@siem-relay/common'
import { systemClock } from '@siem-relay/service-kit'
import { FakeClock, type TestWorld, testWorld } from '@siem-relay/service-kit/testing'
import { describe, expect, test } from 'vitest'
import { createCollectorMetrics } from '../../metrics.ts'
import { FakeForeignLog, message } from '../../testing/fake-foreign-log.ts'
import { watchedBus } from '../../testing/watched-bus.ts'
import type { Source } from '../source.ts'
import { defenderStreamingSourceSchema } from './config.ts'
import { openDefenderStreamingSource } from './source.ts'

const startMs = Date.UTC(2026, 6, 18, 17)
const event = (id: string, more: object = {}) => ['CloudAppEvents', { ReportId: id, ...more }] as const
const info = (id: string) => ['AlertInfo', { AlertId: id, Title: 'x' }] as const
const evidence = (id: string, n = 1) =>
  ['AlertEvidence', { AlertId: id, EntityType: 'Ip', RemoteIP: `192.0.2.${n}` }] as const

class Bench implements AsyncDisposable {
  readonly log = new FakeForeignLog()
  readonly clock = new FakeClock(startMs)
  readonly path = mkdtempSync(join(tmpdir(), 'siem-relay-streaming-'))
  /** A commit fails with it, once. */
  commitError: unknown
  commits = 0
  isOpen = true
  #bus: Bus | undefined
  #world: TestWorld | undefined
  #source: Source | undefined
  #stopping = new AbortController()
  #running: Promise<void> = Promise.resolve()

  static async open(settings: object = {}): Promise<Bench> {
    const bench = new Bench()
    bench.#bus = await openSqliteBus({ path: bench.path, clock: systemClock, freeBytesMin: 1_000_000 })
    await bench.start(settings)
    return bench
  }

  get world(): TestWorld {
    return this.#world as TestWorld
  }

  get source(): Source {
    return this.#source as Source
  }

  /** A life of the source, from what is committed. */
  async start(settings: object = {}): Promise<void> {
    this.#stopping = new AbortController()
    this.#world = testWorld({ bus: this.#watched(), clock: this.clock })
    const config = defenderStreamingSourceSchema.parse({
      id: 'contoso',
      type: 'defender-streaming',
      brokers: ['hub.example:9093'],
      topics: ['xdr'],
      ...settings,
    })
    const metrics = createCollectorMetrics(this.world.metrics)
    const context = { world: this.world, metrics, env: {}, userAgent: 'test' }
    this.#source = openDefenderStreamingSource(config, context, () => this.log)
    this.#running = this.source.run(this.#stopping.signal)
    this.#running.catch(() => undefined)
    await this.until(() => this.log.isRead || this.source.status().lastError !== undefined)
  }

  async stop(): Promise<void> {
    this.#stopping.abort(new Error('stops'))
    await this.#running
  }

  get ended(): Promise<void> {
    return this.#running
  }

  #watched(): Bus {
    return watchedBus(this.#bus as Bus, {
      beforeCommit: () => {
        const error = this.commitError
        this.commitError = undefined
        if (error !== undefined) throw error
      },
      committed: () => {
        this.commits++
      },
      isOpen: () => this.isOpen,
    })
  }

  async until(fact: () => boolean): Promise<void> {
    for (let turns = 0; !fact(); turns++) {
      if (turns > 100_000) throw new Error(`never: ${String(fact)}`)
      await new Promise<void>((resolve) => setImmediate(resolve))
    }
  }

  /** Lets time pass second by second, as far as everything gets. */
  async pass(ms: number, fact: () => boolean = () => true): Promise<void> {
    await this.clock.advance(ms)
    await this.until(fact)
  }

  async records(topic: TopicSpec): Promise<readonly BusRecord[]> {
    const found: BusRecord[] = []
    for (let partition = 0; partition < topic.partitions; partition++)
      for await (const record of (this.#bus as Bus).read(topic, partition, 0)) found.push(record)
    return found
  }

  async keys(kind: 'alerts' | 'activities'): Promise<readonly string[]> {
    return (await this.records(rawTopic('contoso', kind))).map(({ key }) => key).toSorted()
  }

  async metric(name: string, labels: object = {}): Promise<number> {
    const metric = await this.world.metrics.getSingleMetric(name)?.get()
    return (metric?.values ?? [])
      .filter((value) => Object.entries(labels).every(([key, label]) => Object(value.labels)[key] === label))
      .reduce((sum, { value }) => sum + value, 0)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop().catch(() => undefined)
    await this.#bus?.[Symbol.asyncDispose]()
    rmSync(this.path, { recursive: true, force: true })
  }
}

describe('rows', () => {
  test('of CloudAppEvents become records as received, with their envelope', async () => {
    await using bench = await Bench.open({ portalUrl: 'https://contoso.example/' })
    const properties = '{"ReportId":"r1", "n":-640236721980338696}'
    await bench.log.deliver(0, [
      `{"records":[{"category":"AdvancedHunting-CloudAppEvents","properties":${properties}}]}`,
    ])
    const [record] = await bench.records(rawTopic('contoso', 'activities'))
    expect(record?.value.toString()).toBe(properties)
    expect(record?.key).toBe('r1')
    expect(record?.headers).toEqual({
      source: 'contoso',
      tenant: 'contoso',
      kind: 'activities',
      shape: 'cloud-app-event',
      'received-ms': String(startMs),
      'portal-url': 'https://contoso.example',
    })
    expect(await bench.metric('siem_relay_records_received_total', { kind: 'activities' })).toBe(1)
  })

  test('that come twice, in one message or later, are taken once', async () => {
    await using bench = await Bench.open()
    await bench.log.deliver(0, [message(event('r1'), event('r1')), message(event('r1'), event('r2'))])
    await bench.log.deliver(2, [message(event('r2'))])
    expect(await bench.keys('activities')).toEqual(['r1', 'r2'])
    expect(await bench.metric('siem_relay_source_rows_total', { result: 'repeated' })).toBe(3)
  })

  test('of tables nobody wants are counted and passed over', async () => {
    await using bench = await Bench.open({ tables: ['CloudAppEvents'] })
    await bench.log.deliver(0, [message(['DeviceEvents', {}], info('a'), event('r1'))])
    await bench.pass(700_000)
    expect(await bench.keys('activities')).toEqual(['r1'])
    expect(await bench.metric('siem_relay_source_rows_total', { result: 'unwanted', table: 'other' })).toBe(1)
    expect(await bench.metric('siem_relay_source_rows_total', { result: 'unwanted', table: 'AlertInfo' })).toBe(1)
    expect(bench.source.status().streams.map(({ kind }) => kind)).toEqual(['activities'])
  })

  test('many in a message and many messages go through in transactions of limited size', async () => {
    await using bench = await Bench.open()
    const before = bench.commits
    const values = Array.from({ length: 20 }, (_, m) =>
      message(...Array.from({ length: 100 }, (_, n) => event(`r${m}-${n}`, { text: 'x'.repeat(100) }))),
    )
    await bench.log.deliver(0, values)
    expect(await bench.keys('activities')).toHaveLength(2_000)
    expect(bench.commits - before).toBe(4)
    expect(bench.log.position()).toBe(20)
  })
})

describe('what cannot be read', () => {
  test.each([
    ['no JSON', 'hello', /not the expected JSON/, 'hello'],
    ['no records', '{"a":1}', /`records` is missing/, '{"a":1}'],
    ['an empty message', '', /not the expected JSON/, ''],
    ['a row without an id', message(['CloudAppEvents', {}]), /no usable ReportId/, '{}'],
    ['evidence without an alert', message(['AlertEvidence', { AlertId: 7 }]), /no usable AlertId/, '{"AlertId":7}'],
    ['a row without properties', message(['AlertInfo', null]), /no properties/, message(['AlertInfo', null])],
  ])('%s goes to dead-letters with its origin, and reading goes on', async (_, bad, reason, bytes) => {
    await using bench = await Bench.open()
    await bench.log.deliver(7, [bad, message(event('r1'))])
    const [letter, ...others] = await bench.records(deadLettersTopic)
    expect(others).toEqual([])
    expect(letter?.value.toString()).toBe(bytes)
    expect(letter?.headers).toMatchObject({
      stage: 'collector/contoso',
      code: 'RELAY_RECORD_INVALID',
      reason: expect.stringMatching(reason),
      'origin-topic': 'xdr',
      'origin-partition': '0',
      'origin-offset': '7',
    })
    expect(await bench.keys('activities')).toEqual(['r1'])
    expect(await bench.metric('siem_relay_source_rows_total', { result: 'dead_lettered' })).toBe(1)
  })
})

describe('alerts', () => {
  test('leave as one record of their rows after the settle time, and once', async () => {
    await using bench = await Bench.open()
    await bench.log.deliver(0, [message(info('a')), message(evidence('a', 1), evidence('a', 2))])
    await bench.pass(59_000)
    expect(await bench.keys('alerts')).toEqual([])
    const before = bench.commits
    await bench.pass(2_000, () => bench.commits > before)
    const [record] = await bench.records(rawTopic('contoso', 'alerts'))
    expect(record).toMatchObject({ key: 'a', headers: { kind: 'alerts', shape: 'xdr-alert' } })
    expect(JSON.parse(String(record?.value))).toEqual({
      AlertInfo: info('a')[1],
      AlertEvidence: [evidence('a', 1)[1], evidence('a', 2)[1]],
    })
    await bench.log.deliver(2, [message(evidence('a', 3))])
    await bench.pass(700_000)
    expect(await bench.keys('alerts')).toEqual(['a'])
    expect(await bench.metric('siem_relay_source_rows_total', { table: 'AlertEvidence', result: 'repeated' })).toBe(1)
  })

  test('come again with more evidence as a new version where updates are wanted', async () => {
    await using bench = await Bench.open({ alertUpdates: 'all' })
    await bench.log.deliver(0, [message(info('a'), evidence('a', 1))])
    let before = bench.commits
    await bench.pass(61_000, () => bench.commits > before)
    await bench.log.deliver(1, [message(evidence('a', 2))])
    before = bench.commits
    await bench.pass(61_000, () => bench.commits > before)
    const versions = (await bench.records(rawTopic('contoso', 'alerts'))).map(({ headers }) => headers.version)
    expect(new Set(versions).size).toBe(2)
  })

  test('that wait survive a restart, which repeats none that left', async () => {
    await using bench = await Bench.open()
    await bench.log.deliver(0, [message(info('a'), evidence('a')), message(info('b'))])
    await bench.stop()
    await bench.start()
    let before = bench.commits
    await bench.pass(61_000, () => bench.commits > before)
    expect(await bench.keys('alerts')).toEqual(['a'])
    await bench.stop()
    await bench.start()
    await bench.log.deliver(2, [message(info('a'), evidence('a'), evidence('b'))])
    before = bench.commits
    await bench.pass(2_000, () => bench.commits > before)
    expect(await bench.keys('alerts')).toEqual(['a', 'b'])
  })
})

describe('the place in the log', () => {
  test('a restart goes on behind what was committed, and drops what is fetched from before', async () => {
    await using bench = await Bench.open()
    await bench.log.deliver(0, [message(event('r1')), message(event('r2'))])
    await bench.stop()
    bench.log.partitions = [{ topic: 'xdr', partition: 0, start: 0, end: 3 }]
    await bench.start()
    expect(bench.log.position()).toBe(2)
    const before = bench.commits
    await bench.log.deliver(0, [message(event('never seen, but passed')), 'not even JSON'])
    expect(bench.commits).toBe(before)
    await bench.log.deliver(1, ['not even JSON', message(event('r3'))])
    expect(await bench.keys('activities')).toEqual(['r1', 'r2', 'r3'])
    expect(await bench.records(deadLettersTopic)).toEqual([])
  })

  test('a first run asks for the offset of lookback ago, or begins with the oldest', async () => {
    await using bench = await Bench.open({ lookback: 'PT1H' })
    expect(bench.log.askedAtMs).toEqual([startMs - 3_600_000])
    await using other = await Bench.open({ start: 'earliest' })
    expect(other.log.askedAtMs).toEqual([undefined])
  })

  test('the start of a first run stays where it was, though nothing was read', async () => {
    await using bench = await Bench.open()
    await bench.stop()
    bench.log.partitions = [{ topic: 'xdr', partition: 0, start: 0, end: 9, at: 5 }]
    await bench.start()
    expect(bench.log.position()).toBe(0)
  })

  test('what expired while the source was away, or before it was read, is told with its extent', async () => {
    await using bench = await Bench.open()
    await bench.log.deliver(0, [message(event('r1'))])
    await bench.stop()
    bench.log.partitions = [{ topic: 'xdr', partition: 0, start: 10, end: 20 }]
    await bench.start()
    expect(await bench.metric('siem_relay_source_expired_messages_total')).toBe(9)
    await bench.log.deliver(15, [message(event('r2'))])
    expect(await bench.metric('siem_relay_source_expired_messages_total')).toBe(14)
    const told = bench.world.entries.filter(({ msg }) => msg === 'messages expired before they were read')
    expect(told.at(-1)).toMatchObject({ topic: 'xdr', partition: 0, from: 10, until: 15 })
  })

  test('what expired is in the status as a time that cannot be read again, also after a restart', async () => {
    await using bench = await Bench.open()
    await bench.log.deliver(0, [message(event('r1'))])
    expect(bench.source.status().streams.map(({ gaps }) => gaps)).toEqual([[], []])
    await bench.stop()
    bench.log.partitions = [{ topic: 'xdr', partition: 0, start: 10, end: 20 }]
    await bench.start()
    // The last message that was read was appended at 1 s; what is left has not been read yet.
    const gap = { fromMs: 1_000, toMs: startMs, reason: 'expired', state: 'unverifiable', sinceMs: startMs }
    expect(bench.source.status().streams.map(({ gaps }) => gaps)).toEqual([[gap], [gap]])
    expect(await bench.metric('siem_relay_source_gap_changes_total', { change: 'unverifiable' })).toBe(2)
    await bench.world.metrics.metrics()
    expect(await bench.metric('siem_relay_source_gaps', { state: 'unverifiable', kind: 'alerts' })).toBe(1)
    await bench.stop()
    await bench.start()
    expect(bench.source.status().streams[0]?.gaps).toEqual([gap])
    expect(await bench.metric('siem_relay_source_gap_changes_total')).toBe(0)
  })

  test('of what expired while it is read, the time until the next message is told', async () => {
    await using bench = await Bench.open()
    await bench.log.deliver(0, [message(event('r1'))])
    const later = [{ offset: 5, value: Buffer.from(message(event('r2'))), appendedMs: 4_000 }]
    await bench.log.deliver(5, [], { records: later, end: 6 })
    expect(bench.source.status().streams[0]?.gaps).toMatchObject([{ fromMs: 1_000, toMs: 4_000 }])
    expect(await bench.keys('activities')).toEqual(['r1', 'r2'])
  })
})

describe('trouble', () => {
  test('a broken connection is told, and read again from the last commit after a pause', async () => {
    await using bench = await Bench.open()
    await bench.log.deliver(0, [message(event('r1'))])
    bench.log.fail(new RelayError('RELAY_SOURCE_UNAVAILABLE', 'hub.example:9093 could not be read'))
    await bench.until(() => !bench.log.isRead)
    await bench.until(() => bench.source.status().state === 'waiting')
    expect(bench.source.status().streams[0]?.watermarkMs).toBe(startMs)
    await bench.pass(5_000, () => bench.log.isRead)
    expect(bench.log.position()).toBe(1)
    expect(bench.source.status().streams[0]?.watermarkMs).toBe(bench.clock.nowMs())
    expect(bench.source.status()).toMatchObject({ state: 'collecting', lastError: undefined })
  })

  test('refused credentials are an error with its next move, tried again a minute later', async () => {
    await using bench = await Bench.open()
    bench.log.boundsError = new RelayError('RELAY_SOURCE_AUTH', 'refused')
    bench.log.fail(new RelayError('RELAY_SOURCE_UNAVAILABLE', 'closed'))
    await bench.until(() => bench.source.status().state === 'waiting')
    await bench.pass(5_000, () => bench.source.status().state === 'error')
    expect(bench.source.status().streams[0]?.watermarkMs).toBe(startMs)
    expect(bench.source.status().lastError).toMatchObject({ code: 'RELAY_SOURCE_AUTH' })
    bench.log.boundsError = undefined
    await bench.pass(121_000, () => bench.log.isRead)
    expect(bench.source.status().state).toBe('collecting')
  })

  test('a full log takes nothing: the batch waits, and nothing of it is lost', async () => {
    await using bench = await Bench.open()
    bench.isOpen = false
    let isTaken = false
    const taken = bench.log.deliver(0, [message(event('r1'))]).then(() => {
      isTaken = true
    })
    await bench.pass(10_000, () => bench.source.status().state === 'waiting')
    expect([isTaken, bench.source.status().lastError?.code]).toEqual([false, 'RELAY_LOG_FULL'])
    bench.isOpen = true
    await bench.clock.advance(1_000)
    await taken
    expect(await bench.keys('activities')).toEqual(['r1'])
  })

  test('a commit that failed is made again, once', async () => {
    await using bench = await Bench.open()
    bench.commitError = new RelayError('RELAY_LOG_WRITE', 'no')
    const taken = bench.log.deliver(0, [message(event('r1'))])
    await bench.until(() => bench.source.status().state === 'waiting')
    await bench.clock.advance(1_000)
    await taken
    expect(await bench.keys('activities')).toEqual(['r1'])
  })

  test('another owner of the place in the log ends this life, with nothing of the batch kept', async () => {
    await using bench = await Bench.open()
    bench.commitError = new RelayError('RELAY_BUS_FENCED', 'another')
    const taken = bench.log.deliver(0, [message(event('r1'))])
    await expect(taken).rejects.toMatchObject({ code: 'RELAY_BUS_FENCED' })
    bench.log.fail(new RelayError('RELAY_BUS_FENCED', 'another'))
    await expect(bench.ended).rejects.toMatchObject({ code: 'RELAY_BUS_FENCED' })
    expect(await bench.keys('activities')).toEqual([])
  })

  test('partitions that another reader of the group holds are told', async () => {
    await using bench = await Bench.open()
    bench.log.partitions = [0, 1].map((partition) => ({ topic: 'xdr', partition, start: 0, end: 0 }))
    bench.log.assignment = [{ topic: 'xdr', partition: 0 }]
    await bench.stop()
    await bench.start()
    expect(bench.source.status()).toMatchObject({
      state: 'error',
      lastError: { message: expect.stringMatching(/1 of 2 partitions in the consumer group \$Default/) },
    })
  })
})
