/** SIEM agents: the table, the wizards, tokens. A definition is what `agents:` of the configuration file takes (agentSchema), with
 *  `remote: true` for one that runs as `siem-relay agent` in another network. */
import { z } from 'zod'
import { timeMs } from './common.ts'

/** As the portal of the SIEM agent had them: `connection-error` after 2 hours without a connection, `disconnected` after 12. */
const agentStateSchema = z.enum(['created', 'connected', 'connection-error', 'disconnected', 'disabled'])

const notificationSchema = z.object({
  /** The SIEM agent's own names: `data-server-connection-error`, `data-server-send-error`, `siem-agent-error`, …; ours: `token-missing`,
   *  `token-owner-removed`, `dead-letters`, `twins-not-merged`, `tls-not-verified`, … */
  kind: z.string(),
  severity: z.enum(['info', 'warning', 'error']),
  title: z.string(),
  message: z.string(),
  /** What a person can do about it. */
  fix: z.string(),
  /** Path of a page of the documentation. */
  docs: z.string().optional(),
  sinceMs: timeMs,
})

/** A row of the table. `GET /agents` answers `{ agents, tenants }`. */
export const agentRowSchema = z.object({
  id: z.string(),
  name: z.string(),
  /** Agents of the configuration file are shown read-only. */
  managedBy: z.enum(['file', 'portal']),
  createdBy: z.string().optional(),
  createdMs: timeMs.optional(),
  updatedMs: timeMs.optional(),
  /** Rises with every change; a change names the one it is of. */
  revision: z.int(),
  types: z.array(z.enum(['alerts', 'activities', 'discovery'])),
  destination: z.object({
    kind: z.enum(['syslog', 'sentinel', 'console']),
    /** Such as `siem.contoso.com:6514 (TLS)`. */
    text: z.string(),
  }),
  format: z.string(),
  runs: z.enum(['relay', 'remote']),
  enabled: z.boolean(),
  retire: z.boolean(),
  state: agentStateSchema,
  stateSinceMs: timeMs.optional(),
  lastConnectionMs: timeMs.optional(),
  /** `host:port` in use or last used. */
  target: z.string().optional(),
  /** Why it is not connected. */
  cause: z
    .object({ code: z.string(), message: z.string(), nextMove: z.string(), atMs: timeMs, nextTryMs: timeMs.optional() })
    .optional(),
  notifications: z.array(notificationSchema),
  token: z.object({ id: z.string(), owner: z.string(), createdMs: timeMs, lastUsedMs: timeMs.optional() }).optional(),
  /** Messages not delivered yet, and the age of the oldest record. */
  pending: z.int().optional(),
  oldestSeconds: z.number().optional(),
  /** Where it runs now. */
  instances: z.array(
    z.object({ instance: z.string(), host: z.string().optional(), active: z.boolean(), heartbeatMs: timeMs }),
  ),
})

/** `GET /agents/:id`; secrets in the definition are replaced by `""` and stay as they are when they come back so. */
export const agentDetailSchema = agentRowSchema.extend({ definition: z.record(z.string(), z.unknown()) })

/** `POST /agents`: 201 with `{ agent, token? }`; the token is shown this once. */
export const newAgentSchema = z.strictObject({
  definition: z.record(z.string(), z.unknown()),
  /** Default: for a remote agent. */
  issueToken: z.boolean().optional(),
})
/** `PUT /agents/:id` and `PATCH /agents/:id/enabled`: `{ agent }`; 409 `conflict` when the revision is not the one in force: nothing is
 *  overwritten. */
export const agentChangeSchema = z.strictObject({ revision: z.int(), definition: z.record(z.string(), z.unknown()) })
export const agentEnabledSchema = z.strictObject({ revision: z.int(), enabled: z.boolean() })
/** `DELETE /agents/:id`: what is kept for it goes as well. */
export const agentRemovalSchema = z.strictObject({ revision: z.int(), name: z.string() })
/** `POST /agents/check`: what is wrong or dangerous with a draft. `id` may be missing: one is made of the name. */
export const agentCheckSchema = z.strictObject({ definition: z.record(z.string(), z.unknown()) })
export const agentCheckAnswerSchema = z.object({
  problems: z.array(z.object({ path: z.array(z.union([z.string(), z.number()])), message: z.string() })),
  /** Allowed and dangerous, such as a form that loses lines on rsyslog. */
  warnings: z.array(z.object({ path: z.array(z.union([z.string(), z.number()])), message: z.string() })),
  /** A sample line as this draft would send it, header included; absent while there are problems. */
  sample: z.string().optional(),
})
/** `POST /agents/:id/token` (new token, the old one ends at once): `{ token }`. `DELETE /agents/:id/token` revokes it.
 *  `POST /agents/:id/token/owner`: the caller takes it over. */
export const tokenAnswerSchema = z.object({ token: z.string() })

/** `POST /agents/test-message` (admins): sends one line from where the relay runs and tells what happened, step by step. With several
 *  receivers the steps of one come behind those of another. */
export const testMessageSchema = z.strictObject({ definition: z.record(z.string(), z.unknown()) })
export const testMessageAnswerSchema = z.object({
  ok: z.boolean(),
  line: z.string(),
  bytes: z.int(),
  steps: z.array(
    z.object({
      name: z.enum(['settings', 'dns', 'connect', 'tls', 'send', 'confirm']),
      outcome: z.enum(['ok', 'warning', 'failed', 'skipped']),
      ms: z.number().optional(),
      /** What was seen, such as the address, the certificate's subject and expiry. */
      seen: z.string(),
      fix: z.string().optional(),
    }),
  ),
})

export type AgentRow = z.output<typeof agentRowSchema>
export type AgentDetail = z.output<typeof agentDetailSchema>
export type AgentNotification = z.output<typeof notificationSchema>
export type AgentCheck = z.output<typeof agentCheckAnswerSchema>
export type TestMessageAnswer = z.output<typeof testMessageAnswerSchema>
