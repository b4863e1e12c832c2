/** Turns the records of one group commit into batch rows. Called inside the committer's transaction; what it learns of the logs
 *  is applied to memory only after the commit. */
import type { DatabaseSync, StatementSync } from 'node:sqlite'
import { partitionOf } from '../partitioner.ts'
import type { NewRecord } from '../port.ts'
import { encodeBatch, recordBytesBound } from './batch-codec.ts'
import { batchId, bodyCrc, headCrc } from './batch-row.ts'
import type { Catalog, Log } from './catalog.ts'
import type { Compacted } from './compacted.ts'
import { batchBytesMax, batchRecordsMax } from './limits.ts'
import type { MutableStats } from './options.ts'
import type { TimeMarks } from './time-marks.ts'

/** What a commit makes true of one partition. */
export interface Growth {
  readonly log: Log
  readonly records: readonly NewRecord[]
  readonly end: number
  readonly markMs: number | undefined
}

export class Appender {
  readonly #catalog: Catalog
  readonly #compacted: Compacted
  readonly #marks: TimeMarks
  readonly #stats: MutableStats
  readonly #insert: StatementSync

  constructor(db: DatabaseSync, catalog: Catalog, compacted: Compacted, marks: TimeMarks, stats: MutableStats) {
    this.#catalog = catalog
    this.#compacted = compacted
    this.#marks = marks
    this.#stats = stats
    this.#insert = db.prepare('INSERT INTO batches VALUES (?, ?, ?, ?, ?, ?, ?, ?)')
  }

  /** Writes records in their order; records of one partition share rows whichever transaction they came with. */
  append(transactions: readonly (readonly NewRecord[])[], nowMs: number): Growth[] {
    const grown: Growth[] = []
    for (const [log, records] of this.#byLog(transactions)) {
      grown.push(log.isCompacted ? this.#putEntries(log, records, nowMs) : this.#insertBatches(log, records, nowMs))
    }
    return grown
  }

  #byLog(transactions: readonly (readonly NewRecord[])[]): Map<Log, NewRecord[]> {
    const byLog = new Map<Log, NewRecord[]>()
    for (const records of transactions) {
      for (const record of records) {
        const { logs } = this.#catalog.topic(record.topic)
        const log = logs[partitionOf(record.key, logs.length)]
        if (log === undefined) continue
        const list = byLog.get(log)
        if (list === undefined) byLog.set(log, [record])
        else list.push(record)
      }
    }
    return byLog
  }

  #putEntries(log: Log, records: readonly NewRecord[], nowMs: number): Growth {
    let at = log.end
    for (const record of records) this.#compacted.putEntry(log, record, at++, nowMs)
    this.#compacted.setEnd(log, at)
    return { log, records, end: at, markMs: undefined }
  }

  #insertBatches(log: Log, records: readonly NewRecord[], nowMs: number): Growth {
    const markMs = this.#marks.mark(log, log.end, nowMs)
    let from = 0
    while (from < records.length) {
      const to = batchEnd(records, from)
      this.#insertBatch(log, log.end + from, records, from, to, nowMs)
      from = to
    }
    return { log, records, end: log.end + records.length, markMs }
  }

  #insertBatch(log: Log, base: number, records: readonly NewRecord[], from: number, to: number, nowMs: number): void {
    const { codec, body, rawBytes } = encodeBatch(records, from, to)
    const count = to - from
    const crc = bodyCrc(body)
    const head = headCrc({ logId: log.id, base, count, appendedMs: nowMs, codec, rawBytes, bodyCrc: crc })
    this.#insert.run(batchId(log.id, base), count, nowMs, codec, rawBytes, crc, head, body)
    this.#stats.rawBytesAppended += rawBytes
    this.#stats.storedBytesAppended += body.length
  }
}

/** Where the batch that begins at `from` ends: at most so many records and bytes, at least one record. */
function batchEnd(records: readonly NewRecord[], from: number): number {
  const last = Math.min(records.length, from + batchRecordsMax)
  let bytes = 0
  for (let i = from; i < last; i++) {
    const record = records[i]
    if (record === undefined) return i
    bytes += recordBytesBound(record)
    if (bytes > batchBytesMax && i > from) return i
  }
  return last
}
