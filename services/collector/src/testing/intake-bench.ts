/** A discovery intake on a real embedded log, with a real directory and a real port, in a time that only the test moves. */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Bus, type BusRecord, openSqliteBus } from '@siem-relay/bus'
import { collectorStateTopic, rawTopic } from '@siem-relay/common'
import { systemClock } from '@siem-relay/service-kit'
import { FakeClock, metricSum, type TestWorld, testWorld } from '@siem-relay/service-kit/testing'
import { createCollectorMetrics } from '../metrics.ts'
import { discoveryIntakeSourceSchema } from '../sources/discovery-intake/config.ts'
import { type HttpLimits, httpLimits } from '../sources/discovery-intake/http-server.ts'
import { openDiscoveryIntakeSource } from '../sources/discovery-intake/source.ts'
import type { Source } from '../sources/source.ts'
import { watchedBus } from './watched-bus.ts'

export const startMs = Date.UTC(2026, 10, 24, 12)
export const token = 'canary-token-0123456789'
/** The n-th row of many. */
export const rowOf = (n: number, more: object = {}) => ({
  TimeGenerated: '2026-11-24T10:00:00Z',
  StreamName: 'Marketing',
  AppName: 'Box',
  TotalEvents: n,
  ...more,
})
export const ndjson = (...rows: readonly unknown[]): string => rows.map((row) => `${JSON.stringify(row)}\n`).join('')

const realMsMax = 20_000

export class IntakeBench implements AsyncDisposable {
  readonly clock = new FakeClock(startMs)
  readonly path = mkdtempSync(join(tmpdir(), 'siem-relay-intake-'))
  readonly inbox = join(this.path, 'inbox')
  /** Called before a commit; what it throws, the commit throws. */
  beforeCommit: () => void = () => undefined
  isOpen = true
  commits = 0
  #settings: object = {}
  #limits: HttpLimits = httpLimits
  #bus: Bus | undefined
  #world: TestWorld | undefined
  #source: Source | undefined
  #stopping = new AbortController()
  #running: Promise<void> = Promise.resolve()

  static http(more: object = {}, limits: Partial<HttpLimits> = {}): Promise<IntakeBench> {
    return IntakeBench.open({ http: { listen: '127.0.0.1:0', token, ...more } }, limits)
  }

  static directory(more: object = {}): Promise<IntakeBench> {
    const bench = new IntakeBench()
    return bench.#open({ directory: { path: bench.inbox, ...more } }, {})
  }

  static open(settings: object, limits: Partial<HttpLimits> = {}): Promise<IntakeBench> {
    return new IntakeBench().#open(settings, limits)
  }

  async #open(settings: object, limits: Partial<HttpLimits>): Promise<this> {
    this.#settings = settings
    this.#limits = { ...httpLimits, ...limits }
    mkdirSync(this.inbox)
    this.#bus = await openSqliteBus({ path: join(this.path, 'log'), clock: systemClock, freeBytesMin: 1_000_000 })
    await this.start()
    return this
  }

  get world(): TestWorld {
    return this.#world as TestWorld
  }

  get source(): Source {
    return this.#source as Source
  }

  get ended(): Promise<void> {
    return this.#running
  }

  /** A life of the source, from what is committed. */
  async start(): Promise<void> {
    this.#stopping = new AbortController()
    this.#world = testWorld({ bus: this.#watched(), clock: this.clock })
    const config = discoveryIntakeSourceSchema.parse({ id: 'contoso', type: 'discovery-intake', ...this.#settings })
    const metrics = createCollectorMetrics(this.world.metrics)
    const context = { world: this.world, metrics, env: {}, userAgent: 'test' }
    this.#source = openDiscoveryIntakeSource(config, context, this.#limits)
    this.#running = this.source.run(this.#stopping.signal)
    let hasEnded = false
    const onEnd = (): void => {
      hasEnded = true
    }
    this.#running.then(onEnd, onEnd)
    await this.until(() => hasEnded || this.source.status().state !== 'starting')
  }

  async stop(): Promise<void> {
    this.#stopping.abort(new Error('stops'))
    await this.#running
  }

  #watched(): Bus {
    return watchedBus(this.#bus as Bus, {
      beforeCommit: () => this.beforeCommit(),
      committed: () => {
        this.commits++
      },
      isOpen: () => this.isOpen,
    })
  }

  /** Something in the state is no longer what was committed. */
  async damageState(key: string): Promise<void> {
    await using writer = await (this.#bus as Bus).writer('collector/contoso', collectorStateTopic('contoso'))
    await writer.commit({ state: [{ key, value: Buffer.from('{') }] })
  }

  /** Waits for a fact, in turns of the event loop. */
  async until(fact: () => boolean): Promise<void> {
    const deadline = performance.now() + realMsMax
    while (!fact()) {
      if (performance.now() > deadline) throw new Error(`never: ${String(fact)}`)
      await new Promise<void>((resolve) => setImmediate(resolve))
    }
  }

  /** Two looks at the directory: one that sees what is there, one that finds it unchanged. Ends when all is read that can be. */
  async look(): Promise<void> {
    for (let looks = 0; looks < 2; looks++) {
      await this.until(() => this.clock.pending > 0)
      await this.clock.advance(10_000)
      await this.until(() => this.clock.pending > 0)
    }
  }

  /** Drops a file as one should: under another name first. */
  drop(name: string, content: string | Buffer): void {
    const hidden = join(this.inbox, `.${name}.tmp`)
    writeFileSync(hidden, content)
    renameSync(hidden, join(this.inbox, name))
  }

  /** Names in the inbox, or below it. */
  names(shelf = ''): readonly string[] {
    return readdirSync(join(this.inbox, shelf)).toSorted()
  }

  content(name: string): string {
    return readFileSync(join(this.inbox, name), 'utf8')
  }

  get url(): string {
    const listens = this.world.entries.filter(({ msg }) => msg === 'intake listens')
    return String(listens.at(-1)?.url)
  }

  post(body: string | Buffer, headers: Readonly<Record<string, string>> = {}): Promise<Response> {
    return fetch(this.url, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/x-ndjson', ...headers },
      body: typeof body === 'string' ? body : new Uint8Array(body),
    })
  }

  async records(): Promise<readonly BusRecord[]> {
    const topic = rawTopic('contoso', 'discovery')
    const found: BusRecord[] = []
    for (let partition = 0; partition < topic.partitions; partition++)
      for await (const record of (this.#bus as Bus).read(topic, partition, 0)) found.push(record)
    return found
  }

  /** `TotalEvents` of the rows that are kept. */
  async numbers(): Promise<readonly number[]> {
    const rows = (await this.records()).map(({ value }) => JSON.parse(value.toString()))
    return rows.map((row) => Number(row.TotalEvents)).toSorted((a, b) => a - b)
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
