/** Set-up, signing in and out. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { ownPasswordSchema, type Session, sessionSchema, setupSchema, signInSchema } from '../contract/access.ts'
import { ApiError } from '../server/errors.ts'
import { type Caller, route } from '../server/route.ts'
import type { Access } from './access.ts'
import { accountKey } from './accounts.ts'
import { hashPassword, isPassword } from './passwords.ts'

export function addSessionRoutes(server: FastifyInstance, access: Access, version: string): void {
  const { accounts, sessions, attempts, setUp, oidc } = access

  const sessionOf = (caller: Caller | undefined, csrfToken: string): Session => ({
    state: caller !== undefined ? 'signed-in' : setUp.isOpen ? 'setup' : 'signed-out',
    csrfToken,
    ...(caller === undefined ? {} : { account: { name: caller.name, role: caller.role } }),
    ...(oidc === undefined ? {} : { oidc: { name: oidc.name } }),
    version,
  })
  const begin = (caller: Caller, request: FastifyRequest, reply: FastifyReply): Session =>
    sessionOf(caller, access.signIn(caller.name, request, reply))

  route(server, {
    method: 'GET',
    path: '/session',
    access: 'public',
    summary: 'Who is signed in.',
    answer: sessionSchema,
    handle: ({ caller, request }) => sessionOf(caller, caller === undefined ? '' : access.csrfTokenFor(request)),
  })

  route(server, {
    method: 'POST',
    path: '/setup',
    access: 'public',
    summary: 'Makes the first admin, with the token of the set-up link, and signs in.',
    body: setupSchema,
    answer: sessionSchema,
    bodyBytesMax: 8_192,
    handle: async ({ body: { token, name, password }, request, reply }) => {
      access.beginAttempt(request.ip, 'set-up')
      setUp.check(token)
      const hashed = await hashPassword(password)
      // Again: another may have used the link while the password was hashed.
      setUp.check(token)
      accounts.addFirst({ name, password: hashed })
      setUp.close()
      attempts.succeeded(request.ip, 'set-up')
      access.note({ actor: name, action: 'setup', subject: name, address: request.ip })
      return begin({ name, role: 'admin' }, request, reply)
    },
  })

  route(server, {
    method: 'POST',
    path: '/session',
    access: 'public',
    summary: 'Signs in.',
    body: signInSchema,
    answer: sessionSchema,
    bodyBytesMax: 8_192,
    handle: async ({ body: { name, password }, request, reply }) => {
      const key = accountKey(name)
      access.beginAttempt(request.ip, key)
      const account = accounts.get(name)
      const isRight = await isPassword(password, account?.password)
      if (!isRight || account === undefined) {
        access.signIns.inc({ result: 'failed' })
        access.note({ actor: 'system', action: 'session.failed', subject: name, address: request.ip })
        // The same whether there is such an account or not.
        throw new ApiError('unauthorized', 'this name and password do not go together', {
          nextMove: 'Try again; an admin can set another password.',
        })
      }
      attempts.succeeded(request.ip, key)
      access.note({ actor: account.name, action: 'session.begin', address: request.ip })
      return begin(account, request, reply)
    },
  })

  route(server, {
    method: 'DELETE',
    path: '/session',
    access: 'viewer',
    summary: 'Signs out.',
    handle: ({ request, reply, audit }) => {
      audit('session.end')
      access.signOut(request, reply)
    },
  })

  route(server, {
    method: 'PUT',
    path: '/password',
    access: 'viewer',
    summary: "Changes one's own password; other sessions end.",
    body: ownPasswordSchema,
    answer: sessionSchema,
    bodyBytesMax: 8_192,
    handle: async ({ body: { current, next }, caller, request, reply, audit }) => {
      const account = accounts.get(caller.name)
      if (account?.origin === 'oidc')
        throw new ApiError('conflict', 'this account signs in by OpenID Connect and has no password here', {
          nextMove: 'Change it at the issuer.',
        })
      access.beginAttempt(request.ip, accountKey(caller.name))
      if (!(await isPassword(current, account?.password)))
        throw new ApiError('invalid', 'the current password is another', {
          nextMove: 'Enter the one you signed in with.',
          problems: [{ path: ['current'], message: 'this is not the current password' }],
        })
      attempts.succeeded(request.ip, accountKey(caller.name))
      accounts.setPassword(caller.name, await hashPassword(next))
      sessions.endAll(caller.name)
      audit('account.password', caller.name)
      return begin(caller, request, reply)
    },
  })
}
