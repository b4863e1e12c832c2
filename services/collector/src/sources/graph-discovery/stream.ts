/** Sweeps again and again, commits what they find, and tells how it goes. What a sweep does is sweep.ts, what it finds differences.ts
 *  and names.ts. */
import type { State } from '@siem-relay/bus'
import { dispositionOf } from '@siem-relay/common'
import { durationMs } from '../../duration.ts'
import { commitAtLast } from '../commit.ts'
import { slowRetryMs } from '../hold.ts'
import type { PolledParts, PolledStream } from '../polled.ts'
import { StreamReport } from '../report.ts'
import { tenantOf } from '../settings.ts'
import type { SourceContext, StreamStatus } from '../source.ts'
import { DiscoveryClient } from './client.ts'
import type { GraphDiscoverySourceConfig } from './config.ts'
import { Ledger } from './ledger.ts'
import { Reader } from './reader.ts'
import { Sweeper } from './sweep.ts'
import type { Changes, Limits } from './sweep-parts.ts'

export interface DiscoveryStreamParts extends PolledParts {
  readonly config: GraphDiscoverySourceConfig
  readonly context: SourceContext
  readonly limits: Limits
}

export class DiscoveryStream implements PolledStream {
  readonly kind = 'discovery'
  readonly restMs: number
  readonly #parts: DiscoveryStreamParts
  readonly #labels: { readonly source: string; readonly kind: 'discovery' }
  readonly #report: StreamReport
  readonly #ledger = new Ledger()
  /** What of the sweep fails at the moment, by its part. */
  readonly #troubles = new Map<string, unknown>()
  #hasRead = false

  constructor(parts: DiscoveryStreamParts) {
    this.#parts = parts
    this.#labels = { source: parts.config.id, kind: this.kind }
    this.#report = new StreamReport(parts.context.world, this.#labels)
    this.restMs = durationMs(parts.config.pollInterval)
  }

  status(): StreamStatus {
    return this.#report.status(this.#ledger.sweep.wholeAtMs)
  }

  restore(state: State): void {
    this.#ledger.restore(state)
  }

  /** A part that fails is looked at again before its time, less and less early. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock } = this.#parts.context.world
    const sweeper = this.#sweeper(signal)
    for (let failures = 0; ; ) {
      const againMs = clock.monotonicMs() + this.restMs
      const isWhole = await sweeper.readApps()
      failures = isWhole ? 0 : failures + 1
      const nextMs = isWhole ? againMs : Math.min(againMs, clock.monotonicMs() + slowRetryMs(failures))
      await sweeper.readLists(nextMs)
      this.#tell()
      await clock.sleep(Math.max(0, nextMs - clock.monotonicMs()), signal)
    }
  }

  #sweeper(signal: AbortSignal): Sweeper {
    const { config, context, limits, client, hold } = this.#parts
    const { world, metrics } = context
    const reader = new Reader({
      world,
      client: new DiscoveryClient(client),
      hold,
      report: this.#report,
      onPage: () => this.#gotPage(),
      signal,
    })
    return new Sweeper({
      config,
      tenant: tenantOf(config),
      clock: world.clock,
      limits,
      ledger: this.#ledger,
      reader,
      commit: (changes) => this.#commit(changes, signal),
      failed: (part, error) => {
        this.#troubles.set(part, error)
        this.#tell()
      },
      passed: (isPassed) => {
        for (const part of this.#troubles.keys()) if (isPassed(part)) this.#troubles.delete(part)
      },
      leftOut: (what, count, of) => {
        metrics.discoveryLeftOut.inc({ source: config.id, subject: what }, count)
        this.#report.warn({ count, of }, 'beyond what the source takes, or nameless: left out')
      },
      signal,
    })
  }

  async #commit(changes: Changes, signal: AbortSignal): Promise<void> {
    const { records, state } = changes
    if (records.length === 0 && state.length === 0) return
    const { commit, context } = this.#parts
    await commitAtLast(commit, changes, context.world, this.#report, signal)
    this.#ledger.apply(state)
    if (records.length > 0) context.metrics.received.inc(this.#labels, records.length)
  }

  /** What passed by is over; what lasts is told again when the sweep ends. */
  #gotPage(): void {
    if (this.#troubles.size === 0 || !this.#hasRead) this.#report.success(undefined)
    this.#hasRead = true
  }

  #tell(): void {
    const errors = [...this.#troubles.values()]
    const worst = errors.find((error) => dispositionOf(error) === 'stop') ?? errors[0]
    if (worst !== undefined) this.#report.trouble(dispositionOf(worst) === 'stop' ? 'error' : 'waiting', worst)
    else if (this.#hasRead) this.#report.success(undefined)
  }
}
