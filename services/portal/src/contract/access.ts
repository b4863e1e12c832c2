/** Who may do what: set-up, sessions, accounts, audit log. */
import { z } from 'zod'
import { timeMs } from './common.ts'

/** Viewers see everything that is no secret and change nothing. */
const roleSchema = z.enum(['admin', 'viewer'])
const accountNameSchema = z
  .string()
  .trim()
  .min(1)
  .max(128)
  .regex(
    /^[^\u0000-\u001f\u007f<>"'\\\u200b-\u200f\u2028-\u202e\u2066-\u2069]+$/,
    'use letters, digits, spaces and . _ - @ +',
  )
/** NIST SP 800-63B §3.1.1.2: length counts, composition does not. Bytes are bounded, since hashing costs by them. */
const passwordSchema = z.string().min(12, 'use at least 12 characters').max(256)

/** `GET /session`. */
export const sessionSchema = z.object({
  /** `setup`: no account exists yet; the set-up link makes the first. */
  state: z.enum(['setup', 'signed-out', 'signed-in']),
  csrfToken: z.string(),
  account: z.object({ name: z.string(), role: roleSchema }).optional(),
  /** The name on the button, where sign-in by OpenID Connect is configured. It starts at `GET /oidc/start`. */
  oidc: z.object({ name: z.string() }).optional(),
  version: z.string(),
})
/** `POST /setup`: the first admin; signs in. */
export const setupSchema = z.strictObject({
  token: z.string().max(200),
  name: accountNameSchema,
  password: passwordSchema,
})
/** `POST /session` signs in, `DELETE /session` signs out. */
export const signInSchema = z.strictObject({ name: z.string().max(128), password: z.string().max(256) })

/** `GET /accounts` answers `{ accounts }`. */
export const accountSchema = z.object({
  name: z.string(),
  role: roleSchema,
  origin: z.enum(['local', 'oidc']),
  createdMs: timeMs,
  lastSignInMs: timeMs.optional(),
  sessions: z.int(),
  /** Agents whose tokens stop working when this account is removed. */
  tokensOf: z.array(z.object({ id: z.string(), name: z.string() })),
})
/** `POST /accounts`. */
export const newAccountSchema = z.strictObject({ name: accountNameSchema, role: roleSchema, password: passwordSchema })
/** `PATCH /accounts/:name`; a new password ends the account's sessions. */
export const accountChangeSchema = z.strictObject({ role: roleSchema.optional(), password: passwordSchema.optional() })
/** `DELETE /accounts/:name`. Without `takeOverTokens` the tokens it owns end with it; with it they become the caller's. */
export const accountRemovalSchema = z.strictObject({ takeOverTokens: z.boolean() })
/** `PUT /password`: one's own; answers the session that goes on, since all others end. */
export const ownPasswordSchema = z.strictObject({ current: z.string().max(256), next: passwordSchema })
// `DELETE /accounts/:name/sessions` signs an account out everywhere.

/** `GET /audit?before&limit` answers `{ entries, next? }`, newest first. */
export const auditEntrySchema = z.object({
  id: z.string(),
  atMs: timeMs,
  /** The account, or `system`. */
  actor: z.string(),
  /** Such as `agent.create`, `session.failed`. */
  action: z.string(),
  subject: z.string().optional(),
  /** What changed, without secrets. */
  detail: z.string().optional(),
  address: z.string().optional(),
})

export type Role = z.output<typeof roleSchema>
export type Session = z.output<typeof sessionSchema>
export type Account = z.output<typeof accountSchema>
export type AuditEntry = z.output<typeof auditEntrySchema>
