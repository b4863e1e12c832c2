/** Remembers what was asked, and who asked too early: the evidence tests read after a run. Both lists are rings. */

import type { Answer, Incoming, RouteKind } from './answer.ts'

export interface RequestLog {
  readonly atMs: number
  readonly method: string
  /** Path without query and without the prefix. */
  readonly path: string
  readonly route: RouteKind
  /** Query parameters and body fields; client secrets are left out. */
  readonly body: Readonly<Record<string, unknown>>
  /** The answer's status; 0 while, or where, none was sent. */
  readonly status: number
  readonly authorization: 'token' | 'bearer' | 'other' | 'none'
}

/** A request made before the Retry-After of an earlier answer had passed. */
export interface Violation {
  readonly atMs: number
  readonly path: string
  readonly allowedAtMs: number
}

export const requestsKeptMax = 10_000

// Timers may fire a little before the clock says so; that is not a client in a hurry.
const timerSlackMs = 5

export class RequestBook {
  readonly requests: RequestLog[] = []
  readonly violations: Violation[] = []
  /** Each API is one budget; tokens come from another service. */
  readonly #allowedAtMs = { api: 0, graph: 0, token: 0 }

  /** Writes the request down. @returns how to add the status later. */
  open(incoming: Incoming, atMs: number): (answer: Answer) => void {
    const scope = scopeOf(incoming.route)
    const allowedAtMs = this.#allowedAtMs[scope]
    if (atMs < allowedAtMs - timerSlackMs) push(this.violations, { atMs, path: incoming.path, allowedAtMs })

    const log = { ...describe(incoming), atMs, status: 0 }
    push(this.requests, log)
    return (answer) => {
      log.status = answer.status
      const retryAtMs = readRetryAfter(answer.headers['retry-after'], atMs)
      if (retryAtMs !== undefined) this.#allowedAtMs[scope] = Math.max(this.#allowedAtMs[scope], retryAtMs)
    }
  }
}

function describe(incoming: Incoming): Omit<RequestLog, 'atMs' | 'status'> {
  const { client_secret: secret, ...fields } = incoming.parameters
  return {
    method: incoming.method,
    path: incoming.path,
    route: incoming.route,
    body: secret === undefined ? fields : { ...fields, client_secret: '[redacted]' },
    authorization: kindOf(incoming.authorization),
  }
}

function scopeOf(route: RouteKind): 'api' | 'graph' | 'token' {
  if (route === 'graph-alerts' || route === 'graph-discovery') return 'graph'
  return route === 'token' ? 'token' : 'api'
}

function kindOf(authorization: string | undefined): RequestLog['authorization'] {
  if (authorization === undefined) return 'none'
  const scheme = authorization.split(' ', 1)[0]?.toLowerCase()
  return scheme === 'token' || scheme === 'bearer' ? scheme : 'other'
}

/** Retry-After = HTTP-date / delay-seconds (RFC 9110 §10.2.3); anything else binds nobody. */
function readRetryAfter(value: string | undefined, nowMs: number): number | undefined {
  if (value === undefined) return undefined
  if (/^\d+$/.test(value)) return nowMs + Number(value) * 1000
  const dateMs = / GMT$/.test(value) ? Date.parse(value) : Number.NaN
  return Number.isNaN(dateMs) ? undefined : dateMs
}

/** Adds to a ring. */
export function push<T>(ring: T[], item: T): void {
  ring.push(item)
  if (ring.length > requestsKeptMax) ring.shift()
}
