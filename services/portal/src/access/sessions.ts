/** Sessions: 256 random bits in a cookie, their hash here. They end after 30 minutes without use and after 12 hours in any case. */
import { createHash, createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import type { DatabaseSync } from 'node:sqlite'
import type { Clock } from '@siem-relay/common'
import type { Role } from '../contract/access.ts'
import { accountKey } from './accounts.ts'

const idleMs = 30 * 60_000
export const lifeMs = 12 * 3_600_000
/** Use is written down at most so often. */
const touchMs = 60_000
/** Of one account; the ones used least lately end. */
const perAccountMax = 20

export interface SessionHolder {
  readonly name: string
  readonly role: Role
}

export class Sessions {
  readonly #database: DatabaseSync
  readonly #clock: Pick<Clock, 'nowMs'>

  constructor(database: DatabaseSync, clock: Pick<Clock, 'nowMs'>) {
    this.#database = database
    this.#clock = clock
  }

  /** @returns the token for the cookie. */
  begin(name: string): string {
    const token = randomBytes(32).toString('base64url')
    const nowMs = this.#clock.nowMs()
    const key = accountKey(name)
    this.#database
      .prepare('delete from session where created_ms < ? or used_ms < ?')
      .run(nowMs - lifeMs, nowMs - idleMs)
    this.#database
      .prepare(
        'delete from session where hash in (select hash from session where account = ? order by used_ms desc limit -1 offset ?)',
      )
      .run(key, perAccountMax - 1)
    this.#database
      .prepare('insert into session (hash, account, created_ms, used_ms) values (?, ?, ?, ?)')
      .run(hashOf(token), key, nowMs, nowMs)
    return token
  }

  /** Whose session it is; undefined for one that never was or has ended. */
  holderOf(token: string, use?: 'watching'): SessionHolder | undefined {
    if (!/^[A-Za-z0-9_-]{43}$/.test(token)) return undefined
    const hash = hashOf(token)
    const nowMs = this.#clock.nowMs()
    const row = this.#database
      .prepare(
        'select name, role, session.created_ms, used_ms from session join account on account.key = session.account where hash = ?',
      )
      .get(hash)
    if (row === undefined) return undefined
    if (nowMs - Number(row.created_ms) >= lifeMs || nowMs - Number(row.used_ms) >= idleMs) {
      this.end(token)
      return undefined
    }
    if (use !== 'watching' && nowMs - Number(row.used_ms) >= touchMs)
      this.#database.prepare('update session set used_ms = ? where hash = ?').run(nowMs, hash)
    return { name: String(row.name), role: row.role === 'admin' ? 'admin' : 'viewer' }
  }

  end(token: string): void {
    this.#database.prepare('delete from session where hash = ?').run(hashOf(token))
  }

  endAll(name: string): void {
    this.#database.prepare('delete from session where account = ?').run(accountKey(name))
  }

  count(): number {
    const nowMs = this.#clock.nowMs()
    return Number(
      this.#database
        .prepare('select count(*) as n from session where created_ms > ? and used_ms > ?')
        .get(nowMs - lifeMs, nowMs - idleMs)?.n,
    )
  }

  countOf(name: string): number {
    const nowMs = this.#clock.nowMs()
    return Number(
      this.#database
        .prepare('select count(*) as n from session where account = ? and created_ms > ? and used_ms > ?')
        .get(accountKey(name), nowMs - lifeMs, nowMs - idleMs)?.n,
    )
  }
}

/** What pages of a session show with each change: nothing has to be stored for it. */
export function csrfTokenOf(session: string): string {
  return createHmac('sha256', session).update('csrf').digest('base64url')
}

export function isCsrfToken(session: string, given: string): boolean {
  const expected = Buffer.from(csrfTokenOf(session))
  const actual = Buffer.from(given)
  return expected.length === actual.length && timingSafeEqual(expected, actual)
}

/** The entropy is high: nothing slower is needed. */
function hashOf(token: string): Buffer {
  return createHash('sha256').update(token).digest()
}
