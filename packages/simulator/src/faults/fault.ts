/** What can be scripted to go wrong, and the queue of it: the first entry that fits a request is used, so many times, then
 *  the next one. What each fault does to an answer is in `apply.ts`, what it does to a socket in `http/delivery.ts`. */

import type { Incoming } from '../http/answer.ts'

/** How a Retry-After header is written; a date is `dateInSeconds` after the service's clock. */
export type RetryAfter = { readonly seconds: number } | { readonly dateInSeconds: number } | { readonly text: string }

/** Another answer in place of the right one. */
export type ReplacedAnswer =
  /** 429. */
  | { readonly type: 'throttle'; readonly retryAfter?: RetryAfter }
  /** 500, JSON. */
  | { readonly type: 'server-error' }
  /** 502, HTML of a proxy. */
  | { readonly type: 'bad-gateway' }
  /** 503. */
  | { readonly type: 'unavailable'; readonly retryAfter?: RetryAfter }
  /** 200 with the HTML of a log-on page. */
  | { readonly type: 'html' }
  /** 200 with `null`, `{}` or nothing. */
  | { readonly type: 'null' }
  | { readonly type: 'empty-object' }
  | { readonly type: 'empty-body' }
  /** 200 with `{"error":true,"filters":[…]}`. */
  | { readonly type: 'body-error' }
  /** 403 and 404. */
  | { readonly type: 'forbidden' }
  | { readonly type: 'not-found' }
  /** 401; the token presented is dead from now on. */
  | { readonly type: 'token-expired' }

/** A page that is wrong; used only on requests that get a page. */
export type ChangedPage =
  /** The same page for ever, `hasNext` true. */
  | { readonly type: 'endless' }
  /** `hasNext` true without `nextQueryFilters`. */
  | { readonly type: 'no-next-filters' }
  /** Every third record twice. */
  | { readonly type: 'duplicate-ids' }
  /** The page's records in another order. */
  | { readonly type: 'shuffle' }
  /** Half of the page's records and `hasNext` false; `total` counts all. */
  | { readonly type: 'short-list' }

/** A page of Graph that is wrong; used only on requests that get one it has to do with. */
export type ChangedGraphPage =
  /** The link to the next page leads to this host; pages without a link are left alone. */
  | { readonly type: 'foreign-link'; readonly host: string }
  /** 500 in place of every page that holds one of these alerts. */
  | { readonly type: 'broken-page'; readonly ids: readonly string[] }
  /** Alerts are missing until up to so long after their lastUpdateDateTime, each its own time. */
  | { readonly type: 'late'; readonly upToMs: number }
  /** Values nobody has heard of wherever the reference gives a list of them. */
  | { readonly type: 'unknown-enums' }
  /** No items, as if there were none; links stay. */
  | { readonly type: 'no-items' }
  /** Null in every field but id and lastUpdateDateTime. */
  | { readonly type: 'nulls' }

/** The right answer, sent wrongly. */
export type WireFault =
  /** Cut inside a record; Content-Length as long as what is sent, or as long as what should have been. */
  | { readonly type: 'truncate'; readonly contentLength: 'correct' | 'too-large' }
  /** TCP reset after half of the body. */
  | { readonly type: 'reset' }
  /** Nothing more, until the client gives up: before the headers, or after them. */
  | { readonly type: 'hang'; readonly after?: 'nothing' | 'headers' }
  /** One byte at a time; default every 50 ms. */
  | { readonly type: 'drip'; readonly everyMs?: number }
  /** A gzip body, asked for or not. */
  | { readonly type: 'gzip' }
  /** JSON padded with spaces to so many bytes (default 100 MB), plain or in a small gzip body. */
  | { readonly type: 'huge'; readonly bytes?: number; readonly isGzip?: boolean }
  /** Bytes in another encoding than JSON may have. */
  | { readonly type: 'wrong-charset'; readonly encoding: 'latin1' | 'utf16le' }

export type Fault = ReplacedAnswer | ChangedPage | ChangedGraphPage | WireFault

export interface FaultOptions {
  /** Which requests; default any. */
  readonly route?: 'alerts' | 'activities' | 'graph-alerts' | 'graph-discovery' | 'token' | 'any'
  /** Only those whose path holds this. */
  readonly path?: string
  /** How many of them; default 1; Infinity until cleared. */
  readonly times?: number
  /** How many fitting requests go well first; default 0. Counted while the entry is at the front for its route. */
  readonly after?: number
}

/** The script of what the next requests meet. */
export interface Faults {
  /** @throws {RangeError} at 10,000 waiting entries. */
  add(fault: Fault, options?: FaultOptions): void
  /** Forgets what is waiting, for one route or all. */
  clear(route?: FaultOptions['route']): void
  /** Entries not used up yet. */
  readonly waiting: number
}

/** One entry, in use. */
export interface ScriptedFault {
  readonly fault: Fault
  readonly route: NonNullable<FaultOptions['route']>
  readonly path: string
  timesLeft: number
  afterLeft: number
  /** What the fault remembers between requests: the page that comes for ever. */
  memory: unknown
}

const entriesMax = 10_000

export class FaultScript implements Faults {
  #entries: ScriptedFault[] = []

  get waiting(): number {
    return this.#entries.length
  }

  add(fault: Fault, options: FaultOptions = {}): void {
    if (this.#entries.length >= entriesMax) {
      throw new RangeError(`${entriesMax} faults are waiting already: raise \`times\` or clear() before adding more`)
    }
    const { route = 'any', path = '', times = 1, after = 0 } = options
    this.#entries.push({ fault, route, path, timesLeft: times, afterLeft: after, memory: undefined })
  }

  clear(route: FaultOptions['route'] = 'any'): void {
    this.#entries = route === 'any' ? [] : this.#entries.filter((entry) => entry.route !== route)
  }

  /** The entry for a request of this kind; undefined when this one is to go well. Not used up yet: see `use`. */
  find({ route, path }: Pick<Incoming, 'route' | 'path'>): ScriptedFault | undefined {
    const entry = this.#entries.find(
      (each) => (each.route === 'any' || each.route === route) && path.includes(each.path),
    )
    if (entry === undefined || entry.afterLeft === 0) return entry
    entry.afterLeft -= 1
    return undefined
  }

  use(entry: ScriptedFault): void {
    entry.timesLeft -= 1
    if (entry.timesLeft <= 0) this.#entries = this.#entries.filter((each) => each !== entry)
  }
}
