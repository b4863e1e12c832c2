/** A source that reads Defender XDR's streaming tables: claims its place in the log, reads batch by batch, and commits every
 *  batch's records together with the offset behind it. What becomes of rows is intake.ts; the other side's log is behind
 *  `openLog`. */
import { type ForeignBatch, openForeignLog, type Writer } from '@siem-relay/bus'
import { deadLettersTopic, dispositionOf, RelayError } from '@siem-relay/common'
import { backoffMs } from '@siem-relay/service-kit'
import { durationMs } from '../../duration.ts'
import { removeGapGauges, setGapGauges, tellGaps } from '../gap-report.ts'
import { slowRetryMs } from '../hold.ts'
import { claimSource, runTogether, statusOf } from '../life.ts'
import { StreamReport } from '../report.ts'
import { closedReason, logCheckMs } from '../room.ts'
import { tenantOf } from '../settings.ts'
import type { Source, SourceContext, SourceStatus } from '../source.ts'
import type { DefenderStreamingSourceConfig } from './config.ts'
import { foreignLogOptionsOf } from './connection.ts'
import { Expired } from './expired.ts'
import { Intake, type Step } from './intake.ts'
import type { Gap } from './positions.ts'

const readPolicy = { minMs: 1_000, maxMs: 5 * 60_000 }
/** How often alerts are looked at whose time may have come. */
const settleEveryMs = 1_000

/** @throws {RelayError} `RELAY_CONFIG_INVALID` for an unreadable caFile. */
export function openDefenderStreamingSource(
  config: DefenderStreamingSourceConfig,
  context: SourceContext,
  openLog: typeof openForeignLog = openForeignLog,
): Source {
  const log = openLog(foreignLogOptionsOf(config, context.world.clock))
  return new DefenderStreamingSource(config, context, log)
}

class DefenderStreamingSource implements Source {
  readonly id: string
  readonly #config: DefenderStreamingSourceConfig
  readonly #context: SourceContext
  readonly #log: ReturnType<typeof openForeignLog>
  readonly #tenant: string
  readonly #intake: Intake
  readonly #expired = new Expired()
  readonly #reports: ReadonlyMap<'alerts' | 'activities', StreamReport>
  #writer: Writer | undefined
  /** Batches and settling alerts share the memory: one at a time. */
  #turn: Promise<unknown> = Promise.resolve()
  /** The log is lost to this owner: nothing can go on. */
  #fatal: { readonly error: unknown } | undefined
  #failures = 0
  #isReading = false
  /** When reading ended last: nothing is known of what came since. */
  #readUntilMs: number | undefined
  /** Others of the group hold partitions that nobody reads for us. */
  #sharing: RelayError | undefined

  constructor(config: DefenderStreamingSourceConfig, context: SourceContext, log: ReturnType<typeof openForeignLog>) {
    this.id = config.id
    this.#config = config
    this.#context = context
    this.#log = log
    this.#tenant = tenantOf(config)
    this.#intake = new Intake(config, this.#tenant)
    const kinds = new Set(config.tables.map((table) => (table === 'CloudAppEvents' ? 'activities' : 'alerts')))
    this.#reports = new Map(
      Array.from(kinds, (kind) => [kind, new StreamReport(context.world, { source: config.id, kind })]),
    )
  }

  async run(signal: AbortSignal): Promise<void> {
    const { metrics } = this.#context
    const setGauges = (): void => this.#setGauges()
    metrics.setters.add(setGauges)
    try {
      const name = { id: this.id, tenant: this.#tenant }
      this.#writer = await claimSource(this.#context.world, name, this.#reports.keys(), signal, [deadLettersTopic])
      this.#intake.restore(this.#writer.state)
      this.#expired.restore(this.#writer.state)
      await runTogether([(both) => this.#readOn(both), (both) => this.#settleOn(both)], signal)
    } catch (error) {
      if (!signal.aborted || this.#fatal !== undefined) throw this.#fatal?.error ?? error
    } finally {
      metrics.setters.delete(setGauges)
      for (const kind of this.#reports.keys()) {
        metrics.checkpointAge.remove({ source: this.id, kind })
        removeGapGauges(metrics, { source: this.id, kind })
      }
      await this.#turn
      await this.#writer?.[Symbol.asyncDispose]()
    }
  }

  status(): SourceStatus {
    const watermarkMs = this.#watermarkMs()
    const gaps = this.#expired.gaps(this.#clock.nowMs())
    const streams = Array.from(this.#reports.values(), (report) => report.status(watermarkMs, gaps))
    return statusOf({ id: this.id, tenant: this.#tenant }, streams)
  }

  /** Reads, and after any trouble on the other side reads again from where it was. */
  async #readOn(signal: AbortSignal): Promise<never> {
    for (;;) {
      try {
        await this.#read(signal)
      } catch (error) {
        signal.throwIfAborted()
        if (this.#fatal !== undefined) throw this.#fatal.error
        this.#failures++
        const isStop = dispositionOf(error) === 'stop'
        for (const report of this.#reports.values()) report.trouble(isStop ? 'error' : 'waiting', error)
        const { random } = this.#context.world
        const waitMs = isStop ? slowRetryMs(this.#failures) : backoffMs(this.#failures, readPolicy, random)
        await this.#clock.sleep(waitMs, signal)
      }
    }
  }

  async #read(signal: AbortSignal): Promise<void> {
    const { start, lookback } = this.#config
    const atMs = start === 'lookback' ? this.#clock.nowMs() - durationMs(lookback) : undefined
    const bounds = await this.#log.bounds(atMs)
    // Where the first run begins is kept before anything is read: a stop right after it must not move the start.
    await this.#exclusive(async () => {
      const { changes, gaps } = this.#intake.positions.open(bounds)
      for (const gap of gaps) this.#noteGap(gap, undefined)
      if (changes.length > 0) await this.#commit({ ...nothing, state: changes }, signal)
    })
    const { positions } = this.#intake
    const reading = this.#log.read(
      {
        position: (topic, partition) => positions.offsetOf(topic, partition),
        assigned: (partitions) => this.#assigned(partitions.length),
        take: (batch) => this.#exclusive(() => this.#take(batch, signal)),
      },
      signal,
    )
    await reading.finally(() => {
      if (this.#isReading) this.#readUntilMs = this.#clock.nowMs()
      this.#isReading = false
    })
  }

  #assigned(count: number): void {
    this.#isReading = true
    const all = this.#intake.positions.partitions
    const { consumerGroup } = this.#config
    this.#sharing =
      count >= all
        ? undefined
        : new RelayError(
            'RELAY_SOURCE_REQUEST',
            `another reader has ${all - count} of ${all} partitions in the consumer group ${consumerGroup}: give the relay a group of its own`,
          )
    this.#succeeded()
  }

  async #take(batch: ForeignBatch, signal: AbortSignal): Promise<void> {
    const gap = this.#intake.positions.gapBefore(batch)
    if (gap !== undefined) this.#noteGap(gap, batch.records[0]?.appendedMs)
    for (const step of this.#intake.take(batch, this.#clock.nowMs())) await this.#commit(step, signal)
  }

  async #settleOn(signal: AbortSignal): Promise<never> {
    for (;;) {
      await this.#clock.sleep(settleEveryMs, signal)
      await this.#exclusive(async () => {
        for (const step of this.#intake.settle(this.#clock.nowMs())) await this.#commit(step, signal)
      })
    }
  }

  /** Tries until the log has it, or never will: nothing is read meanwhile. */
  async #commit(step: Step, signal: AbortSignal): Promise<void> {
    for (;;) {
      await this.#roomInLog(signal)
      try {
        const state = [...step.state, ...this.#expired.changes()]
        await (this.#writer as Writer).commit({ records: step.records, state })
        this.#expired.committed()
        break
      } catch (error) {
        if (dispositionOf(error) !== 'retry') {
          this.#fatal = { error }
          throw error
        }
        for (const report of this.#reports.values()) report.trouble('waiting', error)
        await this.#clock.sleep(logCheckMs, signal)
      }
    }
    this.#committed(step)
  }

  async #roomInLog(signal: AbortSignal): Promise<void> {
    for (;;) {
      signal.throwIfAborted()
      const closed = closedReason(this.#context.world.bus)
      if (closed === undefined) return
      for (const report of this.#reports.values()) report.trouble('waiting', closed)
      await this.#clock.sleep(logCheckMs, signal)
    }
  }

  #committed({ received, rows }: Step): void {
    const { metrics } = this.#context
    for (const kind of this.#reports.keys())
      if (received[kind] > 0) metrics.received.inc({ source: this.id, kind }, received[kind])
    for (const { table, result } of rows) metrics.streamedRows.inc({ source: this.id, table, result })
    this.#succeeded()
  }

  #succeeded(): void {
    this.#failures = 0
    for (const report of this.#reports.values())
      if (this.#sharing === undefined) report.success(this.#intake.positions.backlog)
      else report.trouble('error', this.#sharing)
  }

  /** @param untilMs when the first message behind the gap was appended; undefined when it has not been read yet. */
  #noteGap({ afterMs, ...offsets }: Gap, untilMs: number | undefined): void {
    const { world, metrics } = this.#context
    metrics.streamExpired.inc({ source: this.id }, offsets.until - offsets.from)
    for (const report of this.#reports.values()) report.warn(offsets, 'messages expired before they were read')
    const nowMs = this.#clock.nowMs()
    const fromMs = afterMs ?? nowMs - durationMs(this.#config.lookback)
    const gap = this.#expired.note(fromMs, untilMs ?? nowMs, nowMs)
    for (const kind of this.#reports.keys())
      tellGaps(world, metrics, { source: this.id, kind }, [{ type: 'unverifiable', gap }])
  }

  #setGauges(): void {
    const gaps = this.#expired.gaps(this.#clock.nowMs())
    for (const kind of this.#reports.keys()) setGapGauges(this.#context.metrics, { source: this.id, kind }, gaps)
    const watermarkMs = this.#watermarkMs()
    if (watermarkMs === undefined) return
    const ageMs = Math.max(0, this.#clock.nowMs() - watermarkMs)
    for (const kind of this.#reports.keys())
      this.#context.metrics.checkpointAge.set({ source: this.id, kind }, ageMs / 1_000)
  }

  #watermarkMs(): number | undefined {
    const asOfMs = this.#isReading ? this.#clock.nowMs() : this.#readUntilMs
    return asOfMs === undefined ? undefined : this.#intake.positions.watermarkMs(asOfMs)
  }

  #exclusive<T>(work: () => Promise<T>): Promise<T> {
    const mine = this.#turn.then(work)
    this.#turn = mine.catch(() => undefined)
    return mine
  }

  get #clock() {
    return this.#context.world.clock
  }
}

const nothing = { records: [], rows: [], received: { alerts: 0, activities: 0 } } as const
