/** Counts discovery rows: sums of a day by tenant, stream, app, user and address, each row once. */
import type { DatabaseSync, StatementSync } from 'node:sqlite'
import { partsOfRawTopic } from '@siem-relay/common'
import { type CountedRow, countedRow, dayMs } from './discovery-row.ts'
import { type Batch, type Counts, type Model, noCounts } from './model.ts'

/** Ids kept at hand, of each table. */
const idsMax = 20_000

export class DiscoveryModel implements Model {
  readonly #retentionDays: number
  readonly #see: StatementSync
  readonly #add: StatementSync
  readonly #addDay: StatementSync
  readonly #tell: StatementSync
  readonly #places: Ids
  readonly #apps: Ids
  readonly #users: Ids
  readonly #addresses: Ids

  constructor(db: DatabaseSync, retentionDays: number) {
    this.#retentionDays = retentionDays
    this.#see = db.prepare('INSERT OR IGNORE INTO seen(id, day) VALUES (?, ?)')
    this.#places = new Ids(db, 'places(tenant, stream) VALUES (?, ?)', 'tenant, stream')
    this.#apps = new Ids(
      db,
      `apps(tenant, app, name, category, tags, tag, told_ms) VALUES (?, ?, '', '', '[]', 0, -1)`,
      'tenant, app',
    )
    this.#users = new Ids(db, 'users(name) VALUES (?)', 'name')
    this.#addresses = new Ids(db, 'addresses(name) VALUES (?)', 'name')
    // Of rows of one time the order of partitions does not decide.
    this.#tell =
      db.prepare(`UPDATE apps SET name = ?2, category = ?3, tags = ?4, tag = ?5, score = ?6, told_ms = ?7 WHERE id = ?1
      AND (?7, ?2, ?3, ?4, ifnull(?6, -1)) > (told_ms, name, category, tags, ifnull(score, -1))`)
    this.#addDay = db.prepare(`INSERT INTO app_days(app, day, place, events, total) VALUES (?, ?, ?, ?, ?)
      ON CONFLICT DO UPDATE SET events = events + excluded.events, total = total + excluded.total`)
    this.#add =
      db.prepare(`INSERT INTO usage(app, user, ip, day, place, events, blocked, uploaded, downloaded, total, first_ms, last_ms)
      VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET events = events + excluded.events,
      blocked = blocked + excluded.blocked, uploaded = uploaded + excluded.uploaded, downloaded = downloaded + excluded.downloaded,
      total = total + excluded.total, first_ms = min(first_ms, excluded.first_ms), last_ms = max(last_ms, excluded.last_ms)`)
  }

  add({ topic, records }: Batch): Counts {
    const tenant = partsOfRawTopic(topic)?.tenant ?? ''
    const counts = noCounts()
    for (const record of records) {
      const row = countedRow(tenant, record)
      if (row === undefined) counts.unreadable++
      else if (row.timeMs < record.appendedMs - this.#retentionDays * dayMs) counts.old++
      else if (this.#see.run(row.seenId, dayOf(record.appendedMs)).changes === 0) counts.repeated++
      else {
        this.#count(tenant, row)
        counts.counted++
      }
    }
    return counts
  }

  forget(): void {
    for (const ids of [this.#places, this.#apps, this.#users, this.#addresses]) ids.forget()
  }

  #count(tenant: string, row: CountedRow): void {
    const app = this.#apps.of(tenant, row.app)
    const { name, category, timeMs } = row
    this.#tell.run(app, name, category, JSON.stringify(row.tags), tagOf(row.tags), row.score ?? null, timeMs)
    const user = row.user === '' ? 0 : this.#users.of(row.user)
    const ip = row.ip === '' ? 0 : this.#addresses.of(row.ip)
    const place = this.#places.of(tenant, row.stream)
    const { events, blocked, uploaded, downloaded, total } = row
    this.#addDay.run(app, dayOf(timeMs), place, events, total)
    this.#add.run(app, user, ip, dayOf(timeMs), place, events, blocked, uploaded, downloaded, total, timeMs, timeMs)
  }
}

export const tags = ['other', 'sanctioned', 'unsanctioned'] as const

function tagOf(of: readonly string[]): number {
  const words = of.map((tag) => tag.trim().toLowerCase())
  if (words.includes('unsanctioned')) return 2
  return words.includes('sanctioned') ? 1 : 0
}

export function dayOf(timeMs: number): number {
  return Math.floor(timeMs / dayMs)
}

/** Finds or makes the number of a name. */
class Ids {
  readonly #find: StatementSync
  readonly #insert: StatementSync
  readonly #known = new Map<string, number>()

  constructor(db: DatabaseSync, insert: string, columns: string) {
    const table = insert.slice(0, insert.indexOf('('))
    const where = columns.replaceAll(/(\w+),?/g, '$1 = ? AND').replace(/ AND$/, '')
    this.#find = db.prepare(`SELECT id FROM ${table} WHERE ${where}`)
    this.#insert = db.prepare(`INSERT INTO ${insert}`)
  }

  of(...names: readonly string[]): number {
    const key = names.join('\u0000')
    const known = this.#known.get(key)
    if (known !== undefined) return known
    const found = this.#find.get(...names)
    const id = Number(found?.id ?? this.#insert.run(...names).lastInsertRowid)
    if (this.#known.size >= idsMax) this.#known.clear()
    this.#known.set(key, id)
    return id
  }

  forget(): void {
    this.#known.clear()
  }
}
