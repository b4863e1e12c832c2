/** Accounts and the audit log, for admins. */
import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import {
  type Account,
  accountChangeSchema,
  accountRemovalSchema,
  accountSchema,
  auditEntrySchema,
  newAccountSchema,
} from '../contract/access.ts'
import { pageQuerySchema } from '../contract/common.ts'
import { ApiError } from '../server/errors.ts'
import { route } from '../server/route.ts'
import type { Access } from './access.ts'
import { type StoredAccount, takenName } from './accounts.ts'
import { hashPassword } from './passwords.ts'

/** Tokens of agents, as far as they belong to accounts. */
export interface OwnedTokens {
  ofOwner(owner: string): readonly { readonly id: string; readonly name: string }[]
  /** They become another's. */
  takeOver(owner: string, by: string): Promise<void>
  /** They end with their owner. */
  revokeAll(owner: string, by: string): Promise<void>
}

const nameParams = z.object({ name: z.string().min(1).max(128) })

export function addAccountRoutes(server: FastifyInstance, access: Access, tokens: OwnedTokens): void {
  const { accounts, sessions } = access
  const view = ({ name, role, origin, createdMs, lastSignInMs }: StoredAccount): Account => ({
    name,
    role,
    origin,
    createdMs,
    ...(lastSignInMs === undefined ? {} : { lastSignInMs }),
    sessions: sessions.countOf(name),
    tokensOf: [...tokens.ofOwner(name)],
  })
  const found = (name: string): StoredAccount => {
    const account = accounts.get(name)
    if (account === undefined)
      throw new ApiError('not_found', `there is no account ${name}`, {
        nextMove: 'Look for it in the list of accounts.',
      })
    return account
  }

  route(server, {
    method: 'GET',
    path: '/accounts',
    access: 'admin',
    summary: 'Every account.',
    answer: z.object({ accounts: z.array(accountSchema) }),
    handle: () => ({ accounts: accounts.all().map(view) }),
  })

  route(server, {
    method: 'POST',
    path: '/accounts',
    access: 'admin',
    summary: 'Makes an account.',
    body: newAccountSchema,
    answer: accountSchema,
    status: 201,
    bodyBytesMax: 8_192,
    handle: async ({ body: { name, role, password }, audit }) => {
      if (accounts.get(name) !== undefined) throw takenName(name)
      accounts.add({ name, role, password: await hashPassword(password) })
      audit('account.create', name, role)
      return view(found(name))
    },
  })

  route(server, {
    method: 'PATCH',
    path: '/accounts/:name',
    access: 'admin',
    summary: 'Changes a role or a password; a new password ends the sessions of the account.',
    params: nameParams,
    body: accountChangeSchema,
    answer: accountSchema,
    bodyBytesMax: 8_192,
    handle: async ({ params, body: { role, password }, audit }) => {
      const { name, origin } = found(params.name)
      if (origin === 'oidc')
        throw new ApiError('conflict', `${name} signs in by OpenID Connect`, {
          nextMove: 'Change their groups at the issuer; the role follows at the next sign-in.',
        })
      const hashed = password === undefined ? undefined : await hashPassword(password)
      if (role === 'viewer') accounts.refuseLastAdmin(name)
      if (role !== undefined) {
        accounts.setRole(name, role)
        audit('account.role', name, role)
      }
      if (hashed !== undefined) {
        accounts.setPassword(name, hashed)
        sessions.endAll(name)
        audit('account.password', name)
      }
      return view(found(name))
    },
  })

  route(server, {
    method: 'DELETE',
    path: '/accounts/:name',
    access: 'admin',
    summary: 'Removes an account; the tokens it owns end with it, or become the caller’s.',
    params: nameParams,
    body: accountRemovalSchema,
    handle: async ({ params, body: { takeOverTokens }, caller, audit }) => {
      const { name } = found(params.name)
      accounts.refuseLastAdmin(name)
      const owned = tokens.ofOwner(name)
      // Tokens first: should that fail, the account is still there to try again with.
      if (owned.length > 0)
        await (takeOverTokens ? tokens.takeOver(name, caller.name) : tokens.revokeAll(name, caller.name))
      accounts.remove(name)
      const what =
        owned.length === 0 ? undefined : `${owned.length} tokens ${takeOverTokens ? 'taken over' : 'revoked'}`
      audit('account.remove', name, what)
    },
  })

  route(server, {
    method: 'DELETE',
    path: '/accounts/:name/sessions',
    access: 'admin',
    summary: 'Signs an account out everywhere.',
    params: nameParams,
    handle: ({ params, audit }) => {
      const { name } = found(params.name)
      sessions.endAll(name)
      audit('account.sign-out', name)
    },
  })

  route(server, {
    method: 'GET',
    path: '/audit',
    access: 'admin',
    summary: 'The audit log, newest first.',
    query: pageQuerySchema.extend({
      before: z
        .string()
        .regex(/^\d{1,15}$/)
        .optional(),
    }),
    answer: z.object({ entries: z.array(auditEntrySchema), next: z.string().optional() }),
    handle: ({ query }) => access.auditLog.page(query),
  })
}
