/** What the collector knows of a source, whatever its type. */
import type { ErrorCode, RawKind } from '@siem-relay/common'
import type { Environment } from '@siem-relay/http'
import type { World } from '@siem-relay/service-kit'
import type { CollectorMetrics } from '../metrics.ts'
import type { TenantGate } from '../tenant-gate.ts'
import type { Gap } from './gaps.ts'

/** What every source gets. */
export interface SourceContext {
  readonly world: World
  readonly metrics: CollectorMetrics
  readonly env: Environment
  /** `name/version` for User-Agent. */
  readonly userAgent: string
}

/** What a source gets that asks an API with a request budget. */
export interface PolledSourceContext extends SourceContext {
  /** Shared by all sources of the tenant that ask the same API. */
  readonly gate: TenantGate
}

/**
 * `starting`: no request has succeeded yet; `collecting`: as it should be; `waiting`: goes on by itself (source or log is
 * unavailable, a pause was asked for); `error`: a person has to act, though it tries again by itself.
 */
export type SourceState = 'starting' | 'collecting' | 'waiting' | 'error'

export interface StreamStatus {
  readonly kind: RawKind
  readonly state: SourceState
  /** At least one page was read and committed since the start. */
  readonly hasSucceeded: boolean
  /** Everything up to here was read, milliseconds since the epoch. */
  readonly watermarkMs: number | undefined
  /** Records the source still holds for the sweep under way, as far as it says; undefined when none is. */
  readonly backlog: number | undefined
  readonly lastError: StatusError | undefined
  /** Times of which records may be missing, earliest first. */
  readonly gaps: readonly Gap[]
}

export interface StatusError {
  readonly code: ErrorCode | undefined
  readonly message: string
  readonly nextMove: string | undefined
  readonly atMs: number
}

export interface SourceStatus {
  readonly id: string
  readonly tenant: string
  /** The worst of its streams. */
  readonly state: SourceState
  readonly streams: readonly StreamStatus[]
  /** The latest of its streams' errors that still last. */
  readonly lastError: StatusError | undefined
  /** Requests that the tenant's budget allows at this moment; absent for a source that asks no API. */
  readonly budgetRemaining?: number
}

export interface Source {
  readonly id: string
  /**
   * Collects until the signal is aborted, then resolves.
   * @throws when it cannot go on: another owner took over, or the log is closed or damaged.
   */
  run(signal: AbortSignal): Promise<void>
  status(): SourceStatus
}
