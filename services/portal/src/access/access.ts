/** Who may do what: the guard of every route, and what its routes need. */
import type { DatabaseSync } from 'node:sqlite'
import type { World } from '@siem-relay/service-kit'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { PortalConfig } from '../config.ts'
import { ApiError } from '../server/errors.ts'
import type { AuditNote, Caller, Guard } from '../server/route.ts'
import { Accounts } from './accounts.ts'
import { SignInAttempts } from './attempts.ts'
import { AuditLog } from './audit.ts'
import { clearCookie, cookieNames, readCookie, setCookie } from './cookies.ts'
import { signInCounter } from './metrics.ts'
import { Oidc } from './oidc.ts'
import { checkOrigin } from './origin.ts'
import { csrfTokenOf, isCsrfToken, lifeMs, Sessions } from './sessions.ts'
import { SetUp } from './set-up.ts'

export interface AccessOptions {
  readonly config: Pick<PortalConfig, 'data' | 'publicUrl' | 'oidc'>
  readonly database: DatabaseSync
  readonly world: Pick<World, 'clock' | 'log' | 'metrics'>
  readonly env: Readonly<Record<string, string | undefined>>
}

export class Access implements Guard, AsyncDisposable {
  readonly accounts: Accounts
  readonly sessions: Sessions
  readonly auditLog: AuditLog
  readonly attempts: SignInAttempts
  readonly signIns: ReturnType<typeof signInCounter>
  readonly setUp: SetUp
  readonly oidc: Oidc | undefined
  readonly #publicOrigin: string | undefined

  constructor({ config, database, world, env }: AccessOptions) {
    const { clock, log, metrics } = world
    this.signIns = signInCounter(metrics)
    this.#publicOrigin = config.publicUrl === undefined ? undefined : new URL(config.publicUrl).origin
    this.accounts = new Accounts(database, clock)
    this.sessions = new Sessions(database, clock)
    this.auditLog = new AuditLog(database, clock, log)
    this.attempts = new SignInAttempts(clock)
    this.setUp = new SetUp(config.data)
    this.oidc = config.oidc === undefined ? undefined : new Oidc(config.oidc, clock, env)
    if (this.accounts.count() === 0) this.setUp.open()
    else this.setUp.close()
  }

  callerOf(request: FastifyRequest, use?: 'watching'): Caller | undefined {
    const token = readCookie(request, cookieNames.session)
    return token === undefined ? undefined : this.sessions.holderOf(token, use)
  }

  checkOrigin(request: FastifyRequest): void {
    checkOrigin(request, this.#publicOrigin)
  }

  checkCsrf(request: FastifyRequest): void {
    const given = request.headers['x-csrf-token']
    const session = readCookie(request, cookieNames.session) ?? ''
    if (typeof given !== 'string' || !isCsrfToken(session, given))
      throw new ApiError('forbidden', 'the header x-csrf-token is missing or of another session', {
        nextMove: 'Load the page again.',
      })
  }

  note(entry: AuditNote): void {
    this.auditLog.note(entry)
  }

  csrfTokenFor(request: FastifyRequest): string {
    return csrfTokenOf(readCookie(request, cookieNames.session) ?? '')
  }

  /** @throws {ApiError} `too_many` for an address or an account that has to wait. */
  beginAttempt(address: string, account: string): void {
    try {
      this.attempts.begin(address, account)
    } catch (error) {
      this.signIns.inc({ result: 'throttled' })
      throw error
    }
  }

  /** A new session, whatever the browser had before. @returns its CSRF token. */
  signIn(name: string, request: FastifyRequest, reply: FastifyReply): string {
    this.#endSessionOf(request)
    const value = this.sessions.begin(name)
    this.accounts.signedIn(name)
    this.signIns.inc({ result: 'succeeded' })
    setCookie(request, reply, {
      name: cookieNames.session,
      value,
      sameSite: 'strict',
      maxAgeSeconds: lifeMs / 1_000,
    })
    return csrfTokenOf(value)
  }

  signOut(request: FastifyRequest, reply: FastifyReply): void {
    this.#endSessionOf(request)
    clearCookie(request, reply, cookieNames.session)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.oidc?.[Symbol.asyncDispose]()
  }

  #endSessionOf(request: FastifyRequest): void {
    const token = readCookie(request, cookieNames.session)
    if (token !== undefined) this.sessions.end(token)
  }
}
