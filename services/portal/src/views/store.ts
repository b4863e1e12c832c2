/** The read models and their file: batches in, answers out. Synchronous: it lives in a thread of its own (thread.ts). */
import type { DatabaseSync, StatementSync } from 'node:sqlite'
import { discardedTopic, partsOfRawTopic } from '@siem-relay/common'
import { DiscoveryModel, dayOf } from './discovery-model.ts'
import {
  addFunctions,
  appOf,
  appsSql,
  type EntityKind,
  entitiesSql,
  entityOf,
  type ListQuery,
  listApps,
  listEntities,
  type Selection,
  summarize,
  usageByDay,
} from './discovery-queries.ts'
import { dayMs } from './discovery-row.ts'
import { DuplicatesModel, type DuplicatesQuery, listDuplicates } from './duplicates-model.ts'
import { isDamage, openFile, openToRead, removeFile } from './file.ts'
import { type Batch, type Counts, duplicatesMax, type Model, type ModelLimits, noCounts } from './model.ts'

/** `moved`: nothing was taken, since reading has to go on at `next`. */
export type Applied =
  | { readonly outcome: 'applied'; readonly counts: Counts }
  | { readonly outcome: 'moved'; readonly next: number }

export type ExportKind = 'apps' | EntityKind

/** Ids of rows are known for longer than the raw topics keep the rows. */
const seenDays = 15
/** Ids known at most: about 14 bytes each. */
const seenMax = 10_000_000

export class ViewsStore {
  readonly #path: string
  readonly #limits: ModelLimits
  #db: DatabaseSync
  #models: { readonly discovery: Model; readonly duplicates: Model }
  #position: StatementSync
  #move: StatementSync

  constructor(path: string, limits: ModelLimits) {
    this.#path = path
    this.#limits = limits
    this.#db = openFile(path)
    const opened = this.#prepare()
    this.#models = opened.models
    this.#position = opened.position
    this.#move = opened.move
  }

  /** Where reading of a partition goes on. */
  position(topic: string, partition: number): number {
    return this.#guarded(() => this.#positionOf(topic, partition))
  }

  /** The batch and the position behind it, or neither. What does not begin where reading stands is not taken. */
  apply(batch: Batch): Applied {
    return this.#guarded(() => {
      const { topic, partition, from, next } = batch
      this.#db.exec('BEGIN IMMEDIATE')
      try {
        const stored = this.#positionOf(topic, partition)
        if (stored !== from) {
          this.#db.exec('ROLLBACK')
          return { outcome: 'moved', next: stored }
        }
        const counts = this.#modelOf(topic)?.add(batch) ?? noCounts()
        this.#move.run(topic, partition, next)
        this.#db.exec('COMMIT')
        return { outcome: 'applied', counts }
      } catch (error) {
        this.#rollback()
        throw error
      }
    })
  }

  /** Forgets everything: the log is another one than the models were made of. */
  reset(): void {
    this.#db.close()
    removeFile(this.#path)
    this.#reopen()
  }

  /**
   * Removes what is older than the models keep, or beyond their bounds, the oldest first.
   * @returns days of discovery that had to go before their time.
   */
  prune(nowMs: number): { readonly daysCut: number; readonly discoveryRows: number; readonly duplicates: number } {
    return this.#guarded(() => {
      const { retentionDays, discoveryRowsMax } = this.#limits
      const db = this.#db
      const one = (text: string, ...values: number[]): number => Number(db.prepare(text).get(...values)?.n ?? 0)
      for (const table of ['usage', 'app_days'])
        db.prepare(`DELETE FROM ${table} WHERE day < ?`).run(dayOf(nowMs) - retentionDays)
      db.prepare('DELETE FROM seen WHERE day < ?').run(dayOf(nowMs) - seenDays)
      db.prepare('DELETE FROM duplicates WHERE at_ms < ?').run(nowMs - retentionDays * dayMs)
      const beyond = db
        .prepare('SELECT at_ms FROM duplicates ORDER BY at_ms DESC LIMIT 1 OFFSET ?')
        .get(duplicatesMax)?.at_ms
      if (beyond != null) db.prepare('DELETE FROM duplicates WHERE at_ms <= ?').run(Number(beyond))
      while (one('SELECT count(*) AS n FROM seen') > seenMax)
        db.prepare('DELETE FROM seen WHERE day = (SELECT min(day) FROM seen)').run()
      let daysCut = 0
      let discoveryRows = one('SELECT count(*) AS n FROM usage')
      for (; discoveryRows > discoveryRowsMax; daysCut++) {
        const oldest = one('SELECT min(day) AS n FROM usage')
        for (const table of ['usage', 'app_days']) db.prepare(`DELETE FROM ${table} WHERE day <= ?`).run(oldest)
        discoveryRows = one('SELECT count(*) AS n FROM usage')
      }
      for (const [table, column] of [
        ['apps', 'app'],
        ['users', 'user'],
        ['addresses', 'ip'],
        ['places', 'place'],
      ] as const)
        db.exec(`DELETE FROM ${table} WHERE id NOT IN (SELECT ${column} FROM usage)`)
      this.#forget()
      return { daysCut, discoveryRows, duplicates: one('SELECT count(*) AS n FROM duplicates') }
    })
  }

  summary(selection: Selection) {
    return this.#guarded(() => summarize(this.#db, selection))
  }

  apps(query: ListQuery) {
    return this.#guarded(() => listApps(this.#db, query))
  }

  entities(kind: EntityKind, query: ListQuery) {
    return this.#guarded(() => listEntities(this.#db, kind, query))
  }

  usage(selection: Selection) {
    return this.#guarded(() => usageByDay(this.#db, selection))
  }

  duplicates(query: DuplicatesQuery) {
    return this.#guarded(() => listDuplicates(this.#db, query))
  }

  /** A whole list as it is at this moment, on a connection of its own, which the end or `return` of the iterator closes. */
  *export(kind: ExportKind, query: ListQuery) {
    const db = openToRead(this.#path)
    try {
      addFunctions(db)
      const { text, values } = kind === 'apps' ? appsSql(query) : entitiesSql(kind, query)
      for (const row of db.prepare(text).iterate(...values)) yield kind === 'apps' ? appOf(row) : entityOf(row)
    } finally {
      db.close()
    }
  }

  close(): void {
    if (this.#db.isOpen) this.#db.close()
  }

  #modelOf(topic: string): Model | undefined {
    if (topic === discardedTopic.name) return this.#models.duplicates
    return partsOfRawTopic(topic)?.kind === 'discovery' ? this.#models.discovery : undefined
  }

  #positionOf(topic: string, partition: number): number {
    return Number(this.#position.get(topic, partition)?.next ?? 0)
  }

  /** Damage is the end of the file and not of the models. */
  #guarded<T>(work: () => T): T {
    try {
      return work()
    } catch (error) {
      if (isDamage(error)) this.reset()
      throw error
    }
  }

  #rollback(): void {
    this.#forget()
    if (this.#db.isTransaction) this.#db.exec('ROLLBACK')
  }

  #forget(): void {
    for (const model of Object.values(this.#models)) model.forget()
  }

  #reopen(): void {
    this.#db = openFile(this.#path)
    const { models, position, move } = this.#prepare()
    this.#models = models
    this.#position = position
    this.#move = move
  }

  #prepare() {
    const db = this.#db
    addFunctions(db)
    return {
      models: { discovery: new DiscoveryModel(db, this.#limits.retentionDays), duplicates: new DuplicatesModel(db) },
      position: db.prepare('SELECT next FROM positions WHERE topic = ? AND part = ?'),
      move: db.prepare('INSERT OR REPLACE INTO positions(topic, part, next) VALUES (?, ?, ?)'),
    }
  }
}
