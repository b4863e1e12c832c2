/** A streaming source on a real embedded log, reading a log the test plays, in a time that only the test moves. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Bus, type BusRecord, openSqliteBus } from '@siem-relay/bus'
import { rawTopic, type TopicSpec } from '@siem-relay/common'
import { systemClock } from '@siem-relay/service-kit'
import { FakeClock, metricSum, type TestWorld, testWorld } from '@siem-relay/service-kit/testing'
import { createCollectorMetrics } from '../metrics.ts'
import { defenderStreamingSourceSchema } from '../sources/defender-streaming/config.ts'
import { openDefenderStreamingSource } from '../sources/defender-streaming/source.ts'
import type { Source } from '../sources/source.ts'
import { FakeForeignLog } from './fake-foreign-log.ts'
import { watchedBus } from './watched-bus.ts'

export const startMs = Date.UTC(2026, 6, 18, 17)
/** A row, with the table it is of. */
export const event = (id: string, more: object = {}) => ['CloudAppEvents', { ReportId: id, ...more }] as const

export class StreamingBench implements AsyncDisposable {
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

  static async open(settings: object = {}): Promise<StreamingBench> {
    const bench = new StreamingBench()
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

  metric(name: string, labels: Readonly<Record<string, string>> = {}): Promise<number> {
    return metricSum(this.world.metrics, name, labels)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop().catch(() => undefined)
    await this.#bus?.[Symbol.asyncDispose]()
    rmSync(this.path, { recursive: true, force: true })
  }
}
