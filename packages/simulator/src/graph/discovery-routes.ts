/** Graph's cloudAppDiscovery (beta): uploaded streams, their apps over a period, and who used an app. Pure but for the shelves.
 *  Both ways Microsoft's pages write the function, and both they write the list of addresses, are understood. */
import { type Answer, type Incoming, pageAnswer } from '../http/answer.ts'
import { graphError } from './answer.ts'
import type { DiscoveryShelves } from './discovery-store.ts'

export const discoveryRole = 'CloudApp-Discovery.Read.All'

/** Where the routes begin; one page of the reference leaves `/security` out. */
export const discoveryRoots = [
  '/beta/security/dataDiscovery/cloudAppDiscovery/uploadedStreams',
  '/beta/dataDiscovery/cloudAppDiscovery/uploadedStreams',
] as const

export interface DiscoveryParts {
  readonly shelves: DiscoveryShelves
  /** Origin and prefix, for links to the next page. */
  readonly url: string
  readonly pageMax: number
  readonly nowMs: () => number
}

/** Periods the reference names; P1D and the like are refused. */
const days: ReadonlyMap<string, number> = new Map([
  ['P7D', 7],
  ['P30D', 30],
  ['P90D', 90],
])
const appsSegment = /^(?:microsoft\.graph\.security\.)?aggregatedAppsDetails\(period=duration'([^']*)'\)$/

/** @returns the answer to a request that was let in, for a path below one of the roots. */
export function answerDiscovery(parts: DiscoveryParts, incoming: Incoming): Answer {
  const refuse = refusalOf(parts)
  const root = discoveryRoots.find((each) => incoming.path.startsWith(each)) ?? discoveryRoots[0]
  const segments = incoming.path.slice(root.length).split('/').slice(1).map(decodeURIComponent)
  const [streamId, apps, appId, list, ...rest] = segments
  if (streamId === undefined) return answerStreams(parts, incoming)
  const [, period] = appsSegment.exec(apps ?? '') ?? []
  if (period === undefined || rest.length > 0) return refuse(404, `Resource not found for the segment '${apps ?? ''}'.`)
  const length = days.get(period)
  if (length === undefined) return refuse(400, `The period '${period}' is not supported.`)
  if (!parts.shelves.has(streamId)) return refuse(404, `Stream '${streamId}' does not exist.`)
  if (appId === undefined) return answerPage(parts, incoming, parts.shelves.apps(streamId, length))
  const of = listForms.get(list ?? '')
  if (of === undefined) return refuse(404, `Resource not found for the segment '${list ?? appId}'.`)
  const names = parts.shelves.names(streamId, appId, length, of.name)
  if (names === undefined) return refuse(404, `App '${appId}' does not exist.`)
  return answerPage(
    parts,
    incoming,
    names.map((name) => ({ '@odata.type': of.type, [of.field]: name })),
  )
}

interface ListForm {
  readonly name: 'user' | 'ipAddress'
  readonly field: string
  readonly type: string
}

const users: ListForm = {
  name: 'user',
  field: 'userIdentifier',
  type: '#microsoft.graph.security.discoveredCloudAppUser',
}
const addresses: ListForm = {
  name: 'ipAddress',
  field: 'ipAddress',
  type: '#microsoft.graph.security.discoveredCloudAppIPAddress',
}
const listForms: ReadonlyMap<string, ListForm> = new Map([
  ['users', users],
  ['ipAddress', addresses],
  ['ipAddresses', addresses],
])

/** This one supports no OData query at all. */
function answerStreams(parts: DiscoveryParts, incoming: Incoming): Answer {
  const refuse = refusalOf(parts)
  const query = Object.keys(incoming.parameters).find((name) => name.startsWith('$'))
  if (query !== undefined) return refuse(400, `The query option '${query}' is not supported.`)
  return answerItems(parts.shelves.streams(), {})
}

function answerPage(parts: DiscoveryParts, { path, parameters }: Incoming, items: readonly unknown[]): Answer {
  const skip = countOf(parameters.$skip, 0)
  const top = countOf(parameters.$top, Number.POSITIVE_INFINITY)
  if (skip === undefined || top === undefined) return refusalOf(parts)(400, '$top and $skip must be whole numbers.')
  const end = Math.min(skip + Math.min(top, parts.pageMax), items.length)
  const left = top - (end - skip)
  const query = new URLSearchParams({ $skip: String(end), ...(Number.isFinite(left) ? { $top: String(left) } : {}) })
  const isMore = end < items.length && left > 0
  return answerItems(items.slice(skip, end), isMore ? { '@odata.nextLink': `${parts.url}${path}?${query}` } : {})
}

function answerItems(items: readonly unknown[], envelope: Readonly<Record<string, unknown>>): Answer {
  const records = items.map((item) => Buffer.from(JSON.stringify(item)))
  return pageAnswer({ start: Buffer.from('{"value":['), records, envelope })
}

function countOf(text: unknown, byDefault: number): number | undefined {
  if (text === undefined) return byDefault
  return typeof text === 'string' && /^\d{1,9}$/.test(text) ? Number(text) : undefined
}

function refusalOf({ nowMs }: DiscoveryParts) {
  return (status: number, message: string): Answer => graphError(status, message, nowMs())
}
