/** Defender for Cloud Apps' own answers: lists, single records, and the refusals of a client that is not let in.
 *  Pure but for the shelves, the budget and the tokens; sockets and faults are in `http/` and `faults/`.
 *  Texts of 401, 404 and 429 follow Django REST framework, which the service's behaviour resembles (assumed). */

import type { RecordKind } from '../data/records.ts'
import { defenderResource, type TokenEndpoint } from '../entra/token-endpoint.ts'
import { type Answer, type Incoming, jsonAnswer, pageAnswer } from '../http/answer.ts'
import type { Tenant } from './field.ts'
import { readFilter } from './filters.ts'
import { type ListLimits, readListQuery } from './list-query.ts'
import { listPage } from './listing.ts'
import type { RateLimit } from './rate-limit.ts'
import type { Shelves } from './store.ts'
import { createTenant } from './tenant.ts'

export interface DefenderParts {
  readonly shelves: Shelves
  readonly rateLimit: RateLimit
  readonly tokens: TokenEndpoint
  readonly legacyToken: string | undefined
  readonly limits: ListLimits
  readonly nowMs: () => number
}

/** @returns the answer to a request for `/api/v1/<kind>/` or `/api/v1/<kind>/<id>/`. */
export function answerDefender(
  parts: DefenderParts,
  kind: RecordKind,
  id: string | undefined,
  incoming: Incoming,
): Answer {
  const refusal = refuseStranger(parts, incoming.authorization)
  if (refusal !== undefined) return refusal
  const waitMs = parts.rateLimit.take(parts.nowMs())
  // Retry-After is not documented for this service, so there is none: clients have to do without.
  if (waitMs > 0) return throttled(waitMs)
  return id === undefined ? answerList(parts, kind, incoming) : answerOne(parts, kind, id)
}

export function throttled(waitMs: number, headers: Readonly<Record<string, string>> = {}): Answer {
  const seconds = Math.ceil(waitMs / 1000)
  const detail = `Request was throttled. Expected available in ${seconds} second${seconds === 1 ? '' : 's'}.`
  return jsonAnswer(429, { detail }, headers)
}

export function unauthorized(detail: string): Answer {
  return jsonAnswer(401, { detail }, { 'www-authenticate': 'Token' })
}

function refuseStranger(parts: DefenderParts, authorization: string | undefined): Answer | undefined {
  if (authorization === undefined) return unauthorized('Authentication credentials were not provided.')
  const [scheme, credentials = ''] = authorization.split(' ', 2)
  switch (scheme?.toLowerCase()) {
    case 'token':
      return parts.legacyToken !== undefined && credentials === parts.legacyToken
        ? undefined
        : unauthorized('Invalid token.')
    case 'bearer': {
      const state = parts.tokens.check(credentials, defenderResource)
      if (state === 'expired') return unauthorized('Token has expired.')
      return state === 'valid' ? undefined : unauthorized('Invalid token.')
    }
    default:
      return unauthorized('Authentication credentials were not provided.')
  }
}

function answerList(parts: DefenderParts, kind: RecordKind, incoming: Incoming): Answer {
  if (incoming.isMalformed) return jsonAnswer(400, { detail: 'JSON parse error' })
  const query = readListQuery(kind, incoming.parameters, parts.limits)
  if (Array.isArray(query)) return jsonAnswer(400, { filters: query, error: true })
  const tenant: Tenant = createTenant(parts.shelves.alerts)
  const filter = readFilter(kind, query.filters, tenant, parts.nowMs())
  if (Array.isArray(filter)) return jsonAnswer(400, { filters: filter, error: true })
  return pageAnswer(listPage(parts.shelves[kind], query, filter))
}

function answerOne(parts: DefenderParts, kind: RecordKind, id: string): Answer {
  const entry = parts.shelves[kind].find(id)
  if (entry === undefined) return jsonAnswer(404, { detail: 'Not found.' })
  return { status: 200, headers: { 'content-type': 'application/json' }, body: entry.json }
}
