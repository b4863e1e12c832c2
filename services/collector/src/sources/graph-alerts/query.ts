/** What alerts_v2 is asked: the first page of a range by `$filter` and `$top`; further ones as Graph itself says. Pure.
 *  `$skip` is never used, since it is bounded and counts from a list that moves, nor `$orderby`, which alerts_v2 does not list. */
import { RelayError } from '@siem-relay/common'
import type { GraphAlertsSourceConfig } from './config.ts'
import type { Range } from './ranges.ts'

type Asked = Pick<GraphAlertsSourceConfig, 'url' | 'serviceSources'>

const path = '/v1.0/security/alerts_v2'
const linkCharactersMax = 32_768

export function firstPageUrl({ url, serviceSources }: Asked, { from, to }: Range, top: number): URL {
  const sources = serviceSources.map((name) => `serviceSource eq '${name}'`).join(' or ')
  const clauses = [
    `lastUpdateDateTime ge ${from}`,
    ...(to === undefined ? [] : [`lastUpdateDateTime lt ${to}`]),
    serviceSources.length === 1 ? sources : `(${sources})`,
  ]
  return new URL(`${rootOf(url)}?$filter=${encodeURIComponent(clauses.join(' and '))}&$top=${top}`)
}

/**
 * @param link as the service gave it.
 * @throws {RelayError} `RELAY_SOURCE_RESPONSE` for one that leads elsewhere: the token would go along.
 */
export function nextPageUrl({ url }: Asked, link: string): URL {
  const root = new URL(rootOf(url))
  const next = URL.canParse(link) ? new URL(link) : undefined
  const isOwn =
    next !== undefined &&
    link.length <= linkCharactersMax &&
    next.origin === root.origin &&
    next.username === '' &&
    next.password === '' &&
    next.pathname.replace(/\/$/, '').toLowerCase() === root.pathname.toLowerCase()
  if (isOwn) return next
  const place = next === undefined ? 'no address' : next.host === root.host ? 'another place on it' : next.host
  throw new RelayError(
    'RELAY_SOURCE_RESPONSE',
    `${root.host} says the next page is at ${place.slice(0, 100)}; not followed, since the token would go along`,
  )
}

function rootOf(url: string): string {
  return `${url.replace(/\/+$/, '')}${path}`
}
