/** Compacted data: one row per key, a checksum in each. `entries` are the values of compacted topics, `state` is what owners
 *  and stages keep. A damaged row is told and taken for absent, never used. */
import type { DatabaseSync, StatementSync } from 'node:sqlite'
import { crc32 } from 'node:zlib'
import type { Headers, StateChange } from '../port.ts'
import type { Log } from './catalog.ts'

export interface Entry {
  readonly key: string
  readonly value: Buffer
  readonly headers: Headers
  readonly offset: number
  readonly appendedMs: number
}

/** A row whose checksum does not fit. */
interface DamagedRow {
  readonly key: string
  readonly value: Uint8Array
}

export interface Restored<T> {
  readonly rows: readonly T[]
  readonly damaged: readonly DamagedRow[]
}

export class Compacted {
  readonly #db: DatabaseSync
  readonly #putEntry: StatementSync
  readonly #dropEntry: StatementSync
  readonly #setEnd: StatementSync
  readonly #putState: StatementSync
  readonly #dropState: StatementSync

  constructor(db: DatabaseSync) {
    this.#db = db
    this.#putEntry = db.prepare('INSERT OR REPLACE INTO entries VALUES (?, ?, ?, ?, ?, ?, ?)')
    this.#dropEntry = db.prepare('DELETE FROM entries WHERE log_id = ? AND key = ?')
    this.#setEnd = db.prepare('UPDATE logs SET compacted_end = ? WHERE id = ?')
    this.#putState = db.prepare('INSERT OR REPLACE INTO state VALUES (?, ?, ?, ?)')
    this.#dropState = db.prepare('DELETE FROM state WHERE scope = ? AND key = ?')
  }

  /** The number of a named state, made on first use. */
  scope(name: string): number {
    this.#db.prepare('INSERT OR IGNORE INTO scopes (name) VALUES (?)').run(name)
    return Number(this.#db.prepare('SELECT id FROM scopes WHERE name = ?').get(name)?.id)
  }

  putEntry(
    log: Log,
    entry: { key: string; value: Uint8Array | null; headers: Headers },
    at: number,
    nowMs: number,
  ): void {
    const key = Buffer.from(entry.key, 'utf8')
    if (entry.value === null) {
      this.#dropEntry.run(log.id, key)
      return
    }
    const headers = Buffer.from(JSON.stringify(entry.headers), 'utf8')
    this.#putEntry.run(
      log.id,
      key,
      at,
      nowMs,
      headers,
      entry.value,
      entryCrc(log.id, key, at, nowMs, headers, entry.value),
    )
  }

  /** Offsets of a compacted topic go on after its newest values were deleted. */
  setEnd(log: Log, end: number): void {
    this.#setEnd.run(end, log.id)
  }

  putState(scope: number, change: StateChange): void {
    const key = Buffer.from(change.key, 'utf8')
    if (change.value === null) this.#dropState.run(scope, key)
    else this.#putState.run(scope, key, change.value, stateCrc(scope, key, change.value))
  }

  state(scope: number): Restored<[string, Buffer]> {
    const rows: [string, Buffer][] = []
    const damaged: DamagedRow[] = []
    for (const row of this.#db.prepare('SELECT key, value, crc FROM state WHERE scope = ?').iterate(scope)) {
      const key = bytesOf(row.key)
      const value = bytesOf(row.value)
      if (stateCrc(scope, key, value) === row.crc) rows.push([key.toString('utf8'), value])
      else damaged.push({ key: key.toString('utf8'), value })
    }
    return { rows, damaged }
  }

  /** Values from an offset on, in the order they were set. `next`: where to go on; undefined after the last. */
  entries(log: Log, from: number, rowsMax: number): Restored<Entry> & { readonly next: number | undefined } {
    let last = from
    const rows: Entry[] = []
    const damaged: DamagedRow[] = []
    const select = this.#db.prepare('SELECT * FROM entries WHERE log_id = ? AND at >= ? ORDER BY at LIMIT ?')
    for (const row of select.iterate(log.id, from, rowsMax)) {
      const key = bytesOf(row.key)
      const value = bytesOf(row.value)
      const headers = bytesOf(row.headers)
      const offset = Number(row.at)
      last = offset
      const appendedMs = Number(row.appended_ms)
      if (entryCrc(log.id, key, offset, appendedMs, headers, value) === row.crc) {
        rows.push({
          key: key.toString('utf8'),
          value,
          headers: JSON.parse(headers.toString('utf8')),
          offset,
          appendedMs,
        })
      } else damaged.push({ key: key.toString('utf8'), value })
    }
    return { rows, damaged, next: rows.length + damaged.length < rowsMax ? undefined : last + 1 }
  }
}

const numbers = new Float64Array(3)
const numberBytes = new Uint8Array(numbers.buffer)

function stateCrc(scope: number, key: Uint8Array, value: Uint8Array): number {
  return crcOf([scope, key.length, 0], [key, value])
}

function entryCrc(
  logId: number,
  key: Uint8Array,
  at: number,
  appendedMs: number,
  headers: Uint8Array,
  value: Uint8Array,
): number {
  return crcOf([logId, at, appendedMs], [Uint8Array.of(key.length & 0xff, headers.length & 0xff), key, headers, value])
}

function crcOf(fields: readonly number[], parts: readonly Uint8Array[]): number {
  for (let i = 0; i < numbers.length; i++) numbers[i] = fields[i] ?? 0
  let crc = crc32(numberBytes)
  for (const part of parts) crc = crc32(part, crc)
  return crc
}

/** A flipped bit can turn a blob into another type; its bytes then fail the checksum. */
function bytesOf(value: unknown): Buffer {
  if (value instanceof Uint8Array) return Buffer.from(value.buffer, value.byteOffset, value.byteLength)
  return Buffer.from(String(value), 'utf8')
}
