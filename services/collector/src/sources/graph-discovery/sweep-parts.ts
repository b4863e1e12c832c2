/** What the parts of a sweep are given, and where the API has what they read. */
import type { NewRecord, StateChange } from '@siem-relay/bus'
import type { Clock } from '@siem-relay/common'
import type { GraphDiscoverySourceConfig } from './config.ts'
import type { Ledger, Place } from './ledger.ts'
import type { Reader } from './reader.ts'
import type { AppReading, List, StreamReading } from './reading.ts'
import type { RowContext } from './rows.ts'

/** What of the API is taken; what is beyond is left out, and told. */
export interface Limits {
  readonly streamsMax: number
  /** Apps of all streams: a baseline takes some 200 bytes. */
  readonly appsMax: number
  /** Names of one list; a set must fit into one value of the log. */
  readonly namesMax: number
  /** Names of all lists: 12 bytes each. */
  readonly allNamesMax: number
}

export const defaultLimits: Limits = { streamsMax: 1_000, appsMax: 50_000, namesMax: 20_000, allNamesMax: 2_000_000 }

type LeftOut = 'stream' | 'app' | 'user' | 'ip_address'

export interface Changes {
  readonly records: readonly NewRecord[]
  readonly state: readonly StateChange[]
}

export interface SweeperParts {
  readonly config: GraphDiscoverySourceConfig
  readonly tenant: string
  readonly clock: Clock
  readonly limits: Limits
  readonly ledger: Ledger
  readonly reader: Reader
  /** Durable, and applied to the ledger, when it resolves. */
  readonly commit: (changes: Changes) => Promise<void>
  /** A part of the sweep failed; parts are `streams`, `apps/<stream>`, `users/<stream>`, `ipAddresses/<stream>`. */
  readonly failed: (part: string, error: unknown) => void
  /** Parts that work, or are not asked for any more. */
  readonly passed: (isPassed: (part: string) => boolean) => void
  readonly leftOut: (what: LeftOut, count: number, of: string) => void
  readonly signal: AbortSignal
}

/** An app with lists that are due. */
export interface Task {
  readonly stream: StreamReading
  readonly app: AppReading
  readonly place: Place
  readonly timeMs: number
}

/** In the tenant's budget: alerts come first, and a list can wait longer than the sums. */
export const priorities = { apps: 3, lists: 4 } as const
/** Rows of one commit at most. */
export const batchMax = 500

/** The streams; the apps of one; a list of one of its apps. */
export function urlOf(
  { url, paths, period }: GraphDiscoverySourceConfig,
  stream?: StreamReading,
  app?: AppReading,
  list?: List,
): URL {
  const segments = stream === undefined ? [] : [encoded(stream.id), `${paths.apps}(period=duration'${period}')`]
  if (app !== undefined && list !== undefined) segments.push(encoded(app.id), paths[list])
  return new URL([url.replace(/\/+$/, '') + paths.streams, ...segments].join('/'))
}

const encoded = (id: string): string => encodeURIComponent(id.toWellFormed())

export function contextOf({ config, tenant, clock, ledger }: SweeperParts, { stream, app, timeMs }: Task): RowContext {
  const { sequence } = ledger.sweep
  return { sourceId: config.id, tenant, stream, app, timeMs, sequence, receivedMs: clock.nowMs() }
}

/** Somebody else's words, so that nothing in them can pass for our own. */
export function quoted(text: string): string {
  return JSON.stringify(text.length <= 60 ? text : `${text.slice(0, 60)}…`)
}
