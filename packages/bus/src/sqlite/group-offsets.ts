/** How far each consumer group has come, in memory and on disk, and which groups retention has to wait for. */
import type { DatabaseSync, StatementSync } from 'node:sqlite'
import { batchId, offsetMask } from './batch-row.ts'
import type { Log } from './catalog.ts'

export class GroupOffsets {
  readonly #groups = new Map<string, Map<number, number>>()
  /** Groups that ran since this process started, by log: their undelivered records stay. */
  readonly #protecting = new Map<number, Set<string>>()
  readonly #put: StatementSync
  readonly #drop: StatementSync
  readonly #appendedMs: StatementSync

  constructor(db: DatabaseSync) {
    for (const row of db.prepare('SELECT consumer_group, log_id, next FROM group_offsets').all()) {
      this.#apply(String(row.consumer_group), Number(row.log_id), Number(row.next))
    }
    this.#put = db.prepare('INSERT OR REPLACE INTO group_offsets VALUES (?, ?, ?)')
    this.#drop = db.prepare('DELETE FROM group_offsets WHERE consumer_group = ?')
    this.#appendedMs = db.prepare(
      `SELECT appended_ms, count, id & ${offsetMask} AS base FROM batches WHERE id BETWEEN ? AND ? ORDER BY id DESC LIMIT 1`,
    )
  }

  /** The offset the group reads next; undefined when it never committed. */
  committed(group: string, log: Log): number | undefined {
    return this.#groups.get(group)?.get(log.id)
  }

  /** Inside a transaction; `committedTo` follows once it is durable. */
  write(group: string, log: Log, next: number): void {
    this.#put.run(group, log.id, next)
  }

  committedTo(group: string, log: Log, next: number): void {
    this.#apply(group, log.id, next)
  }

  forget(group: string): void {
    this.#drop.run(group)
    this.#groups.delete(group)
    for (const groups of this.#protecting.values()) groups.delete(group)
  }

  /** From now on retention keeps what this group has not passed. */
  protect(group: string, log: Log): void {
    const groups = this.#protecting.get(log.id)
    if (groups === undefined) this.#protecting.set(log.id, new Set([group]))
    else groups.add(group)
  }

  /** Retention need not wait for this group here any more. */
  release(group: string, log: Log): void {
    this.#protecting.get(log.id)?.delete(group)
  }

  /** What all groups know of a partition that is no more; its rows are deleted by the caller. */
  dropLog(logId: number): void {
    this.#protecting.delete(logId)
    for (const offsets of this.#groups.values()) offsets.delete(logId)
  }

  /** Whether a group that ran since the start reads this partition. */
  isRead(log: Log): boolean {
    return (this.#protecting.get(log.id)?.size ?? 0) > 0
  }

  /** Every record below was passed by all groups that ran since the process started. */
  floor(log: Log): number {
    let floor = log.end
    for (const group of this.#protecting.get(log.id) ?? []) {
      floor = Math.min(floor, this.committed(group, log) ?? log.start)
    }
    return floor
  }

  /** When the record at `offset` (or the next kept one) was appended. */
  appendedMs(log: Log, offset: number): number | undefined {
    if (log.isCompacted || offset >= log.end) return undefined
    const row = this.#appendedMs.get(batchId(log.id, 0), batchId(log.id, offset))
    return row === undefined ? undefined : Number(row.appended_ms)
  }

  #apply(group: string, logId: number, next: number): void {
    const offsets = this.#groups.get(group)
    if (offsets === undefined) this.#groups.set(group, new Map([[logId, next]]))
    else offsets.set(logId, next)
  }
}
