/** Remembers what Azure was asked, what it answered, and who asked too early: the evidence a test reads after a run.
 *  Lists are rings; sums are exact. */

import type { Answer } from '../http/answer.ts'
import { push } from '../http/request-log.ts'
import type { UploadHead, Verdict } from './ingestion.ts'

export interface UploadLog {
  readonly atMs: number
  readonly requestId: string
  readonly clientRequestId: string | undefined
  readonly ruleId: string
  readonly stream: string
  readonly encoding: string
  /** The body as it came, and after unpacking. */
  readonly wireBytes: number
  readonly rawBytes: number
  readonly rows: number
  /** 0 while, or where, none was sent. */
  readonly status: number
  /** Rows that are in a table now, whether or not the client was told. */
  readonly stored: number
  /** Rows that were accepted and are in no table. */
  readonly lost: number
}

export interface TokenLog {
  readonly atMs: number
  readonly tenantId: string
  readonly clientId: string | undefined
  readonly proof: 'secret' | 'assertion' | 'none'
  readonly status: number
}

/** An upload made before the Retry-After of an earlier one to the same rule had passed; one that was already on its way counts too. */
export interface EarlyUpload {
  readonly atMs: number
  readonly allowedAtMs: number
  readonly requestId: string
  readonly ruleId: string
}

export interface AzureTotals {
  readonly uploads: number
  /** Uploads by the status they got; 0 for those that got none. */
  readonly statuses: Readonly<Record<number, number>>
  readonly wireBytes: number
  readonly rawBytes: number
  /** Of one upload, as sent. */
  readonly wireBytesMax: number
  readonly stored: number
  readonly lost: number
  /** Stored by uploads whose answer never left: the rows that may rightly come twice. */
  readonly storedUnanswered: number
}

type Open<T> = { -readonly [Key in keyof T]: T[Key] }

// Timers may fire a little before the clock says so; that is not a client in a hurry.
const timerSlackMs = 5

export class Ledger {
  readonly uploads: UploadLog[] = []
  readonly tokenRequests: TokenLog[] = []
  readonly earlyUploads: EarlyUpload[] = []
  readonly totals: Open<AzureTotals> & { statuses: Record<number, number> } = {
    uploads: 0,
    statuses: {},
    wireBytes: 0,
    rawBytes: 0,
    wireBytesMax: 0,
    stored: 0,
    lost: 0,
    storedUnanswered: 0,
  }
  readonly #allowedAtMs = new Map<string, number>()

  open(head: UploadHead, atMs: number): UploadNote {
    const { requestId, clientRequestId, ruleId, stream, encoding } = head
    const allowedAtMs = this.#allowedAtMs.get(ruleId) ?? 0
    if (atMs < allowedAtMs - timerSlackMs) push(this.earlyUploads, { atMs, allowedAtMs, requestId, ruleId })
    const counts = { wireBytes: 0, rawBytes: 0, rows: 0, status: 0, stored: 0, lost: 0 }
    const log: Open<UploadLog> = { atMs, requestId, clientRequestId, ruleId, stream, encoding, ...counts }
    push(this.uploads, log)
    this.totals.uploads += 1
    return new UploadNote(log, this.totals, (untilMs) => {
      this.#allowedAtMs.set(ruleId, Math.max(untilMs, this.#allowedAtMs.get(ruleId) ?? 0))
    })
  }

  noteToken(log: TokenLog): void {
    push(this.tokenRequests, log)
  }
}

/** What becomes known of one upload, as it becomes known. */
export class UploadNote {
  readonly #log: Open<UploadLog>
  readonly #totals: Ledger['totals']
  readonly #bar: (untilMs: number) => void

  constructor(log: Open<UploadLog>, totals: Ledger['totals'], bar: (untilMs: number) => void) {
    this.#log = log
    this.#totals = totals
    this.#bar = bar
  }

  read(wireBytes: number): void {
    this.#log.wireBytes = wireBytes
    this.#totals.wireBytes += wireBytes
    this.#totals.wireBytesMax = Math.max(this.#totals.wireBytesMax, wireBytes)
  }

  judged({ rows, rawBytes, stored, lost }: Verdict): void {
    Object.assign(this.#log, { rows, rawBytes, stored, lost })
    this.#totals.rawBytes += rawBytes
    this.#totals.stored += stored
    this.#totals.lost += lost
  }

  /** @param answer undefined when the client got none. */
  answered(answer: Answer | undefined, nowMs: number): void {
    const status = answer?.status ?? 0
    this.#log.status = status
    this.#totals.statuses[status] = (this.#totals.statuses[status] ?? 0) + 1
    if (status === 0) this.#totals.storedUnanswered += this.#log.stored
    const retryAfter = answer?.headers['retry-after']
    if (retryAfter !== undefined) this.#bar(nowMs + Number(retryAfter) * 1000)
  }
}
