/** `GET /v1.0/security/alerts_v2`: one page and the link to the next one. Pure but for the shelf.
 *  Documented: `$count`, `$filter`, `$skip`, `$top`, the most recent first; `$orderby` is not listed, so it is refused. That "most
 *  recent" goes by createdDateTime, the largest page and how links go on are assumed. */
import { type Answer, type Incoming, pageAnswer } from '../http/answer.ts'
import { compareNewestFirst, type GraphAlertEntry, type GraphAlertShelf } from './alert-store.ts'
import { graphError } from './answer.ts'
import { readGraphFilter } from './filter.ts'

export const graphAlertsPath = '/v1.0/security/alerts_v2'
export const graphAlertsRole = 'SecurityAlert.Read.All'

export interface GraphAlertOptions {
  /** Alerts of a page at most; a larger `$top` is capped. Default 500. */
  readonly pageMax?: number
  /** How links to the next page go on: by a place that stays, or by a count that shifts when the list does. Default skiptoken. */
  readonly linkBy?: 'skiptoken' | 'skip'
  /** A larger `$skip` is refused; default no bound. */
  readonly skipMax?: number
}

export interface GraphAlertParts {
  readonly shelf: GraphAlertShelf
  readonly options: GraphAlertOptions
  /** Origin and prefix, for links. */
  readonly url: string
  readonly nowMs: () => number
}

const topDefault = 100
const known: ReadonlySet<string> = new Set(['$filter', '$top', '$skip', '$skiptoken', '$count'])

/** @returns the answer to a request that was let in. */
export function answerGraphAlerts(parts: GraphAlertParts, incoming: Incoming): Answer {
  const { parameters } = incoming
  const { options } = parts
  const refuse = (message: string): Answer => graphError(400, message, parts.nowMs())
  const unknown = Object.keys(parameters).find((name) => name.startsWith('$') && !known.has(name))
  if (unknown !== undefined) return refuse(`Query option '${unknown}' is not allowed.`)
  const passes = typeof parameters.$filter === 'string' ? readGraphFilter(parameters.$filter) : () => true
  if (typeof passes === 'string') return refuse(passes)
  const top = countOf(parameters.$top, topDefault)
  const skip = countOf(parameters.$skip, 0)
  const after = placeOf(parameters.$skiptoken)
  if (top === undefined || top === 0 || skip === undefined) return refuse('$top or $skip is no count.')
  if (after === null) return refuse('The skip token is not valid.')
  if (skip > (options.skipMax ?? Number.POSITIVE_INFINITY)) return refuse(`$skip is larger than ${options.skipMax}.`)

  const all = parts.shelf.newestFirst().filter((entry) => passes(entry.fields))
  const rest = after === undefined ? all.slice(skip) : all.filter((entry) => compareNewestFirst(entry, after) > 0)
  const picked = rest.slice(0, Math.min(top, options.pageMax ?? 500))
  const last = picked.at(-1)
  const isMore = last !== undefined && rest.length > picked.length
  return pageAnswer({
    start: Buffer.from(`{"@odata.context":"${parts.url}/v1.0/$metadata#security/alerts_v2","value":[`),
    records: picked.map(({ json }) => json),
    envelope: {
      ...(parameters.$count === 'true' ? { '@odata.count': all.length } : {}),
      ...(isMore ? { '@odata.nextLink': linkOf(parts, incoming, last, skip + picked.length) } : {}),
    },
  })
}

function linkOf(parts: GraphAlertParts, incoming: Incoming, last: GraphAlertEntry, read: number): string {
  const url = new URL(`${parts.url}${graphAlertsPath}`)
  for (const name of ['$filter', '$top', '$count'])
    if (typeof incoming.parameters[name] === 'string') url.searchParams.set(name, incoming.parameters[name])
  if (parts.options.linkBy === 'skip') url.searchParams.set('$skip', String(read))
  else {
    const place = Buffer.from(JSON.stringify([last.created, last.order]))
    url.searchParams.set('$skiptoken', place.toString('base64url'))
  }
  return url.href
}

/** @returns undefined for none, null for one that is no place. */
function placeOf(token: unknown): Pick<GraphAlertEntry, 'created' | 'order'> | undefined | null {
  if (token === undefined) return undefined
  try {
    const [created, order] = JSON.parse(Buffer.from(String(token), 'base64url').toString()) as [unknown, unknown]
    return typeof created === 'string' && typeof order === 'number' ? { created, order } : null
  } catch {
    return null
  }
}

function countOf(value: unknown, absent: number): number | undefined {
  if (value === undefined) return absent
  return typeof value === 'string' && /^\d{1,9}$/.test(value) ? Number(value) : undefined
}
