/** `/discovery/…` and `/duplicates`: what the read models know, for everybody who is signed in. */
import { Readable } from 'node:stream'
import type { Clock } from '@siem-relay/common'
import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import type { PortalContext } from '../context.ts'
import {
  type DiscoveredApp,
  type DiscoveredEntity,
  discoveredAppSchema,
  discoveredEntitySchema,
  discoveryQuerySchema,
  discoverySummarySchema,
  discoveryUsageSchema,
} from '../contract/discovery.ts'
import { duplicateSchema, duplicatesQuerySchema } from '../contract/records.ts'
import { invalid } from '../server/errors.ts'
import { type Call, route } from '../server/route.ts'
import { type Cell, csvLine, csvStart } from './csv.ts'
import { dayOf } from './discovery-model.ts'
import { daysMax, type ListQuery } from './discovery-queries.ts'
import { dayMs } from './discovery-row.ts'
import type { ExportKind } from './store.ts'

type Query = z.output<typeof discoveryQuerySchema>

const daysByDefault = 30
const downloadMsMax = 300_000

export function addDiscoveryRoutes(server: FastifyInstance, { views, world }: PortalContext): void {
  const listOf = (query: Query): ListQuery => selected(query, world.clock.nowMs())
  const ask = { method: 'GET', access: 'viewer', query: discoveryQuerySchema } as const

  route(server, {
    ...ask,
    path: '/discovery/summary',
    summary: 'Discovered apps, users, addresses and traffic, by category, risk and tag.',
    answer: discoverySummarySchema,
    handle: ({ query }) => views.summary(listOf(query)),
  })
  route(server, {
    ...ask,
    path: '/discovery/usage',
    summary: 'Users and bytes of the busiest apps by day.',
    answer: discoveryUsageSchema,
    handle: ({ query }) => views.usage(listOf(query)),
  })
  route(server, {
    ...ask,
    path: '/discovery/apps',
    summary: 'Discovered apps.',
    answer: z.object({ apps: z.array(discoveredAppSchema), total: z.int() }),
    handle: ({ query }) => views.apps(listOf(query)),
  })
  const entities = z.object({ entities: z.array(discoveredEntitySchema), total: z.int() })
  route(server, {
    ...ask,
    path: '/discovery/users',
    summary: 'Users of discovered apps.',
    answer: entities,
    handle: ({ query }) => views.entities('users', listOf(query)),
  })
  route(server, {
    ...ask,
    path: '/discovery/ip-addresses',
    summary: 'Addresses that discovered apps were used from.',
    answer: entities,
    handle: ({ query }) => views.entities('ipAddresses', listOf(query)),
  })
  for (const [path, kind] of [
    ['apps', 'apps'],
    ['users', 'users'],
    ['ip-addresses', 'ipAddresses'],
  ] as const)
    route(server, {
      ...ask,
      path: `/discovery/${path}.csv`,
      summary: `The whole list of ${path} as CSV.`,
      handle: (call) => download(call, kind, path, views.export(kind, listOf(call.query)), world.clock),
    })
  route(server, {
    method: 'GET',
    path: '/duplicates',
    access: 'viewer',
    summary: 'Alerts that were left out since their twin was sent, newest first.',
    query: duplicatesQuerySchema,
    answer: z.object({ duplicates: z.array(duplicateSchema), next: z.string().optional(), total: z.int() }),
    handle: ({ query }) => views.duplicates(query),
  })
}

function selected(query: Query, nowMs: number): ListQuery {
  const { fromMs, toMs = nowMs, ...rest } = query
  const toDay = dayOf(Math.max(0, toMs - 1))
  // A day whose beginning is cut off would make the first of a series look like a quiet one.
  const fromDay = fromMs === undefined ? toDay - daysByDefault + 1 : Math.min(toDay, Math.ceil(fromMs / dayMs))
  if (fromMs !== undefined && fromMs > toMs)
    throw invalid([{ path: ['query', 'toMs'], message: 'ends before it begins' }])
  if (toDay - fromDay >= daysMax)
    throw invalid([{ path: ['query', 'fromMs'], message: `at most ${daysMax} days are looked at` }])
  return { ...rest, fromDay, toDay }
}

/** Sent as it is read: never a whole list in memory. The first step is awaited, so that a refusal is still an answer. */
async function download(
  { reply }: Pick<Call<'viewer', undefined, Query, undefined>, 'reply'>,
  kind: ExportKind,
  name: string,
  steps: AsyncGenerator<readonly unknown[]>,
  clock: Clock,
): Promise<unknown> {
  const first = await steps.next()
  const lineOf = (row: unknown): string =>
    csvLine(kind === 'apps' ? appCells(row as DiscoveredApp) : entityCells(row as DiscoveredEntity))
  const lines = async function* (): AsyncGenerator<string> {
    yield csvStart + csvLine(kind === 'apps' ? appHead : entityHead)
    if (first.done !== true) yield first.value.map(lineOf).join('')
    for await (const rows of steps) yield rows.map(lineOf).join('')
  }
  const stream = Readable.from(lines(), { objectMode: false, highWaterMark: 65_536 })
  // Who reads too slowly holds the whole list as it was, which the file has to keep beside the new one.
  const cancel = clock.after(downloadMsMax, () => stream.destroy())
  stream.once('close', () => {
    cancel()
    void steps.return(undefined).catch(() => undefined)
  })
  return reply
    .type('text/csv; charset=utf-8')
    .header('content-disposition', `attachment; filename="discovered-${name}.csv"`)
    .send(stream)
}

const trafficHead = ['TotalBytes', 'UploadedBytes', 'DownloadedBytes', 'Events', 'BlockedEvents']
const appHead = [
  'AppName',
  'AppId',
  'Tenant',
  'Category',
  'Tags',
  'Score',
  'Users',
  'IpAddresses',
  'FirstSeen',
  'LastSeen',
  ...trafficHead,
]
const entityHead = ['Name', 'Apps', 'LastSeen', ...trafficHead]

function trafficCells(of: DiscoveredEntity | DiscoveredApp): readonly Cell[] {
  return [of.totalBytes, of.uploadedBytes, of.downloadedBytes, of.events, of.blockedEvents]
}

function appCells(app: DiscoveredApp): readonly Cell[] {
  const { name, appId, tenant, category, tags, score, users, ipAddresses } = app
  const seen = [app.firstSeenMs, app.lastSeenMs].map((ms) => new Date(ms).toISOString())
  // An app without a number goes by its name.
  return [
    name,
    appId === name ? '' : appId,
    tenant,
    category,
    tags,
    score,
    users,
    ipAddresses,
    ...seen,
    ...trafficCells(app),
  ]
}

function entityCells(entity: DiscoveredEntity): readonly Cell[] {
  return [entity.name, entity.apps, new Date(entity.lastSeenMs).toISOString(), ...trafficCells(entity)]
}
