/** Finds an offset by time without reading batches: a mark stands at the first batch of every minute of a partition, so a
 *  mark says that every batch up to the next mark was appended within a minute from its time. Clocks may jump either way:
 *  a jump starts a new mark. */
import type { DatabaseSync, StatementSync } from 'node:sqlite'
import { batchId, offsetMask } from './batch-row.ts'
import type { Log } from './catalog.ts'

const spanMs = 60_000

export class TimeMarks {
  readonly #insert: StatementSync
  readonly #marks: StatementSync
  readonly #within: StatementSync
  readonly #compacted: StatementSync

  constructor(db: DatabaseSync) {
    this.#insert = db.prepare('INSERT INTO marks VALUES (?, ?, ?)')
    this.#marks = db.prepare('SELECT base, appended_ms FROM marks WHERE log_id = ? ORDER BY base')
    this.#within = db.prepare(
      `SELECT id & ${offsetMask} AS base FROM batches WHERE id >= ? AND id < ? AND appended_ms >= ? ORDER BY id LIMIT 1`,
    )
    this.#compacted = db.prepare('SELECT min(at) AS at FROM entries WHERE log_id = ? AND appended_ms >= ?')
  }

  /** Writes a mark when the batch at `base` begins a new minute. @returns the log's newest mark, to remember after the commit. */
  mark(log: Log, base: number, appendedMs: number): number {
    const last = log.markMs
    if (last !== undefined && appendedMs >= last && appendedMs < last + spanMs) return last
    this.#insert.run(log.id, base, appendedMs)
    return appendedMs
  }

  /** The first offset appended at or after `timeMs`, or the end. */
  offsetAt(log: Log, timeMs: number): number {
    if (log.isCompacted) {
      const at = this.#compacted.get(log.id, timeMs)?.at
      return typeof at === 'number' ? at : log.end
    }
    const marks = this.#marks.all(log.id)
    for (let i = 0; i < marks.length; i++) {
      if (Number(marks[i]?.appended_ms) + spanMs <= timeMs) continue
      const next = marks[i + 1]
      const until = next === undefined ? log.end : Number(next.base)
      const found = this.#within.get(batchId(log.id, Number(marks[i]?.base)), batchId(log.id, until), timeMs)
      if (found !== undefined) return Math.max(Number(found.base), log.start)
    }
    return log.end
  }
}
