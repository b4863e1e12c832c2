/** One process per log directory. The lock is SQLite's own file lock on a small file of its own: the system drops it when the
 *  process dies, however it dies, so a stale lock cannot exist. The holder's pid stands in a file beside it, for the message. */
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { RelayError } from '@siem-relay/common'
import { sqliteCode } from './errors.ts'

const sqliteBusy = 5
/** Keeps the lock files reachable: garbage collection closes a forgotten database, and with it the lock. */
const held = new Set<DatabaseSync>()

/**
 * Takes the directory for this process.
 * @returns releases it.
 * @throws {RelayError} `RELAY_LOG_LOCKED` naming the pid that holds it.
 */
export function lockDirectory(directory: string): () => void {
  const pidFile = join(directory, 'lock.pid')
  const file = new DatabaseSync(join(directory, 'lock.db'), { timeout: 0 })
  try {
    file.exec('PRAGMA locking_mode=EXCLUSIVE; BEGIN EXCLUSIVE')
  } catch (error) {
    file.close()
    if (sqliteCode(error) !== sqliteBusy) throw error
    throw new RelayError('RELAY_LOG_LOCKED', `${directory} is in use by process ${readPid(pidFile)}`, { cause: error })
  }
  writeFileSync(pidFile, `${process.pid}\n`, { mode: 0o600 })
  held.add(file)
  return () => {
    held.delete(file)
    rmSync(pidFile, { force: true })
    file.close()
  }
}

function readPid(pidFile: string): string {
  try {
    return /^\d{1,10}$/.exec(readFileSync(pidFile, 'utf8').trim())?.[0] ?? 'unknown'
  } catch {
    return 'unknown'
  }
}
