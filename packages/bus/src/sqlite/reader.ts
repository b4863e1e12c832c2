/** Reads one partition forward, batch row by batch row. Damage is a result, not an exception: what cannot be read is named with
 *  its range, so that the caller can pass it and tell. */
import type { DatabaseSync, StatementSync } from 'node:sqlite'
import type { BusRecord } from '../port.ts'
import { decodeBatch } from './batch-codec.ts'
import { batchId, bodyCrc, headCrc, offsetMask } from './batch-row.ts'
import type { Log } from './catalog.ts'
import { damagedBytesKept } from './limits.ts'

export interface RecordsRead {
  readonly kind: 'records'
  readonly records: readonly BusRecord[]
  /** Where reading goes on. */
  readonly next: number
}

export interface DamageRead {
  readonly kind: 'damage'
  readonly first: number
  readonly next: number
  readonly reason: string
  /** The stored bytes as they are, cut at 256 KB; empty when the row is gone. */
  readonly bytes: Uint8Array
}

interface Row {
  readonly base: number
  readonly count: number
  readonly appendedMs: number
  readonly codec: number
  readonly rawBytes: number
  readonly bodyCrc: number
  readonly headCrc: number
  readonly body: Uint8Array
}

export class BatchRows {
  readonly #atOrBefore: StatementSync
  readonly #after: StatementSync

  constructor(db: DatabaseSync) {
    const columns = `id & ${offsetMask} AS base, count, appended_ms, codec, raw_bytes, body_crc, head_crc, body`
    this.#atOrBefore = db.prepare(`SELECT ${columns} FROM batches WHERE id BETWEEN ? AND ? ORDER BY id DESC LIMIT 1`)
    this.#after = db.prepare(`SELECT ${columns} FROM batches WHERE id BETWEEN ? AND ? ORDER BY id LIMIT 1`)
  }

  atOrBefore(log: Log, offset: number): Row | undefined {
    return rowOf(this.#atOrBefore.get(batchId(log.id, 0), batchId(log.id, offset)))
  }

  after(log: Log, offset: number): Row | undefined {
    return rowOf(this.#after.get(batchId(log.id, offset), batchId(log.id, 0) | offsetMask))
  }
}

/** A place in one partition. Keeps the rest of the row it stands in: at most one row's records. */
export class Cursor {
  readonly #rows: BatchRows
  readonly #log: Log
  #next: number
  #held: readonly BusRecord[] = []
  #heldFrom = 0

  constructor(rows: BatchRows, log: Log, from: number) {
    this.#rows = rows
    this.#log = log
    this.#next = from
  }

  /** The offset of the next record. */
  get next(): number {
    return this.#next
  }

  /**
   * The next records: at most `recordsMax`, and no more than `bytesMax` of keys and values unless a single record is larger.
   * @param until offset to stop before; default: the end.
   * @returns undefined at the end.
   */
  read(recordsMax: number, bytesMax: number, until = this.#log.end): RecordsRead | DamageRead | undefined {
    const records: BusRecord[] = []
    let bytes = 0
    while (records.length < recordsMax && bytes < bytesMax) {
      if (this.#heldFrom >= this.#held.length) {
        const damage = this.#load(until, records.length > 0)
        if (damage !== undefined) return damage
        if (this.#heldFrom >= this.#held.length) break
      }
      const record = this.#held[this.#heldFrom]
      if (record === undefined || record.offset >= until) break
      bytes += record.value.length + record.key.length
      if (bytes > bytesMax && records.length > 0) break
      records.push(record)
      this.#heldFrom++
      this.#next = record.offset + 1
    }
    if (records.length === 0) return undefined
    return { kind: 'records', records, next: this.#next }
  }

  /** Holds the row that contains the next offset. Damage is told only between results: `isMidway` leaves it for the next call. */
  #load(until: number, isMidway: boolean): DamageRead | undefined {
    this.#held = []
    this.#heldFrom = 0
    // Retention may have moved the start beyond a slow reader.
    if (this.#next < this.#log.start) this.#next = this.#log.start
    if (this.#next >= until) return undefined
    const next = this.#next
    let row = this.#rows.atOrBefore(this.#log, next)
    if (row === undefined || (checkHead(this.#log, row) && row.base + row.count <= next)) {
      row = this.#rows.after(this.#log, next)
      if (row === undefined || row.base > next) {
        if (isMidway) return undefined
        return this.#pass(Math.min(until, row?.base ?? this.#log.end), 'rows are missing', new Uint8Array(0))
      }
    }
    const records = this.#decode(row)
    if (typeof records !== 'string') {
      this.#held = records
      this.#heldFrom = next - row.base
      return undefined
    }
    if (isMidway) return undefined
    const following = this.#rows.after(this.#log, row.base + 1)
    return this.#pass(Math.min(until, following?.base ?? this.#log.end), records, row.body)
  }

  #pass(next: number, reason: string, bytes: Uint8Array): DamageRead {
    const first = this.#next
    this.#next = next
    return { kind: 'damage', first, next, reason, bytes: bytes.subarray(0, damagedBytesKept) }
  }

  #decode(row: Row): BusRecord[] | string {
    if (!checkHead(this.#log, row)) return 'the checksum of the batch head does not match'
    if (bodyCrc(row.body) !== row.bodyCrc) return 'the checksum of the batch body does not match'
    return decodeBatch(row.body, { ...row, topic: this.#log.topicName, partition: this.#log.partition })
  }
}

function checkHead(log: Log, row: Row): boolean {
  return headCrc({ logId: log.id, ...row }) === row.headCrc
}

function rowOf(found: Record<string, unknown> | undefined): Row | undefined {
  if (found === undefined) return undefined
  return {
    base: Number(found.base),
    count: Number(found.count),
    appendedMs: Number(found.appended_ms),
    codec: Number(found.codec),
    rawBytes: Number(found.raw_bytes),
    bodyCrc: Number(found.body_crc),
    headCrc: Number(found.head_crc),
    body: found.body instanceof Uint8Array ? found.body : new Uint8Array(0),
  }
}
