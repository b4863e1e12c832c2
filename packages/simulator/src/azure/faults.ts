/** What can be scripted to go wrong on Azure's side. Of the entries that wait, the first that fits a request is used; one
 *  that does not fit, or whose dice say no, leaves the request to the next. What each does is in `ingestion.ts` (to answers)
 *  and `exchange.ts` (to sockets). */

import type { Random } from '../data/random.ts'
import type { JsonObject } from './rows.ts'

export type AzureFault =
  /** 429, with Retry-After or without. */
  | { readonly type: 'throttle'; readonly retryAfterSeconds?: number }
  /** Default 500. */
  | {
      readonly type: 'server-error'
      readonly status?: 408 | 500 | 502 | 503 | 504
      readonly retryAfterSeconds?: number
    }
  /** The HTML of a proxy in between; also with status 200, where it is no acceptance. */
  | { readonly type: 'proxy-page'; readonly status: number }
  /** TCP reset. `after-storing`: the rows are in the table, and nobody is told. */
  | { readonly type: 'reset'; readonly at: 'before-reading' | 'while-reading' | 'after-storing' }
  /** Nothing more, until the client gives up. */
  | { readonly type: 'hang'; readonly at: 'before-reading' | 'after-storing' }
  /** Takes effect, and is answered so much later. */
  | { readonly type: 'latency'; readonly ms: number }
  /** The body is read a piece at a time (64 KB at most), so long apart. */
  | { readonly type: 'slow-request'; readonly everyMs: number }
  /** The answer comes one byte at a time, so long apart, its head as well; the connection ends with it. */
  | { readonly type: 'slow-response'; readonly everyMs: number }
  | IngestionFault
  | TokenFault

/** On uploads only. */
type IngestionFault =
  /** 413, whatever the size. */
  | { readonly type: 'too-large' }
  /** 400, whatever the rows. */
  | { readonly type: 'bad-request' }
  /** 400 for every upload that holds such a row; times, after and share count these uploads only. Another fault goes first. */
  | { readonly type: 'poison'; readonly row: (row: JsonObject) => boolean }
  /** 401; the token presented is dead from now on. */
  | { readonly type: 'token-expired' }
  | { readonly type: 'forbidden' }
  | { readonly type: 'not-found' }
  /** 204, and the rows are in no table: a transformation that fails, a table that is gone. */
  | { readonly type: 'lose' }
  /** Stored, and said with another status than 204. */
  | { readonly type: 'accepted'; readonly status: 200 | 202 }

/** On the token endpoint only. */
type TokenFault = { readonly type: 'secret-expired' }

export interface AzureFaultOptions {
  /** Default `ingestion`. */
  readonly route?: 'ingestion' | 'token' | 'any'
  /** Uploads to this rule or stream only. */
  readonly ruleId?: string
  readonly stream?: string
  /** How many requests; default 1, and Infinity when `forMs` or `share` or a predicate bounds it already. */
  readonly times?: number
  /** How many fitting requests go well first; default 0. */
  readonly after?: number
  /** Only so long from now on, by the simulator's clock. */
  readonly forMs?: number
  /** The part of the fitting requests that it hits, 0 to 1, by the simulator's seed; default 1. */
  readonly share?: number
}

/** An entry of the script, to look at and to take back. */
export interface WaitingAzureFault {
  /** Requests it has hit. */
  readonly used: number
  remove(): void
}

export interface AzureFaults {
  /** @throws {RangeError} at 10,000 waiting entries. */
  add(fault: AzureFault, options?: AzureFaultOptions): WaitingAzureFault
  clear(): void
  /** Entries not used up yet. */
  readonly waiting: number
}

/** The request a fault may be for. */
export interface FaultTarget {
  readonly route: 'ingestion' | 'token'
  readonly ruleId?: string | undefined
  readonly stream?: string | undefined
}

interface Entry {
  readonly fault: AzureFault
  readonly options: AzureFaultOptions
  readonly endMs: number
  timesLeft: number
  afterLeft: number
  used: number
}

const entriesMax = 10_000
const ingestionOnly = new Set<AzureFault['type']>([
  'too-large',
  'bad-request',
  'poison',
  'token-expired',
  'forbidden',
  'not-found',
  'lose',
  'accepted',
])

export class AzureFaultScript implements AzureFaults {
  readonly #nowMs: () => number
  readonly #random: Random
  #entries: Entry[] = []

  constructor(nowMs: () => number, random: Random) {
    this.#nowMs = nowMs
    this.#random = random
  }

  get waiting(): number {
    this.#forgetPast()
    return this.#entries.length
  }

  add(fault: AzureFault, options: AzureFaultOptions = {}): WaitingAzureFault {
    if (this.waiting >= entriesMax) {
      throw new RangeError(`${entriesMax} faults are waiting already: raise \`times\` or clear() before adding more`)
    }
    const isBounded = options.forMs !== undefined || options.share !== undefined || fault.type === 'poison'
    const entry: Entry = {
      fault,
      options,
      endMs: this.#nowMs() + (options.forMs ?? Number.POSITIVE_INFINITY),
      timesLeft: options.times ?? (isBounded ? Number.POSITIVE_INFINITY : 1),
      afterLeft: options.after ?? 0,
      used: 0,
    }
    this.#entries.push(entry)
    return {
      get used() {
        return entry.used
      },
      remove: () => this.#forget(entry),
    }
  }

  clear(): void {
    this.#entries = []
  }

  /** Takes the fault a request meets, whatever its body holds. */
  take(target: FaultTarget): AzureFault | undefined {
    return this.#take((entry) => entry.fault.type !== 'poison' && fits(entry, target))
  }

  /** Whether an upload's rows hold one that somebody scripted as poison. */
  takePoison(target: FaultTarget, rows: readonly JsonObject[]): boolean {
    const hit = this.#take(
      (entry) => entry.fault.type === 'poison' && fits(entry, target) && rows.some(entry.fault.row),
    )
    return hit !== undefined
  }

  #take(isFor: (entry: Entry) => boolean): AzureFault | undefined {
    if (this.#entries.length === 0) return undefined
    this.#forgetPast()
    for (const entry of this.#entries) {
      if (!isFor(entry)) continue
      if (entry.afterLeft > 0) {
        entry.afterLeft -= 1
        continue
      }
      if (entry.options.share !== undefined && !this.#random.chance(entry.options.share)) continue
      entry.used += 1
      entry.timesLeft -= 1
      if (entry.timesLeft <= 0) this.#forget(entry)
      return entry.fault
    }
    return undefined
  }

  #forget(entry: Entry): void {
    this.#entries = this.#entries.filter((each) => each !== entry)
  }

  #forgetPast(): void {
    const nowMs = this.#nowMs()
    if (this.#entries.some((entry) => nowMs >= entry.endMs)) {
      this.#entries = this.#entries.filter((entry) => nowMs < entry.endMs)
    }
  }
}

function fits({ fault, options }: Entry, target: FaultTarget): boolean {
  const route = options.route ?? (fault.type === 'secret-expired' ? 'token' : 'ingestion')
  if (route !== 'any' && route !== target.route) return false
  if (target.route === 'token' ? ingestionOnly.has(fault.type) : fault.type === 'secret-expired') return false
  return (
    (options.ruleId === undefined || options.ruleId === target.ruleId) &&
    (options.stream === undefined || options.stream === target.stream)
  )
}
