/** The portal's side of agents that run in another network: their senders, a desk for each, and the API they ask. */
import { createHash } from 'node:crypto'
import { type AgentDefinition, agentStatusTopic } from '@siem-relay/common'
import { type RunningSenders, type SendersConfig, startSenders } from '@siem-relay/delivery'
import type { World } from '@siem-relay/service-kit'
import type { FastifyInstance } from 'fastify'
import { Desk } from './desk.ts'
import { remoteSenders } from './remote-sender.ts'
import { addAgentRoutes } from './routes.ts'

const lookEveryMs = 5_000

export interface GatewayParts {
  /** The agent whose token this is; undefined for whatever is not a token in force. */
  readonly verifyToken: (token: string) => { readonly agent: string } | undefined
}

export interface Gateway extends RunningSenders {
  /** Below `/agent/v1`. */
  addRoutes(server: FastifyInstance): void
}

/** Starts the senders of remote agents. Agents that nobody runs yet are a status, not a failure. */
export async function startGateway(config: SendersConfig, world: World, parts: GatewayParts): Promise<Gateway> {
  const desks = new Map<string, Desk>()
  const known = await knownConnections(world)
  const define = (agents: readonly AgentDefinition[]): void => {
    for (const agent of agents) {
      if (!agent.remote) continue
      const desk = desks.get(agent.id)
      if (desk === undefined) desks.set(agent.id, new Desk(agent, world, known.get(agent.id)))
      else desk.define(agent)
    }
  }
  /** After their senders have ended. */
  const removeOthers = async (agents: readonly AgentDefinition[]): Promise<void> => {
    for (const [id, desk] of desks) {
      if (agents.some((agent) => agent.id === id && agent.remote)) continue
      desks.delete(id)
      await desk.endLease()
    }
  }
  define(config.agents)
  const deskOf = (agent: string): Desk => {
    const desk = desks.get(agent)
    if (desk === undefined) throw new TypeError(`the agent ${agent} has no desk`)
    return desk
  }
  const senders = await startSenders(config, world, remoteSenders(deskOf))
  const looking = new AbortController()
  const looked = lookAfter(desks, world, looking.signal)

  let stopping: Promise<void> | undefined
  const stopOnce = async (drainMs: number): Promise<void> => {
    await senders.stop(drainMs)
    looking.abort()
    await looked
    await removeOthers([])
  }
  const stop = (drainMs: number): Promise<void> => {
    stopping ??= stopOnce(drainMs)
    return stopping
  }
  return {
    failed: senders.failed,
    status: () => senders.status(),
    check: (next) => senders.check(next),
    update: async (next) => {
      define(next.agents)
      await senders.update(next)
      await removeOthers(next.agents)
    },
    stop,
    [Symbol.asyncDispose]: () => stop(0),
    addRoutes: (server) =>
      addAgentRoutes(server, {
        metrics: world.metrics,
        admit: (token) => {
          const agent = parts.verifyToken(token)?.agent
          const desk = agent === undefined ? undefined : desks.get(agent)
          return desk && { desk, token: createHash('sha256').update(token).digest('base64url') }
        },
      }),
  }
}

async function lookAfter(desks: ReadonlyMap<string, Desk>, { clock }: World, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await clock.sleep(lookEveryMs, signal).catch(() => undefined)
    for (const desk of desks.values()) desk.look()
  }
}

/** When agents were last connected, as earlier runs told: one of these that does not ask is missing, not awaited. */
async function knownConnections({ bus }: World): Promise<ReadonlyMap<string, number>> {
  await bus.ensureTopics([agentStatusTopic])
  await using table = await bus.table(agentStatusTopic)
  const known = new Map<string, number>()
  for (const [key, value] of table.entries()) {
    const lastMs = lastConnectedMs(value)
    const agent = key.split('/', 1)[0] ?? ''
    if (lastMs !== undefined) known.set(agent, Math.max(lastMs, known.get(agent) ?? 0))
  }
  return known
}

/** One that was connected was so until it was last told of. */
function lastConnectedMs(value: Buffer): number | undefined {
  try {
    const { state, heartbeatMs, lastConnectedMs }: Record<string, unknown> = JSON.parse(value.toString('utf8'))
    const ms = state === 'connected' ? heartbeatMs : lastConnectedMs
    return typeof ms === 'number' ? ms : undefined
  } catch {
    return undefined
  }
}
