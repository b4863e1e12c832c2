/** What the pages of discovery ask, answered from sums of days. Every answer is bounded, whatever the data holds. */
import type { DatabaseSync, SQLInputValue } from 'node:sqlite'
import type { DiscoveredApp, DiscoveredEntity, DiscoverySummary, DiscoveryUsage } from '../contract/discovery.ts'
import { tags } from './discovery-model.ts'
import { dayMs } from './discovery-row.ts'

/** What a selection is made by; days are whole, in UTC, counted since the epoch. */
export interface Selection {
  readonly fromDay: number
  readonly toDay: number
  readonly tenant?: string | undefined
  readonly stream?: string | undefined
  readonly user?: string | undefined
  readonly tag?: (typeof tags)[number] | undefined
  readonly category?: string | undefined
}

type Sort = 'traffic' | 'uploaded' | 'downloaded' | 'users' | 'events' | 'score' | 'name' | 'lastSeen'

export interface ListQuery extends Selection {
  readonly search?: string | undefined
  readonly sort: Sort
  readonly offset: number
  readonly limit: number
}

export type EntityKind = 'users' | 'ipAddresses'

const busiestAppsMax = 10
export const daysMax = 400
/** Of lists within the summary. */
const listMax = 200

interface Sql {
  readonly text: string
  readonly values: readonly SQLInputValue[]
}

const sums = `sum(events) AS events, sum(blocked) AS blockedEvents, sum(uploaded) AS uploadedBytes,
  sum(downloaded) AS downloadedBytes, sum(total) AS totalBytes`

function where(selection: Selection): Sql {
  const { fromDay, toDay, tenant, stream, user, tag, category } = selection
  const parts = ['day BETWEEN ? AND ?']
  const values: SQLInputValue[] = [fromDay, toDay]
  const also = (text: string, ...more: SQLInputValue[]): void => {
    parts.push(text)
    values.push(...more)
  }
  if (tenant !== undefined) also('place IN (SELECT id FROM places WHERE tenant = ?)', tenant)
  if (stream !== undefined) also('place IN (SELECT id FROM places WHERE stream = ?)', stream)
  if (user !== undefined) also('user = (SELECT id FROM users WHERE name = ?)', user)
  if (tag !== undefined) also('app IN (SELECT id FROM apps WHERE tag = ?)', tags.indexOf(tag))
  if (category !== undefined) also('app IN (SELECT id FROM apps WHERE category = ?)', category)
  return { text: parts.join(' AND '), values }
}

/** The list of apps, as one statement: for pages and for downloads. */
export function appsSql(query: ListQuery): Sql {
  const { text, values } = where(query)
  const order: Readonly<Record<Sort, string>> = {
    traffic: 'totalBytes DESC',
    uploaded: 'uploadedBytes DESC',
    downloaded: 'downloadedBytes DESC',
    users: 'users DESC',
    events: 'events DESC',
    // The riskiest first; what has no score last.
    score: 'score IS NULL, score',
    name: 'name COLLATE NOCASE',
    lastSeen: 'lastSeenMs DESC',
  }
  return {
    text: `SELECT a.app AS appId, a.tenant, a.name, a.category, a.tags, a.score, s.*, count(*) OVER () AS matching FROM (
        SELECT app, count(DISTINCT nullif(user, 0)) AS users, count(DISTINCT nullif(ip, 0)) AS ipAddresses,
          min(first_ms) AS firstSeenMs, max(last_ms) AS lastSeenMs, ${sums} FROM usage WHERE ${text} GROUP BY app) s
      JOIN apps a ON a.id = s.app WHERE contains(a.name, ?)
      ORDER BY ${order[query.sort]}, a.name, a.tenant, a.app LIMIT ? OFFSET ?`,
    values: [...values, folded(query.search), query.limit, query.offset],
  }
}

export function appOf(row: Record<string, unknown>): DiscoveredApp {
  return {
    appId: String(row.appId),
    tenant: String(row.tenant),
    name: String(row.name),
    category: String(row.category),
    tags: JSON.parse(String(row.tags)) as string[],
    ...(row.score === null ? {} : { score: Number(row.score) }),
    users: Number(row.users),
    ipAddresses: Number(row.ipAddresses),
    firstSeenMs: Number(row.firstSeenMs),
    lastSeenMs: Number(row.lastSeenMs),
    ...trafficOf(row),
  }
}

export function listApps(db: DatabaseSync, query: ListQuery): { apps: readonly DiscoveredApp[]; total: number } {
  const { rows, total } = page(db, query, appsSql)
  return { apps: rows.map(appOf), total }
}

/** `total` counts all that match, whatever page of them it is. */
function page(db: DatabaseSync, query: ListQuery, sqlOf: (query: ListQuery) => Sql) {
  const ask = (of: ListQuery) => {
    const { text, values } = sqlOf(of)
    return db.prepare(text).all(...values)
  }
  const rows = ask(query)
  // Behind the end nothing tells how many there are.
  const [first] = rows.length > 0 || query.offset === 0 ? rows : ask({ ...query, offset: 0, limit: 1 })
  return { rows, total: Number(first?.matching ?? 0) }
}

const entityTables = {
  users: { table: 'users', column: 'user', inner: 'app, user' },
  ipAddresses: { table: 'addresses', column: 'ip', inner: 'app, user, ip' },
} as const

export function entitiesSql(kind: EntityKind, query: ListQuery): Sql {
  const { table, column, inner } = entityTables[kind]
  const { text, values } = where(query)
  const order: Readonly<Record<Sort, string>> = {
    traffic: 'totalBytes DESC',
    uploaded: 'uploadedBytes DESC',
    downloaded: 'downloadedBytes DESC',
    users: 'apps DESC',
    events: 'events DESC',
    score: 'totalBytes DESC',
    name: 'name COLLATE NOCASE',
    lastSeen: 'lastSeenMs DESC',
  }
  return {
    // Days are summed up first, which follows the order of the table; only what is left of that has to be sorted.
    text: `SELECT n.name, s.*, count(*) OVER () AS matching FROM
        (SELECT ${column} AS id, count(DISTINCT app) AS apps, max(last_ms) AS lastSeenMs, ${sums} FROM
          (SELECT app, user, ip, max(last_ms) AS last_ms, sum(events) AS events, sum(blocked) AS blocked, sum(uploaded) AS uploaded,
            sum(downloaded) AS downloaded, sum(total) AS total FROM usage WHERE ${column} <> 0 AND ${text} GROUP BY ${inner})
          GROUP BY ${column}) s
      JOIN ${table} n ON n.id = s.id WHERE contains(n.name, ?) ORDER BY ${order[query.sort]}, n.name LIMIT ? OFFSET ?`,
    values: [...values, folded(query.search), query.limit, query.offset],
  }
}

export function entityOf(row: Record<string, unknown>): DiscoveredEntity {
  return { name: String(row.name), apps: Number(row.apps), lastSeenMs: Number(row.lastSeenMs), ...trafficOf(row) }
}

export function listEntities(
  db: DatabaseSync,
  kind: EntityKind,
  query: ListQuery,
): { entities: readonly DiscoveredEntity[]; total: number } {
  const { rows, total } = page(db, query, (of) => entitiesSql(kind, of))
  return { entities: rows.map(entityOf), total }
}

export function summarize(db: DatabaseSync, selection: Selection): DiscoverySummary {
  const { text, values } = where(selection)
  const ofTenant = selection.tenant === undefined ? '' : 'AND tenant = ?'
  const named = selection.tenant === undefined ? [] : [selection.tenant]
  const places = (column: string, filter: string, of: readonly string[]): string[] =>
    db
      .prepare(`SELECT DISTINCT ${column} AS name FROM places WHERE ${column} <> '' ${filter} ORDER BY 1 LIMIT 1000`)
      .all(...of)
      .map((row) => String(row.name))
  const all = db
    .prepare(
      `SELECT count(DISTINCT app) AS apps, count(DISTINCT nullif(user, 0)) AS users, count(DISTINCT nullif(ip, 0)) AS ipAddresses,
        max(last_ms) AS updatedMs, ${sums} FROM usage WHERE ${text}`,
    )
    .get(...values)
  // Per app once; what follows is asked of that.
  db.exec('DROP TABLE IF EXISTS temp.selected')
  db.prepare(
    `CREATE TEMP TABLE selected AS SELECT a.id, a.category, a.tag, a.tags, a.score, s.* FROM
      (SELECT app, ${sums} FROM usage WHERE ${text} GROUP BY app) s JOIN apps a ON a.id = s.app`,
  ).run(...values)
  const categories = db
    .prepare(
      `SELECT category AS name, count(*) AS apps, sum(events) AS events, sum(blockedEvents) AS blockedEvents,
        sum(uploadedBytes) AS uploadedBytes, sum(downloadedBytes) AS downloadedBytes, sum(totalBytes) AS totalBytes,
        sum(iif(tag = 1, totalBytes, 0)) AS sanctionedBytes, sum(iif(tag = 2, totalBytes, 0)) AS unsanctionedBytes
        FROM temp.selected GROUP BY category ORDER BY totalBytes DESC, name LIMIT ${listMax}`,
    )
    .all()
    .map((row) => ({
      name: String(row.name),
      apps: Number(row.apps),
      users: 0,
      ...trafficOf(row),
      sanctionedBytes: Number(row.sanctionedBytes),
      unsanctionedBytes: Number(row.unsanctionedBytes),
    }))
  const byName = new Map(categories.map((category) => [category.name, category]))
  const usersOf = db.prepare(
    `SELECT a.category AS name, count(DISTINCT p.user) AS users FROM
      (SELECT DISTINCT app, user FROM usage WHERE user <> 0 AND ${text}) p JOIN apps a ON a.id = p.app GROUP BY a.category`,
  )
  for (const row of usersOf.iterate(...values)) {
    const category = byName.get(String(row.name))
    if (category !== undefined) category.users = Number(row.users)
  }
  const scores = db
    .prepare('SELECT score, count(*) AS apps, sum(totalBytes) AS totalBytes FROM temp.selected GROUP BY score')
    .all()
  const answer: DiscoverySummary = {
    ...(all?.updatedMs == null ? {} : { updatedMs: Number(all.updatedMs) }),
    tenants: places('tenant', '', []),
    streams: places('stream', ofTenant, named),
    apps: Number(all?.apps ?? 0),
    users: Number(all?.users ?? 0),
    ipAddresses: Number(all?.ipAddresses ?? 0),
    ...trafficOf(all ?? {}),
    categories,
    risk: riskOf(scores),
    scores: Array.from({ length: 11 }, (_, score) => ({
      score,
      apps: Number(scores.find((row) => row.score === score)?.apps ?? 0),
    })),
    tags: db
      .prepare(
        `SELECT t.value AS tag, count(DISTINCT s.id) AS apps FROM temp.selected s, json_each(s.tags) t GROUP BY 1
          ORDER BY apps DESC, tag LIMIT ${listMax}`,
      )
      .all()
      .map((row) => ({ tag: String(row.tag), apps: Number(row.apps) })),
  }
  db.exec('DROP TABLE temp.selected')
  return answer
}

/** 10 is the safest. */
function riskOf(scores: readonly Record<string, unknown>[]): DiscoverySummary['risk'] {
  const levelOf = (score: unknown) =>
    score === null ? 'unknown' : Number(score) <= 3 ? 'high' : Number(score) <= 7 ? 'medium' : 'low'
  return (['high', 'medium', 'low', 'unknown'] as const).map((level) => {
    const rows = scores.filter(({ score }) => levelOf(score) === level)
    const sum = (of: string): number => rows.reduce((total, row) => total + Number(row[of]), 0)
    return { level, apps: sum('apps'), totalBytes: sum('totalBytes') }
  })
}

export function usageByDay(db: DatabaseSync, selection: Selection): DiscoveryUsage {
  const { fromDay, toDay } = selection
  const length = Math.max(0, Math.min(daysMax, toDay - fromDay + 1))
  const { text, values } = where(selection)
  const source = selection.user === undefined ? 'app_days' : 'usage'
  const perDay = (): number[] => new Array<number>(length).fill(0)
  const totalBytes = perDay()
  for (const row of db
    .prepare(`SELECT day, sum(total) AS total FROM ${source} WHERE ${text} GROUP BY day`)
    .all(...values))
    totalBytes[Number(row.day) - fromDay] = Number(row.total)
  const busiest = db
    .prepare(
      `SELECT a.id, a.name FROM (SELECT app, sum(total) AS total, sum(events) AS events FROM ${source} WHERE ${text} GROUP BY app) s
        JOIN apps a ON a.id = s.app ORDER BY s.total DESC, s.events DESC, a.name, a.tenant, a.app LIMIT ${busiestAppsMax}`,
    )
    .all(...values)
  const ofApp = db.prepare(
    `SELECT day, count(DISTINCT nullif(user, 0)) AS users, sum(total) AS total FROM usage WHERE app = ? AND ${text} GROUP BY day`,
  )
  const apps = busiest.map(({ id, name }) => {
    const users = perDay()
    const bytes = perDay()
    for (const row of ofApp.all(Number(id), ...values)) {
      users[Number(row.day) - fromDay] = Number(row.users)
      bytes[Number(row.day) - fromDay] = Number(row.total)
    }
    return { name: String(name), users, totalBytes: bytes }
  })
  return { days: Array.from({ length }, (_, index) => (fromDay + index) * dayMs), apps, totalBytes }
}

function trafficOf(row: Record<string, unknown>) {
  return {
    totalBytes: Number(row.totalBytes ?? 0),
    uploadedBytes: Number(row.uploadedBytes ?? 0),
    downloadedBytes: Number(row.downloadedBytes ?? 0),
    events: Number(row.events ?? 0),
    blockedEvents: Number(row.blockedEvents ?? 0),
  }
}

function folded(search: string | undefined): string {
  return (search ?? '').trim().toLowerCase()
}

/** `contains(text, needle)`, in any case of letters; SQLite's own knows those of ASCII only. */
export function addFunctions(db: DatabaseSync): void {
  db.function('contains', { deterministic: true }, (text, needle) =>
    needle === '' || String(text).toLowerCase().includes(String(needle)) ? 1 : 0,
  )
}
