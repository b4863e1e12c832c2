/** What SQLite's errors mean to the relay. */
import { RelayError } from '@siem-relay/common'

/** Primary result codes that decide something here; https://www.sqlite.org/rescode.html */
const sqliteIoError = 10
const sqliteCorrupt = 11
const sqliteFull = 13
const sqliteNotADatabase = 26

/** SQLite's primary result code; undefined for other errors. */
export function sqliteCode(error: unknown): number | undefined {
  if (!(error instanceof Error) || !('errcode' in error) || typeof error.errcode !== 'number') return undefined
  return error.errcode & 0xff
}

/** Whether the disk, not the content of a transaction, is to blame: everyone in the group fails alike. */
export function isDiskError(error: unknown): boolean {
  const code = sqliteCode(error)
  return code === sqliteFull || code === sqliteIoError
}

/** Classifies an error met while `doing` something to the log: `RELAY_LOG_FULL`, `RELAY_LOG_UNUSABLE` or `RELAY_LOG_WRITE`. */
export function toRelayError(error: unknown, doing: string): RelayError {
  if (error instanceof RelayError) return error
  const code = sqliteCode(error)
  if (code === sqliteFull) {
    return new RelayError('RELAY_LOG_FULL', `disk full while ${doing}; nothing was written, tried again later`, {
      cause: error,
    })
  }
  if (code === sqliteCorrupt || code === sqliteNotADatabase) {
    return new RelayError('RELAY_LOG_UNUSABLE', `the log's file is damaged, found while ${doing}; restore it`, {
      cause: error,
    })
  }
  return new RelayError('RELAY_LOG_WRITE', `the log failed while ${doing}; nothing was written, tried again later`, {
    cause: error,
  })
}
