/** A collector between the simulator and a real embedded log, in a time that only the test moves. */
import { subscribe } from 'node:diagnostics_channel'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Bus, type BusRecord, openSqliteBus, type SqliteBusOptions, type Writer } from '@siem-relay/bus'
import { decodeSourceReport, type RawKind, rawTopic, type SourceReport, sourceStatusTopic } from '@siem-relay/common'
import { systemClock } from '@siem-relay/service-kit'
import { FakeClock, metricSum, type TestWorld, testWorld } from '@siem-relay/service-kit/testing'
import { type RequestLog, type Simulator, type SimulatorOptions, startSimulator } from '@siem-relay/simulator'
import { type CollectorConfig, sourcesSchema } from '../config.ts'
import { type CollectorOptions, type RunningCollector, start } from '../start.ts'

export const startMs = Date.UTC(2026, 0, 15, 12)
const token = 'A'.repeat(64)
export const oauth = { tenantId: 'contoso.example', clientId: 'app', clientSecret: 'canary-secret' }

/** Turns of the event loop without any request or commit after which everybody waits for time to pass: few while nothing
 *  has happened at all, more after something has. */
const idleTurns = 10
const quietTurns = 25
const realMsMax = 20_000

/** Requests the collector has begun that nobody has answered: on a busy machine one takes its time to reach the simulator. */
const unanswered = new Set<unknown>()
const requestOf = (message: unknown): unknown => (message as { readonly request: unknown }).request
subscribe('undici:request:create', (message) => {
  unanswered.add(requestOf(message))
})
for (const end of ['undici:request:headers', 'undici:request:error'])
  subscribe(end, (message) => {
    unanswered.delete(requestOf(message))
  })

export interface HarnessOptions {
  readonly simulator?: SimulatorOptions
  readonly bus?: Partial<SqliteBusOptions>
  /** Stands between collector and log. */
  readonly wrapBus?: (bus: Bus) => Bus
}

export class Harness implements AsyncDisposable {
  readonly clock = new FakeClock(startMs)
  readonly path = mkdtempSync(join(tmpdir(), 'siem-relay-collector-'))
  readonly #options: HarnessOptions
  readonly #running: RunningCollector[] = []
  #activity = 0
  #openCommits = 0
  /** The first is the one that sources of `config` have unless they say otherwise. */
  readonly #simulators: Simulator[] = []
  #bus: Bus | undefined
  #world: TestWorld | undefined

  private constructor(options: HarnessOptions) {
    this.#options = options
  }

  static async open(options: HarnessOptions = {}): Promise<Harness> {
    const harness = new Harness(options)
    await harness.addSimulator(options.simulator)
    await harness.#openBus()
    return harness
  }

  get simulator(): Simulator {
    return this.#simulators[0] as Simulator
  }

  /** Another account's API, in the same time: a source of it names its `url` and `auth`. */
  async addSimulator(options: SimulatorOptions = {}): Promise<Simulator> {
    const nowMs = (): number => this.clock.nowMs()
    const simulator = await startSimulator({ nowMs, legacyToken: token, oauth, ...options })
    this.#simulators.push(simulator)
    return simulator
  }

  get bus(): Bus {
    return this.#bus as Bus
  }

  get world(): TestWorld {
    return this.#world as TestWorld
  }

  async #openBus(): Promise<void> {
    const bus = await openSqliteBus({
      path: this.path,
      clock: systemClock,
      freeBytesMin: 1_000_000,
      ...this.#options.bus,
    })
    this.#bus = bus
    const wrapped = this.#options.wrapBus?.(bus) ?? bus
    this.#world = testWorld({ bus: this.#observed(wrapped), clock: this.clock })
  }

  /** Counts claims and commits, so that `quiet` knows of them. */
  #observed(bus: Bus): Bus {
    const observedWriter = (writer: Writer): Writer => ({
      state: writer.state,
      commit: async (changes) => {
        this.#openCommits++
        try {
          await writer.commit(changes)
        } finally {
          this.#openCommits--
          this.#activity++
        }
      },
      [Symbol.asyncDispose]: () => writer[Symbol.asyncDispose](),
    })
    return new Proxy(bus, {
      get: (target, name) => {
        if (name === 'writer')
          return async (...args: Parameters<Bus['writer']>) => {
            this.#openCommits++
            try {
              return observedWriter(await target.writer(...args))
            } finally {
              this.#openCommits--
              this.#activity++
            }
          }
        const value: unknown = Reflect.get(target, name, target)
        return typeof value === 'function' ? value.bind(target) : value
      },
    })
  }

  /** Settings of sources, as the configuration file would hold them; url and credentials are the simulator's unless given. */
  config(...sources: readonly Readonly<Record<string, unknown>>[]): CollectorConfig {
    const base = {
      id: 'contoso',
      type: 'defender-for-cloud-apps',
      url: this.simulator.url,
      auth: { type: 'token', token },
    }
    const given = sources.length === 0 ? [{}] : sources
    return { sources: sourcesSchema.parse(given.map((source) => ({ ...base, ...source }))) }
  }

  async start(config = this.config(), options: CollectorOptions = {}): Promise<RunningCollector> {
    const running = await start(config, this.world, options)
    this.#running.push(running)
    await this.quiet()
    return running
  }

  /** The process ends without warning and another one begins on the same disk. */
  async restart(config = this.config()): Promise<RunningCollector> {
    await this.stopAll()
    await this.bus[Symbol.asyncDispose]()
    await this.#openBus()
    return this.start(config)
  }

  /** Waits until nothing moves any more without time passing. */
  quiet(): Promise<void> {
    return this.quietBut(0)
  }

  /** The same while so many requests hang on purpose. */
  async quietBut(hanging: number): Promise<void> {
    const deadline = performance.now() + realMsMax
    const before = this.#moves()
    let last = before
    for (let turns = 0; turns < (last === before ? idleTurns : quietTurns); turns++) {
      await new Promise<void>((resolve) => setImmediate(resolve))
      const open = this.#open()
      const now = this.#moves()
      const isBusy = open > hanging || unanswered.size > hanging || this.#openCommits > 0
      if (now !== last || isBusy) turns = 0
      last = now
      if (performance.now() > deadline) throw new Error(`still busy after ${realMsMax} ms: ${now}`)
    }
  }

  #open(): number {
    return this.#requests((request) => request.status === 0)
  }

  #moves(): string {
    return `${this.#requests(() => true)}/${this.#open()}/${this.#activity}`
  }

  #requests(isMeant: (request: RequestLog) => boolean): number {
    return this.#simulators.reduce((sum, { requests }) => sum + requests.filter(isMeant).length, 0)
  }

  /** Lets time pass in steps, everything going as far as it can between them. */
  async pass(ms: number, stepMs = 1_000): Promise<void> {
    for (let left = ms; left > 0; left -= stepMs) {
      await this.clock.advance(Math.min(stepMs, left))
      await this.quiet()
    }
  }

  /** Lets time pass until the condition holds. */
  async passUntil(condition: () => boolean, withinMs: number, stepMs = 1_000): Promise<void> {
    for (let passedMs = 0; !condition(); passedMs += stepMs) {
      if (passedMs > withinMs) throw new Error(`not so within ${withinMs} ms: ${String(condition)}`)
      await this.pass(stepMs, stepMs)
    }
  }

  /** What the log tells of sources, by id. */
  async reports(): Promise<readonly SourceReport[]> {
    await using table = await this.bus.table(sourceStatusTopic)
    return [...table.entries()].map(([, value]) => decodeSourceReport(value) as SourceReport)
  }

  /** Everything in a raw topic, partition by partition. */
  async raw(kind: RawKind, tenant = 'contoso'): Promise<readonly BusRecord[]> {
    const topic = rawTopic(tenant, kind)
    await this.bus.ensureTopics([topic])
    const records: BusRecord[] = []
    for (let partition = 0; partition < topic.partitions; partition++)
      for await (const record of this.bus.read(topic, partition, 0)) records.push(record)
    return records
  }

  async rawIds(kind: RawKind, tenant = 'contoso'): Promise<readonly string[]> {
    return (await this.raw(kind, tenant)).map((record) => record.key).sort()
  }

  /** The collector's own metric. */
  metric(name: string, labels: Readonly<Record<string, string>> = {}): Promise<number> {
    return metricSum(this.world.metrics, name, labels)
  }

  /** Stops every collector that was started. */
  async stopAll(): Promise<void> {
    for (const running of this.#running.splice(0)) await running.stop(1_000)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stopAll()
    await this.bus[Symbol.asyncDispose]()
    await Promise.all(this.#simulators.map((simulator) => simulator.close()))
    rmSync(this.path, { recursive: true, force: true })
  }
}
