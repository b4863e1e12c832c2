/** An agent as the agents topic keeps it: its definition as it was typed, who made and changed it, its token's hash. The definition is
 *  read by the version at hand: one that it cannot read is told of, and left as it is. */
import { z } from 'zod'
import { type AgentDefinition, agentSchema, idSchema } from './agent.ts'

const timeMs = z.int().min(0)
const account = z.string().min(1).max(256)

const tokenSchema = z.object({
  /** Names the token without giving it away. */
  id: z.string().min(1).max(64),
  /** SHA-256 of the token, hexadecimal. */
  hash: z.string().regex(/^[0-9a-f]{64}$/),
  /** The account that made it; it ends with the account. */
  owner: account,
  createdMs: timeMs,
})

const storedSchema = z.object({
  version: z.literal(1),
  /** Rises with every change; a change names the one it is of. */
  revision: z.int().min(1),
  /** What `agents:` of the configuration file takes, as it was typed. */
  definition: z.record(z.string(), z.unknown()),
  createdBy: account,
  createdMs: timeMs,
  updatedBy: account,
  updatedMs: timeMs,
  token: tokenSchema.optional(),
})

export type StoredAgent = z.output<typeof storedSchema>
export type StoredAgentToken = z.output<typeof tokenSchema>

export type DecodedAgent =
  | { readonly id: string; readonly stored: StoredAgent; readonly agent: AgentDefinition }
  /** `stored` is there when only the definition cannot be read. */
  | { readonly id: string; readonly stored: StoredAgent | undefined; readonly problem: string }

/** @throws when it is none: a mistake of the caller's. */
export function encodeStoredAgent(stored: StoredAgent): Buffer {
  return Buffer.from(JSON.stringify(storedSchema.parse(stored)))
}

/** @param id the key of the record. */
export function decodeStoredAgent(id: string, value: Uint8Array): DecodedAgent {
  const stored = storedOf(value)
  if (typeof stored === 'string') return { id, stored: undefined, problem: stored }
  if (!idSchema.safeParse(id).success || stored.definition.id !== id)
    return { id, stored, problem: 'its key is not the id of its definition' }
  const parsed = agentSchema.safeParse(stored.definition)
  if (parsed.success) return { id, stored, agent: parsed.data }
  const [issue] = parsed.error.issues
  return { id, stored, problem: `${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'not a definition'}` }
}

function storedOf(value: Uint8Array): StoredAgent | string {
  try {
    const parsed = storedSchema.safeParse(JSON.parse(Buffer.from(value).toString('utf8')))
    return parsed.success ? parsed.data : 'it was written by a version with another form of agents'
  } catch {
    return 'it is not JSON'
  }
}
