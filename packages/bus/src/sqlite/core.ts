/** What the operations of the embedded log share. Built once by open.ts. */
import type { DatabaseSync } from 'node:sqlite'
import type { Clock } from '@siem-relay/common'
import type { State } from '../port.ts'
import type { Catalog } from './catalog.ts'
import type { Committer } from './committer.ts'
import type { Compacted } from './compacted.ts'
import type { GroupOffsets } from './group-offsets.ts'
import type { Intake } from './intake.ts'
import type { Leases } from './leases.ts'
import type { MutableStats, SqliteBusEvent } from './options.ts'
import type { BatchRows } from './reader.ts'
import type { Shares } from './share.ts'
import type { Subscriptions } from './subscriptions.ts'
import type { TimeMarks } from './time-marks.ts'

export interface Core {
  readonly db: DatabaseSync
  readonly clock: Clock
  readonly random: () => number
  readonly catalog: Catalog
  readonly committer: Committer
  readonly compacted: Compacted
  readonly offsets: GroupOffsets
  readonly rows: BatchRows
  readonly marks: TimeMarks
  readonly leases: Leases
  readonly shares: Shares
  readonly intake: Intake
  readonly subscriptions: Subscriptions
  readonly stats: MutableStats
  readonly emit: (event: SqliteBusEvent) => void
  /** Aborted when the log closes. */
  readonly closing: AbortSignal
}

/** A state as its last commit left it; damaged values are told and left out. */
export function restoreState(core: Core, scope: number, where: string): State {
  const { rows, damaged } = core.compacted.state(scope)
  for (const row of damaged) core.emit({ kind: 'value-corrupt', where, key: row.key })
  return new Map(rows)
}
