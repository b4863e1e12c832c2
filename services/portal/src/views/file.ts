/** The file of the read models. It holds nothing that the topics do not: one of another version, or damaged, is deleted and filled anew. */
import { closeSync, openSync, rmSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'

/** Rises with every change of the tables: an older file is thrown away, not converted. */
const schemaVersion = 2
const cacheKiB = 16_384
/** 32 MB: rows go to pages all over the file, which would else be written home with every batch. */
const checkpointPages = 8_192

const tables = `
  -- How far each partition is read; committed with what was made of it.
  CREATE TABLE positions(topic TEXT NOT NULL, part INTEGER NOT NULL, next INTEGER NOT NULL, PRIMARY KEY(topic, part)) WITHOUT ROWID;
  -- Discovery rows that were counted, by a hash of their id, with the day the log took them. No rowid: every run of a statement
  -- tells the last one, and these have 64 bits.
  CREATE TABLE seen(id INTEGER NOT NULL PRIMARY KEY, day INTEGER NOT NULL) WITHOUT ROWID;
  -- Where rows come from.
  CREATE TABLE places(id INTEGER PRIMARY KEY, tenant TEXT NOT NULL, stream TEXT NOT NULL, UNIQUE(tenant, stream));
  -- An app of a tenant as its newest row tells of it. tag: 0 other, 1 sanctioned, 2 unsanctioned.
  CREATE TABLE apps(id INTEGER PRIMARY KEY, tenant TEXT NOT NULL, app TEXT NOT NULL, name TEXT NOT NULL, category TEXT NOT NULL,
    tags TEXT NOT NULL, tag INTEGER NOT NULL, score INTEGER, told_ms INTEGER NOT NULL, UNIQUE(tenant, app));
  CREATE TABLE users(id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
  CREATE TABLE addresses(id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
  -- Sums of a day. user and ip are 0 where a row names none. REAL holds whole numbers exactly up to 2^53 and never overflows.
  CREATE TABLE usage(app INTEGER NOT NULL, user INTEGER NOT NULL, ip INTEGER NOT NULL, day INTEGER NOT NULL, place INTEGER NOT NULL,
    events REAL NOT NULL, blocked REAL NOT NULL, uploaded REAL NOT NULL, downloaded REAL NOT NULL, total REAL NOT NULL,
    first_ms INTEGER NOT NULL, last_ms INTEGER NOT NULL, PRIMARY KEY(app, user, ip, day, place)) WITHOUT ROWID;
  -- The same without users and addresses: small, for what is asked by day.
  CREATE TABLE app_days(app INTEGER NOT NULL, day INTEGER NOT NULL, place INTEGER NOT NULL, events REAL NOT NULL, total REAL NOT NULL,
    PRIMARY KEY(app, day, place)) WITHOUT ROWID;
  CREATE TABLE duplicates(at_ms INTEGER NOT NULL, part INTEGER NOT NULL, place INTEGER NOT NULL, agent TEXT NOT NULL, told TEXT NOT NULL,
    PRIMARY KEY(at_ms, part, place)) WITHOUT ROWID;
  CREATE INDEX duplicates_of_agent ON duplicates(agent, at_ms, part, place);
`

/** @throws what the disk says: no room, no right to write. */
export function openFile(path: string): DatabaseSync {
  try {
    const db = openAsItIs(path)
    if (isWhole(db)) return db
    db.close()
  } catch (error) {
    if (!isDamage(error)) throw error
  }
  removeFile(path)
  const db = openAsItIs(path)
  db.exec(`BEGIN IMMEDIATE; ${tables} PRAGMA user_version = ${schemaVersion}; COMMIT`)
  return db
}

export function removeFile(path: string): void {
  for (const end of ['', '-wal', '-shm']) rmSync(`${path}${end}`, { force: true })
}

/** SQLITE_CORRUPT, SQLITE_NOTADB: only a new file helps. */
export function isDamage(error: unknown): boolean {
  const code = error instanceof Error && 'errcode' in error ? Number(error.errcode) & 0xff : 0
  return code === 11 || code === 26
}

/** Reading only, of a file that is there. */
export function openToRead(path: string): DatabaseSync {
  return new DatabaseSync(path, { readOnly: true, timeout: 5_000 })
}

function openAsItIs(path: string): DatabaseSync {
  // SQLite gives the files beside it the rights of this one.
  if (path !== ':memory:') closeSync(openSync(path, 'a', 0o600))
  const db = new DatabaseSync(path, { timeout: 5_000 })
  try {
    // What a crash of the machine takes from the end is read from the topics again.
    db.exec(`PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA cache_size = -${cacheKiB};
      PRAGMA trusted_schema = OFF; PRAGMA wal_autocheckpoint = ${checkpointPages}; PRAGMA journal_size_limit = 67108864`)
    return db
  } catch (error) {
    db.close()
    throw error
  }
}

function isWhole(db: DatabaseSync): boolean {
  if (db.prepare('PRAGMA user_version').get()?.user_version !== schemaVersion) return false
  return db.prepare('PRAGMA quick_check(1)').get()?.quick_check === 'ok'
}
