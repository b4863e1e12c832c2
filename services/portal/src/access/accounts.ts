/** Accounts: who may sign in, and as what. A name is the same whatever its case. */
import type { DatabaseSync } from 'node:sqlite'
import type { Clock } from '@siem-relay/common'
import type { Role } from '../contract/access.ts'
import { ApiError } from '../server/errors.ts'

export interface StoredAccount {
  readonly key: string
  readonly name: string
  readonly role: Role
  readonly origin: 'local' | 'oidc'
  readonly password: string | undefined
  readonly createdMs: number
  readonly lastSignInMs: number | undefined
}

const accountsMax = 1_000

export function accountKey(name: string): string {
  return name.normalize('NFKC').trim().toLowerCase()
}

export class Accounts {
  readonly #database: DatabaseSync
  readonly #clock: Pick<Clock, 'nowMs'>

  constructor(database: DatabaseSync, clock: Pick<Clock, 'nowMs'>) {
    this.#database = database
    this.#clock = clock
  }

  count(): number {
    return Number(this.#database.prepare('select count(*) as n from account').get()?.n)
  }

  all(): readonly StoredAccount[] {
    return this.#database.prepare('select * from account order by key').all().map(accountOf)
  }

  get(name: string): StoredAccount | undefined {
    const row = this.#database.prepare('select * from account where key = ?').get(accountKey(name))
    return row === undefined ? undefined : accountOf(row)
  }

  /** @throws {ApiError} `conflict` when the name is taken. */
  add({ name, role, password }: { readonly name: string; readonly role: Role; readonly password: string }): void {
    this.#insert({ name, role, origin: 'local', password, subject: null })
  }

  /** The very first, if there is still none: two that try at once get one account. @throws {ApiError} `conflict` */
  addFirst({ name, password }: { readonly name: string; readonly password: string }): void {
    this.#database.exec('begin immediate')
    try {
      if (this.count() > 0) throw new ApiError('conflict', 'the portal is set up already', { nextMove: 'Sign in.' })
      this.add({ name, role: 'admin', password })
      this.#database.exec('commit')
    } catch (error) {
      this.#database.exec('rollback')
      throw error
    }
  }

  /**
   * Somebody whom the issuer vouches for: known by the issuer's own id of them, which no name can take.
   * @returns the account, with the role of this sign-in.
   */
  vouchedFor(subject: string, wantedName: string, role: Role): StoredAccount {
    const known = this.#database.prepare('select name from account where subject = ?').get(subject)
    if (known !== undefined) {
      this.#database.prepare('update account set role = ? where subject = ?').run(role, subject)
      return this.#found(String(known.name))
    }
    for (let suffix = 0; suffix < 100; suffix++) {
      const name = suffix === 0 ? wantedName : `${wantedName.slice(0, 120)} (${suffix + 1})`
      if (this.get(name) !== undefined) continue
      this.#insert({ name, role, origin: 'oidc', password: null, subject })
      return this.#found(name)
    }
    throw new ApiError('conflict', `the name ${wantedName} is taken`, { nextMove: 'Remove accounts of that name.' })
  }

  setRole(name: string, role: Role): void {
    this.#database.prepare('update account set role = ? where key = ?').run(role, accountKey(name))
  }

  setPassword(name: string, password: string): void {
    this.#database.prepare('update account set password = ? where key = ?').run(password, accountKey(name))
  }

  signedIn(name: string): void {
    const nowMs = this.#clock.nowMs()
    this.#database.prepare('update account set last_sign_in_ms = ? where key = ?').run(nowMs, accountKey(name))
  }

  /** Its sessions go with it. */
  remove(name: string): void {
    this.#database.prepare('delete from account where key = ?').run(accountKey(name))
  }

  /** @throws {ApiError} `conflict` when nobody could manage the portal without this admin. */
  refuseLastAdmin(name: string): void {
    const admins = this.all().filter(({ role }) => role === 'admin')
    if (admins.length === 1 && admins[0]?.key === accountKey(name))
      throw new ApiError('conflict', `${name} is the only admin`, { nextMove: 'Make another account an admin first.' })
  }

  #found(name: string): StoredAccount {
    const account = this.get(name)
    if (account === undefined) throw new Error('an account that was just written is not there')
    return account
  }

  #insert(account: {
    readonly name: string
    readonly role: Role
    readonly origin: 'local' | 'oidc'
    readonly password: string | null
    readonly subject: string | null
  }): void {
    const { name, role, origin, password, subject } = account
    if (this.get(name) !== undefined) throw takenName(name)
    if (this.count() >= accountsMax)
      throw new ApiError('conflict', `there are ${accountsMax} accounts, the most`, { nextMove: 'Remove one first.' })
    this.#database
      .prepare(
        'insert into account (key, name, role, origin, subject, password, created_ms) values (?, ?, ?, ?, ?, ?, ?)',
      )
      .run(accountKey(name), name, role, origin, subject, password, this.#clock.nowMs())
  }
}

function accountOf(row: Record<string, unknown>): StoredAccount {
  return {
    key: String(row.key),
    name: String(row.name),
    role: row.role === 'admin' ? 'admin' : 'viewer',
    origin: row.origin === 'oidc' ? 'oidc' : 'local',
    password: row.password === null ? undefined : String(row.password),
    createdMs: Number(row.created_ms),
    lastSignInMs: row.last_sign_in_ms === null ? undefined : Number(row.last_sign_in_ms),
  }
}

export function takenName(name: string): ApiError {
  return new ApiError('conflict', `there is an account ${name} already`, { nextMove: 'Choose another name.' })
}
