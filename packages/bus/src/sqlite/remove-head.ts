/** Removes batches from the beginning of a partition, a few rows in one transaction, and moves its start. */
import type { DatabaseSync, StatementSync } from 'node:sqlite'
import { batchId, offsetMask } from './batch-row.ts'
import type { Log } from './catalog.ts'
import { removedRowsMax } from './limits.ts'

export interface HeadBatch {
  readonly appendedMs: number
  readonly bytes: number
}

export class HeadRemover {
  readonly #db: DatabaseSync
  readonly #heads: StatementSync
  readonly #delete: StatementSync
  readonly #setStart: StatementSync
  readonly #deleteMarks: StatementSync
  readonly #pages: StatementSync
  readonly #freePages: StatementSync
  readonly #pageBytes: number

  constructor(db: DatabaseSync) {
    this.#db = db
    // One row more than is removed: a batch ends where the next begins, whatever a damaged count says.
    this.#heads = db.prepare(
      `SELECT id & ${offsetMask} AS base, appended_ms, length(body) AS bytes FROM batches
       WHERE id BETWEEN ? AND ? ORDER BY id LIMIT ${removedRowsMax + 1}`,
    )
    this.#delete = db.prepare('DELETE FROM batches WHERE id >= ? AND id < ?')
    this.#setStart = db.prepare('UPDATE logs SET start = ? WHERE id = ?')
    // The mark that covers the new start stays.
    this.#deleteMarks = db.prepare(
      'DELETE FROM marks WHERE log_id = ?1 AND base < (SELECT max(base) FROM marks WHERE log_id = ?1 AND base <= ?2)',
    )
    this.#pages = db.prepare('PRAGMA page_count')
    this.#freePages = db.prepare('PRAGMA freelist_count')
    this.#pageBytes = Number(db.prepare('PRAGMA page_size').get()?.page_size)
  }

  /** Bytes of the file that hold data. */
  usedBytes(): number {
    return (Number(this.#pages.get()?.page_count) - Number(this.#freePages.get()?.freelist_count)) * this.#pageBytes
  }

  headMs(log: Log): number | undefined {
    const head = this.#heads.get(batchId(log.id, log.start), batchId(log.id, 0) | offsetMask)
    return head === undefined ? undefined : Number(head.appended_ms)
  }

  /**
   * Removes the first batches that lie wholly below `floor` and are wanted gone.
   * @returns undefined when there was none.
   */
  remove(
    log: Log,
    floor: number,
    isWanted: (batch: HeadBatch) => boolean,
  ): { records: number; bytes: number } | undefined {
    const heads = this.#heads.all(batchId(log.id, log.start), batchId(log.id, 0) | offsetMask)
    let start = log.start
    let bytes = 0
    for (let i = 0; i < Math.min(heads.length, removedRowsMax); i++) {
      const following = heads[i + 1]
      const end = following === undefined ? log.end : Number(following.base)
      const batch = { appendedMs: Number(heads[i]?.appended_ms), bytes: Number(heads[i]?.bytes) }
      if (end > floor || !isWanted(batch)) break
      start = end
      bytes += batch.bytes
    }
    if (start === log.start) return undefined
    const records = start - log.start
    this.#removeUpTo(log, start)
    log.start = start
    return { records, bytes }
  }

  #removeUpTo(log: Log, start: number): void {
    const db = this.#db
    db.exec('BEGIN IMMEDIATE')
    try {
      this.#delete.run(batchId(log.id, 0), batchId(log.id, start))
      this.#setStart.run(start, log.id)
      this.#deleteMarks.run(log.id, start)
      db.exec('COMMIT')
    } catch (error) {
      if (db.isTransaction) db.exec('ROLLBACK')
      throw error
    }
  }
}
