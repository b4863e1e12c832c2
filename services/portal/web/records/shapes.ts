/** What pages read of shapes that packages/common and packages/control define: replays, sources, lag. The browser tests' fixture, which is
 *  typed by those packages, is assigned to these, so that the two cannot drift apart. */

export interface ReplayPlanShape {
  readonly agent: string
  readonly fromMs: number
  readonly toMs: number
  /** `letters`: dead letters that were retried. */
  readonly source: 'out' | 'raw' | 'letters'
  readonly records: number
  readonly messagesPerSecondMax: number
  readonly mark: boolean
}

interface ReplayJobShape extends ReplayPlanShape {
  readonly id: string
  readonly createdMs: number
  readonly state: 'running' | 'done' | 'cancelled' | 'failed'
  readonly endedMs?: number | undefined
  readonly reason?: string | undefined
}

export interface ReplayShape {
  readonly job: ReplayJobShape
  /** 0 to 1. */
  readonly share: number
  readonly replayed: number
}

export interface SourceErrorShape {
  readonly code?: string | undefined
  readonly message: string
  readonly nextMove?: string | undefined
  readonly atMs: number
}

export interface SourceStreamShape {
  readonly kind: string
  readonly state: string
  readonly watermarkMs?: number | undefined
  readonly backlog?: number | undefined
  readonly lastError?: SourceErrorShape | undefined
  readonly gaps?:
    | readonly { readonly fromMs: number; readonly toMs: number; readonly reason: string; readonly state: string }[]
    | undefined
}

export interface SourceShape {
  readonly id: string
  readonly tenant: string
  readonly type: string
  readonly state: string
  readonly streams: readonly SourceStreamShape[]
  readonly reported: 'fresh' | 'stale' | 'never'
  readonly isConfigured: boolean
  readonly behindSeconds?: number | undefined
  readonly backlog?: number | undefined
  readonly budgetRemaining?: number | undefined
  readonly lastError?: SourceErrorShape | undefined
  readonly atMs?: number | undefined
  readonly host?: string | undefined
}
