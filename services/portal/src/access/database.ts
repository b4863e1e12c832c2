/** The portal's own file: accounts, sessions, the audit log, and when tokens were used. What agents are is not here but in the agents topic. */
import { chmodSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { makeDirectory } from '@siem-relay/bus'
import { RelayError } from '@siem-relay/common'

const version = 1

const tables = `
  create table account (
    key text primary key,
    name text not null,
    role text not null check (role in ('admin', 'viewer')),
    origin text not null check (origin in ('local', 'oidc')),
    subject text unique,
    password text,
    created_ms integer not null,
    last_sign_in_ms integer
  ) strict;
  create table session (
    hash blob primary key,
    account text not null references account (key) on delete cascade,
    created_ms integer not null,
    used_ms integer not null
  ) strict;
  create index session_account on session (account);
  create table audit (
    id integer primary key autoincrement,
    at_ms integer not null,
    actor text not null,
    action text not null,
    subject text,
    detail text,
    address text
  ) strict;
  create table token_use (
    id text primary key,
    used_ms integer not null
  ) strict;
  create table forgetting (
    agent text primary key,
    since_ms integer not null
  ) strict;
`

/** @throws {RelayError} `RELAY_PORTAL_DATA` when it cannot be used. */
export function openDatabase(directory: string): DatabaseSync {
  const path = join(directory, 'portal.db')
  try {
    makeDirectory(directory, 0o700)
    const database = new DatabaseSync(path, { timeout: 5_000 })
    chmodSync(path, 0o600)
    database.exec('pragma journal_mode = wal; pragma synchronous = full; pragma foreign_keys = on')
    prepare(database, path)
    return database
  } catch (cause) {
    if (cause instanceof RelayError) throw cause
    throw new RelayError('RELAY_PORTAL_DATA', `${path} cannot be used`, { cause })
  }
}

function prepare(database: DatabaseSync, path: string): void {
  const found = Number(database.prepare('pragma user_version').get()?.user_version)
  if (found > version)
    throw new RelayError(
      'RELAY_PORTAL_DATA',
      `${path} was written by a newer version of the portal (${found}, this one knows ${version}): run that one`,
    )
  if (found === 0) database.exec(`begin; ${tables} pragma user_version = ${version}; commit`)
}
