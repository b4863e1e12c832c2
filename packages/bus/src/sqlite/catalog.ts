/** The topics of the log and their partitions in memory: where each begins and ends, and who waits for more.
 *  Offsets here are those of committed data only; the committer moves them after each commit. */
import type { DatabaseSync } from 'node:sqlite'
import { RelayError, type TopicSpec } from '@siem-relay/common'
import { batchId, headCrc, offsetMask } from './batch-row.ts'
import { batchRecordsMax } from './limits.ts'

export interface Topic {
  readonly id: number
  readonly name: string
  readonly cleanup: TopicSpec['cleanup']
  retentionMs: number
  readonly logs: readonly Log[]
}

/** One partition. */
export class Log {
  readonly id: number
  readonly topicName: string
  readonly partition: number
  readonly isCompacted: boolean
  /** Oldest offset still kept. */
  start: number
  /** Offset the next record gets. */
  end: number
  /** Time of the newest time mark; see time-marks.ts. */
  markMs: number | undefined
  readonly #waiters = new Set<() => void>()

  constructor(id: number, topicName: string, partition: number, isCompacted: boolean, start: number) {
    this.id = id
    this.topicName = topicName
    this.partition = partition
    this.isCompacted = isCompacted
    this.start = start
    this.end = start
  }

  /** Lets everyone look who waits for new records. */
  wake(): void {
    if (this.#waiters.size === 0) return
    const waiters = [...this.#waiters]
    this.#waiters.clear()
    for (const waiter of waiters) waiter()
  }

  /** Resolves once the log reaches beyond `offset` or the signal is aborted. */
  waitBeyond(offset: number, signal: AbortSignal): Promise<void> {
    if (this.end > offset || signal.aborted) return Promise.resolve()
    return new Promise((resolve) => {
      const done = (): void => {
        this.#waiters.delete(done)
        signal.removeEventListener('abort', done)
        resolve()
      }
      this.#waiters.add(done)
      signal.addEventListener('abort', done)
    })
  }
}

export class Catalog {
  readonly #db: DatabaseSync
  readonly #topics = new Map<string, Topic>()

  constructor(db: DatabaseSync) {
    this.#db = db
    for (const row of db.prepare('SELECT name FROM topics').all()) this.#load(String(row.name))
  }

  /** Creates what is missing. A topic keeps the partitions it was created with, since keys are bound to them. */
  ensure(specs: readonly TopicSpec[]): void {
    for (const spec of specs) {
      const topic = this.#topics.get(spec.name)
      if (topic === undefined) this.#create(spec)
      else if (topic.cleanup !== spec.cleanup) {
        throw new RelayError(
          'RELAY_BUS_TOPIC',
          `topic ${spec.name} exists with cleanup ${topic.cleanup}, not ${spec.cleanup}`,
        )
      } else if (topic.retentionMs !== spec.retentionMs) {
        this.#db.prepare('UPDATE topics SET retention_ms = ? WHERE id = ?').run(spec.retentionMs, topic.id)
        topic.retentionMs = spec.retentionMs
      }
    }
  }

  /** @throws {RelayError} `RELAY_BUS_TOPIC` when nobody created it. */
  topic(name: string): Topic {
    const topic = this.#topics.get(name)
    if (topic === undefined) throw new RelayError('RELAY_BUS_TOPIC', `topic ${name} does not exist in this log`)
    return topic
  }

  /** @throws {RelayError} `RELAY_BUS_TOPIC` */
  log(name: string, partition: number): Log {
    const log = this.topic(name).logs[partition]
    if (log === undefined) throw new RelayError('RELAY_BUS_TOPIC', `topic ${name} has no partition ${partition}`)
    return log
  }

  find(name: string): Topic | undefined {
    return this.#topics.get(name)
  }

  /** Its rows are gone. */
  drop(name: string): void {
    this.#topics.delete(name)
  }

  all(): IterableIterator<Topic> {
    return this.#topics.values()
  }

  #create(spec: TopicSpec): void {
    const db = this.#db
    db.exec('BEGIN IMMEDIATE')
    try {
      const { lastInsertRowid } = db
        .prepare('INSERT INTO topics (name, partitions, cleanup, retention_ms) VALUES (?, ?, ?, ?)')
        .run(spec.name, spec.partitions, spec.cleanup, spec.retentionMs)
      const insert = db.prepare('INSERT INTO logs (topic_id, partition) VALUES (?, ?)')
      for (let partition = 0; partition < spec.partitions; partition++) insert.run(lastInsertRowid, partition)
      db.exec('COMMIT')
    } catch (error) {
      if (db.isTransaction) db.exec('ROLLBACK')
      throw error
    }
    this.#load(spec.name)
  }

  #load(name: string): void {
    const row = this.#db.prepare('SELECT id, cleanup, retention_ms FROM topics WHERE name = ?').get(name)
    if (row === undefined) return
    const isCompacted = row.cleanup === 'compact'
    const logs = this.#db
      .prepare('SELECT id, partition, start, compacted_end FROM logs WHERE topic_id = ? ORDER BY partition')
      .all(Number(row.id))
      .map((found) => {
        const log = new Log(Number(found.id), name, Number(found.partition), isCompacted, Number(found.start))
        log.end = isCompacted ? Number(found.compacted_end) : this.#endOf(log)
        log.markMs = this.#lastMarkOf(log)
        return log
      })
    const cleanup = isCompacted ? 'compact' : 'delete'
    this.#topics.set(name, { id: Number(row.id), name, cleanup, retentionMs: Number(row.retention_ms), logs })
  }

  /** The end follows from the last batch, so that appending needs no second row. */
  #endOf(log: Log): number {
    const last = this.#db
      .prepare(
        `SELECT id & ${offsetMask} AS base, count, appended_ms, codec, raw_bytes, body_crc, head_crc FROM batches
         WHERE id BETWEEN ? AND ? ORDER BY id DESC LIMIT 1`,
      )
      .get(batchId(log.id, 0), batchId(log.id, 0) | offsetMask)
    if (last === undefined) return log.start
    const base = Number(last.base)
    const count = Number(last.count)
    const crc = headCrc({
      logId: log.id,
      base,
      count,
      appendedMs: Number(last.appended_ms),
      codec: Number(last.codec),
      rawBytes: Number(last.raw_bytes),
      bodyCrc: Number(last.body_crc),
    })
    // A damaged head does not say how many records it had. An offset given twice would be taken for delivered: skip the most
    // it can have been; readers report the range as damaged.
    return base + (crc === last.head_crc ? count : batchRecordsMax)
  }

  #lastMarkOf(log: Log): number | undefined {
    const row = this.#db
      .prepare('SELECT appended_ms FROM marks WHERE log_id = ? ORDER BY base DESC LIMIT 1')
      .get(log.id)
    return row === undefined ? undefined : Number(row.appended_ms)
  }
}
