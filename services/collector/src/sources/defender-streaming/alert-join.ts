/** Alerts put together: AlertInfo and AlertEvidence rows of one alert come apart, in any order, over seconds to hours. An alert
 *  leaves once its own row and some evidence are there and a settle time has passed, or after a longer wait with what there is.
 *  Times are those of receipt, kept over restarts. Pure: the owner commits `takeChanges()` with the offsets of the rows, and is
 *  thrown away when that fails for good. */
import { createHash } from 'node:crypto'
import type { State, StateChange } from '@siem-relay/bus'
import { RelayError } from '@siem-relay/common'
import { z } from 'zod'

export interface AlertJoinOptions {
  readonly settleMs: number
  readonly waitMs: number
  /** Rows that come after an alert has left bring it again, as a new version; else they are dropped. */
  readonly isVersioned: boolean
}

export interface JoinedAlert {
  readonly id: string
  /** `{"AlertInfo": …, "AlertEvidence": […]}`, rows as received. */
  readonly body: Buffer
  /** Names this state of the alert; undefined where an alert comes once. */
  readonly version: string | undefined
}

const pendingSchema = z.object({
  /** It has left, and nothing came since. */
  isSent: z.boolean(),
  /** When that was, or when the first row of this version came. */
  sinceMs: z.number(),
  info: z.string().nullable(),
  evidence: z.array(z.string()),
  leftOut: z.int(),
})
type Pending = z.output<typeof pendingSchema>

const prefix = 'alert/'
/** Alerts that wait; beyond it the oldest leave early. */
const waitingMax = 5_000
/** Alerts that left and may come again, oldest forgotten first. */
const sentMax = 5_000
const sentKeptMs = 86_400_000
/** An alert is one record, of at most 1 MB with its escapes: evidence beyond this is left out, and counted in the body. */
const alertBytesMax = 400_000

export class AlertJoin {
  readonly #options: AlertJoinOptions
  readonly #alerts = new Map<string, Pending>()
  readonly #changed = new Set<string>()

  constructor(options: AlertJoinOptions) {
    this.#options = options
  }

  /** @throws {RelayError} `RELAY_LOG_CORRUPT` with disposition stop for what `takeChanges` did not write. */
  restore(state: State): void {
    for (const [key, value] of state)
      if (key.startsWith(prefix)) this.#alerts.set(key.slice(prefix.length), decode(key, value))
  }

  /** @returns false for a row that is there already. */
  add(id: string, table: 'AlertInfo' | 'AlertEvidence', row: string, nowMs: number): boolean {
    const known = this.#alerts.get(id) ?? { isSent: false, sinceMs: nowMs, info: null, evidence: [], leftOut: 0 }
    if (table === 'AlertInfo' ? known.info === row : known.evidence.includes(row)) return false
    const version = known.isSent ? { ...known, isSent: false, sinceMs: nowMs } : known
    const next = withRow(version, table, row)
    this.#set(id, next)
    return true
  }

  /** The alerts whose time has come; they count as gone from here on. */
  takeDue(nowMs: number): readonly JoinedAlert[] {
    const waiting = this.#waiting().sort(([, a], [, b]) => a.sinceMs - b.sinceMs)
    const excess = waiting.length - waitingMax
    const due = waiting.filter(([, pending], i) => i < excess || nowMs >= this.#dueMs(pending))
    for (const [id, pending] of due) {
      if (this.#options.isVersioned) this.#set(id, { ...pending, isSent: true, sinceMs: nowMs })
      else this.#forget(id)
    }
    this.#forgetOld(nowMs)
    return due.map(([id, pending]) => joined(id, pending, this.#options.isVersioned))
  }

  /** What has to be committed of everything since the last call. */
  takeChanges(): readonly StateChange[] {
    const changes = Array.from(this.#changed, (id) => {
      const pending = this.#alerts.get(id)
      return { key: prefix + id, value: pending === undefined ? null : Buffer.from(JSON.stringify(pending)) }
    })
    this.#changed.clear()
    return changes
  }

  #waiting(): [id: string, pending: Pending][] {
    return [...this.#alerts].filter(([, { isSent }]) => !isSent)
  }

  #dueMs({ sinceMs, info, evidence }: Pending): number {
    const { settleMs, waitMs } = this.#options
    return sinceMs + (info !== null && evidence.length > 0 ? settleMs : Math.max(settleMs, waitMs))
  }

  #forgetOld(nowMs: number): void {
    const sent = [...this.#alerts].filter(([, { isSent }]) => isSent)
    const excess = sent.length - sentMax
    sent.forEach(([id, { sinceMs }], i) => {
      if (i < excess || nowMs - sinceMs > sentKeptMs) this.#forget(id)
    })
  }

  #set(id: string, pending: Pending): void {
    // Last touched, last in order.
    this.#alerts.delete(id)
    this.#alerts.set(id, pending)
    this.#changed.add(id)
  }

  #forget(id: string): void {
    this.#alerts.delete(id)
    this.#changed.add(id)
  }
}

function withRow(pending: Pending, table: 'AlertInfo' | 'AlertEvidence', row: string): Pending {
  if (table === 'AlertInfo') return { ...pending, info: row }
  const bytes = [...pending.evidence, row, pending.info ?? ''].reduce((sum, text) => sum + Buffer.byteLength(text), 0)
  if (bytes > alertBytesMax) return { ...pending, leftOut: pending.leftOut + 1 }
  return { ...pending, evidence: [...pending.evidence, row] }
}

function joined(id: string, { info, evidence, leftOut }: Pending, isVersioned: boolean): JoinedAlert {
  const more = leftOut === 0 ? '' : `,"EvidenceLeftOut":${leftOut}`
  const body = Buffer.from(`{"AlertInfo":${info ?? 'null'},"AlertEvidence":[${evidence.join(',')}]${more}}`)
  const version = isVersioned ? createHash('sha256').update(body).digest('hex').slice(0, 16) : undefined
  return { id, body, version }
}

function decode(key: string, value: Buffer): Pending {
  try {
    return pendingSchema.parse(JSON.parse(value.toString()))
  } catch (cause) {
    throw new RelayError(
      'RELAY_LOG_CORRUPT',
      `the alert under ${key} is not readable; stopped, since going on would lose it`,
      {
        disposition: 'stop',
        cause,
      },
    )
  }
}
