/** A tenant: its sources, the request budgets they share, and whether this instance is the one that polls them. Being given
 *  the tenant, losing it and a new configuration come at any time; they are done one after another. */
import type { Holding } from '@siem-relay/bus'
import type { World } from '@siem-relay/service-kit'
import type { SourceConfig } from './config.ts'
import type { CollectorMetrics } from './metrics.ts'
import { SourceRun, type SourceRunParts } from './source-run.ts'
import { type Api, apis, requestsPerMinuteDefaults } from './sources/api.ts'
import { apiOf } from './sources/index.ts'
import type { Source } from './sources/source.ts'
import { TenantGate } from './tenant-gate.ts'

/** One for each API: they have budgets and pauses of their own. */
export type Gates = Readonly<Record<Api, TenantGate>>

export interface TenantParts {
  readonly world: World
  readonly metrics: CollectorMetrics
  readonly open: (config: SourceConfig, gates: Gates) => Source
  readonly onFailed: SourceRunParts['onFailed']
}

export class Tenant {
  readonly name: string
  readonly #parts: TenantParts
  readonly #gates: Gates
  #runs: readonly SourceRun[] = []
  #isHeld = false
  #turn: Promise<void> = Promise.resolve()

  constructor(name: string, sources: readonly SourceConfig[], parts: TenantParts) {
    this.name = name
    this.#parts = parts
    this.#gates = openGates(sources, parts.world)
  }

  /** The sources this instance polls. */
  get running(): readonly SourceRun[] {
    return this.#runs.filter((run) => run.isRunning)
  }

  get isEmpty(): boolean {
    return this.#runs.length === 0
  }

  /** The tenant is this instance's: its sources run until it is released. */
  hold(): Holding {
    this.#isHeld = true
    void this.#next(() => this.#startAll())
    return {
      released: () => {
        this.#isHeld = false
        return this.#next(async () => {
          await Promise.all(this.#runs.map((run) => run.stop()))
          for (const api of apis) this.#parts.metrics.budgetRemaining.remove({ tenant: this.name, api })
        })
      },
    }
  }

  /** Stops the sources that are not among these, or not with these settings. */
  drop(sources: readonly SourceConfig[]): Promise<void> {
    return this.#next(async () => {
      const gone = this.#runs.filter((run) => !sources.some((source) => run.isFor(source)))
      this.#runs = this.#runs.filter((run) => !gone.includes(run))
      await Promise.all(gone.map((run) => run.stop()))
    })
  }

  /** Takes up these sources; those it has already are not disturbed. */
  take(sources: readonly SourceConfig[]): Promise<void> {
    return this.#next(() => {
      for (const api of apis) {
        if (sources.some((source) => apiOf(source) === api)) this.#gates[api].allow(budgetOf(sources, api))
        else this.#parts.metrics.budgetRemaining.remove({ tenant: this.name, api })
      }
      this.#runs = sources.map(
        (source) => this.#runs.find((run) => run.isFor(source)) ?? new SourceRun(this.#partsOf(source)),
      )
      this.#startAll()
    })
  }

  #startAll(): void {
    if (this.#isHeld) for (const run of this.#runs) run.start()
  }

  #partsOf(config: SourceConfig): SourceRunParts {
    const { world, open, onFailed } = this.#parts
    return { config, world, onFailed, open: () => open(config, this.#gates) }
  }

  #next(step: () => Promise<void> | void): Promise<void> {
    const mine = this.#turn.then(step)
    this.#turn = mine.catch(() => undefined)
    return mine
  }
}

/** Gates that allow what a tenant's sources say. */
export function openGates(sources: readonly SourceConfig[], { clock, random }: Pick<World, 'clock' | 'random'>): Gates {
  const open = (api: Api) => new TenantGate({ requestsPerMinute: budgetOf(sources, api), clock, random })
  return { 'cloud-apps': open('cloud-apps'), graph: open('graph') }
}

/** If sources of one tenant disagree about the budget of an API, the smallest counts. */
function budgetOf(sources: readonly SourceConfig[], api: Api): number {
  const budgets = sources.flatMap((source) =>
    apiOf(source) === api && 'requestsPerMinute' in source ? [source.requestsPerMinute] : [],
  )
  return budgets.length === 0 ? requestsPerMinuteDefaults[api] : Math.min(...budgets)
}
