/** The database file: its settings, its tables, its version, and whether it was closed in order. */
import { statSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync, type StatementSync } from 'node:sqlite'
import { RelayError } from '@siem-relay/common'

const schemaVersion = 1
/** Above this size a check at boot would take longer than an operator waits; the checksums find damage in payloads anyway. */
const quickCheckBytesMax = 256 * 1024 * 1024

/** Pages of 32 KB: a batch of 500 records is one chain of a few pages (176,000 appends/s against 68,000 with 4 KB pages). */
const settings = `
  PRAGMA page_size=32768;
  PRAGMA journal_mode=WAL;
  PRAGMA synchronous=FULL;
  PRAGMA wal_autocheckpoint=512;
  PRAGMA journal_size_limit=67108864;
  PRAGMA cache_size=-16384;
  PRAGMA temp_store=MEMORY;
`

/** A batch's id is `log id << 44 | base offset`, so that a partition is one key range and needs no second index.
 *  `marks` remembers the first batch of every minute of a partition: finding an offset by time reads no batches. */
const tables = `
  CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS topics (
    id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, partitions INTEGER NOT NULL,
    cleanup TEXT NOT NULL, retention_ms INTEGER NOT NULL);
  CREATE TABLE IF NOT EXISTS logs (
    id INTEGER PRIMARY KEY, topic_id INTEGER NOT NULL, partition INTEGER NOT NULL,
    start INTEGER NOT NULL DEFAULT 0, compacted_end INTEGER NOT NULL DEFAULT 0, UNIQUE (topic_id, partition));
  CREATE TABLE IF NOT EXISTS batches (
    id INTEGER PRIMARY KEY, count INTEGER NOT NULL, appended_ms INTEGER NOT NULL, codec INTEGER NOT NULL,
    raw_bytes INTEGER NOT NULL, body_crc INTEGER NOT NULL, head_crc INTEGER NOT NULL, body BLOB NOT NULL);
  CREATE TABLE IF NOT EXISTS marks (
    log_id INTEGER NOT NULL, base INTEGER NOT NULL, appended_ms INTEGER NOT NULL, PRIMARY KEY (log_id, base)) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS group_offsets (
    consumer_group TEXT NOT NULL, log_id INTEGER NOT NULL, next INTEGER NOT NULL,
    PRIMARY KEY (consumer_group, log_id)) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS owners (id TEXT PRIMARY KEY, epoch INTEGER NOT NULL) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS entries (
    log_id INTEGER NOT NULL, key BLOB NOT NULL, at INTEGER NOT NULL, appended_ms INTEGER NOT NULL,
    headers BLOB NOT NULL, value BLOB NOT NULL, crc INTEGER NOT NULL, PRIMARY KEY (log_id, key)) WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS entries_at ON entries (log_id, at);
  CREATE TABLE IF NOT EXISTS scopes (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
  CREATE TABLE IF NOT EXISTS state (
    scope INTEGER NOT NULL, key BLOB NOT NULL, value BLOB NOT NULL, crc INTEGER NOT NULL,
    PRIMARY KEY (scope, key)) WITHOUT ROWID;
`

/** `run` tells the last row id of the whole connection, and throws where that is no safe number: a batch's id is none from the 512th
 *  partition on (`512 << 44` is 2^53). Statements that write tell in big integers. */
class LogDatabase extends DatabaseSync {
  override prepare(sql: string): StatementSync {
    const statement = super.prepare(sql)
    if (/^\s*(INSERT|UPDATE|DELETE)\b/i.test(sql)) statement.setReadBigInts(true)
    return statement
  }
}

/**
 * Opens or creates the file and marks it as in use.
 * @throws {RelayError} `RELAY_LOG_SCHEMA` when a newer version wrote it; `RELAY_LOG_UNUSABLE` when its structure is damaged.
 */
export function openDatabase(directory: string, pagesMax: number | undefined): DatabaseSync {
  const file = join(directory, 'log.db')
  const db = new LogDatabase(file, { timeout: 5000 })
  try {
    db.exec(settings)
    if (pagesMax !== undefined) db.exec(`PRAGMA max_page_count=${pagesMax}`)
    db.exec('CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value) WITHOUT ROWID')
    const found = readMeta(db, 'schema')
    if (typeof found === 'number' && found > schemaVersion) {
      throw new RelayError('RELAY_LOG_SCHEMA', `${file} has schema ${found}; this version knows up to ${schemaVersion}`)
    }
    if (found !== undefined && readMeta(db, 'clean') !== 1) checkStructure(db, file)
    db.exec(tables)
    writeMeta(db, 'schema', schemaVersion)
    writeMeta(db, 'clean', 0)
    return db
  } catch (error) {
    db.close()
    throw error
  }
}

/** Checkpoints, notes that everything is in place, and closes the file. */
export function closeDatabase(db: DatabaseSync): void {
  try {
    writeMeta(db, 'clean', 1)
    db.exec('PRAGMA wal_checkpoint(TRUNCATE)')
  } finally {
    db.close()
  }
}

function checkStructure(db: DatabaseSync, file: string): void {
  if (statSync(file).size > quickCheckBytesMax) return
  const problems = db
    .prepare('PRAGMA quick_check(3)')
    .all()
    .map((row) => String(row.quick_check))
  if (problems.join() === 'ok') return
  throw new RelayError(
    'RELAY_LOG_UNUSABLE',
    `${file} is damaged (${problems.join('; ').slice(0, 300)}): restore it or move it away`,
  )
}

function readMeta(db: DatabaseSync, name: string): unknown {
  return db.prepare('SELECT value FROM meta WHERE name = ?').get(name)?.value
}

function writeMeta(db: DatabaseSync, name: string, value: number): void {
  db.prepare('INSERT INTO meta VALUES (?, ?) ON CONFLICT DO UPDATE SET value = excluded.value').run(name, value)
}
