/** What `siem-relay agent` and the portal say to each other below `/agent/v1`: JSON by POST, with the agent's token. Described for
 *  people in docs/operating/agent-protocol.md. Requests are strict; answers may grow, and a reader leaves alone what it does not know. */
import { z } from 'zod'
import { wireBatchSchema } from './records.ts'

/** Versions of the protocol this code speaks, best first; the header `siem-relay-agent-protocol` names them. */
export const agentProtocols = [1] as const
export const agentProtocolHeader = 'siem-relay-agent-protocol'

export const agentLimits = {
  /** A holder that asked nothing for so long may be replaced. */
  leaseMs: 30_000,
  /** Longest wait of a poll: below the lease, and below what usual proxies cut. */
  waitMsMax: 25_000,
  /** Batches of one partition that may be on their way to, or waiting in, the agent. */
  batchesAhead: 2,
  /** Values of one poll's records, together; a single record may be longer. */
  pollBytesMax: 1_048_576,
  /** Of one batch, before it is written as JSON. */
  batchBytesMax: 262_144,
  batchRecordsMax: 500,
  rangesMax: 256,
  lettersMax: 20,
  reasonCharactersMax: 500,
  feedsMax: 64,
  livesMax: 1_024,
  requestBytesMax: 131_072,
} as const

const count = z.int().min(0)
const lease = z.string().regex(/^[A-Za-z0-9_-]{22}$/)
const group = z.string().min(1).max(249)
/** Text of another machine, for people. */
const words = (charactersMax: number) => z.string().max(charactersMax)

export const leaseRequestSchema = z.strictObject({
  /** One per process: who asks again gets its place back. */
  instance: z.string().regex(/^[A-Za-z0-9-]{8,64}$/),
  host: words(255),
  version: words(64),
})

/** What the agent is to do. `revision` changes with everything else in it. */
export const agentOrdersSchema = z.object({
  revision: z.string().max(64),
  /** What of the definition delivery depends on; null: nothing is to be delivered now. */
  agent: z.record(z.string(), z.unknown()).nullable(),
  /** Whether live messages are to be delivered, beside replays. */
  live: z.boolean(),
  replays: z
    .array(z.object({ id: z.string().max(64), messagesPerSecondMax: z.int().min(1), mark: z.boolean() }))
    .max(agentLimits.feedsMax),
})

export const leaseAnswerSchema = z.object({
  lease,
  leaseMs: z.int().min(1),
  waitMs: z.int().min(0),
  orders: agentOrdersSchema,
})

export const pollRequestSchema = z.strictObject({
  lease,
  /** Number of the last answer that arrived whole; the next one is given again until it is named here. */
  after: count,
  /** Of the orders that are known. */
  revision: words(64),
  waitMs: z.int().min(0).max(agentLimits.waitMsMax),
})

export const pollAnswerSchema = z.object({
  number: count,
  /** Only when they are others than those known. */
  orders: agentOrdersSchema.optional(),
  batches: z.array(wireBatchSchema).max(agentLimits.livesMax),
  /** Lives that are over: another process has these partitions now. */
  ended: z.array(count).max(agentLimits.livesMax),
})

/** The connection to the receiver, as the agent sees it. Times are of the agent's clock; `nowMs` is what it shows. */
export const remoteStatusSchema = z.strictObject({
  nowMs: count,
  state: z.enum(['created', 'connected', 'error']),
  sinceMs: count,
  lastConnectedMs: count.optional(),
  target: words(300).optional(),
  lastError: z.strictObject({ code: words(64), message: words(1_000), atMs: count }).optional(),
})

export const reportRequestSchema = z.strictObject({
  lease,
  /** Counts reports; what an older one says of feeds and room is out of date. */
  number: count,
  /** What is wanted now. A feed with another `opening` than before begins anew at its committed place. */
  feeds: z.array(z.strictObject({ group, opening: count })).max(agentLimits.feedsMax),
  /** Batches of each life that are dealt with: room for as many new ones. */
  taken: z.array(z.tuple([count, count])).max(agentLimits.livesMax),
  acknowledged: z
    .array(
      z.strictObject({
        life: count,
        ranges: z
          .array(z.tuple([count, count]))
          .min(1)
          .max(agentLimits.rangesMax),
      }),
    )
    .max(agentLimits.rangesMax),
  letters: z
    .array(
      z.strictObject({
        life: count,
        offset: count,
        code: words(64),
        reason: words(agentLimits.reasonCharactersMax),
        attempts: z.int().min(1).max(1_000_000),
      }),
    )
    .max(agentLimits.lettersMax),
  status: remoteStatusSchema.optional(),
})

export const releaseRequestSchema = z.strictObject({ lease })

/** Answer to `hello`, which takes nothing and changes nothing. */
export const helloAnswerSchema = z.object({
  agent: z.string(),
  enabled: z.boolean(),
  target: z.string(),
  holder: z.object({ host: z.string(), sinceMs: count }).optional(),
})

/** Body of every answer that is not 2xx; codes: `unauthorized`, `lease_held`, `lease_lost`, `unsupported_protocol`, and the portal's own. */
export const agentRefusalSchema = z.object({
  error: z.object({ code: z.string().max(64), message: z.string().max(2_000) }),
})

export type LeaseRequest = z.output<typeof leaseRequestSchema>
export type LeaseAnswer = z.output<typeof leaseAnswerSchema>
export type AgentOrders = z.output<typeof agentOrdersSchema>
export type PollRequest = z.output<typeof pollRequestSchema>
export type PollAnswer = z.output<typeof pollAnswerSchema>
export type ReportRequest = z.output<typeof reportRequestSchema>
export type RemoteStatus = z.output<typeof remoteStatusSchema>
export type HelloAnswer = z.output<typeof helloAnswerSchema>

/** The protocol both sides speak, by the header of one and the list of the other; undefined: none. */
export function agreedProtocol(header: string | undefined): number | undefined {
  const offered = (header ?? '').split(',', 20).map((part) => part.trim())
  return agentProtocols.find((version) => offered.includes(String(version)))
}
