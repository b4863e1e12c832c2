/** The portal's side of agents in another network, with nothing around it: a log, the gateway, its API on a port of 127.0.0.1. Tokens are
 *  the test's. */
import { randomBytes } from 'node:crypto'
import type { AddressInfo } from 'node:net'
import { type Bus, openSqliteBus } from '@siem-relay/bus'
import { type AgentDefinition, agentSchema, outHeaders, outTopic } from '@siem-relay/common'
import { LocalControl } from '@siem-relay/control'
import { systemClock, type World } from '@siem-relay/service-kit'
import { type LogEntry, testWorld } from '@siem-relay/service-kit/testing'
import { type Gateway, startGateway } from '../../services/portal/src/gateway/gateway.ts'
import { buildServer } from '../../services/portal/src/server/server.ts'

/** As `agents:` of the configuration file takes it. */
export interface AgentInput {
  readonly id: string
  readonly remote: true
  readonly enabled?: boolean
  readonly syslog: object
}

export interface RemotePortal extends AsyncDisposable {
  readonly url: string
  readonly bus: Bus
  readonly world: World
  readonly gateway: Gateway
  readonly control: LocalControl
  readonly entries: readonly LogEntry[]
  /** Gives an agent a new token; the one before ends. */
  issue(agent: string): string
  revoke(agent: string): void
  configure(agents: readonly AgentInput[]): Promise<void>
  /** Puts messages into an agent's log, spread over its partitions by their key. */
  put(agent: string, keys: readonly string[]): Promise<void>
  /** Everything that is in the log, again. @returns the id of the job */
  replay(wanted: {
    readonly agent: string
    readonly messagesPerSecondMax: number
    readonly mark: boolean
  }): Promise<string>
}

export interface RemotePortalOptions {
  readonly directory: string
  readonly agents: readonly AgentInput[]
  readonly tls?: { readonly cert: string; readonly key: string }
}

export async function startRemotePortal({ directory, agents, tls }: RemotePortalOptions): Promise<RemotePortal> {
  await using starting = new AsyncDisposableStack()
  const bus = starting.use(await openSqliteBus({ path: directory, clock: systemClock, freeBytesMin: 1_048_576 }))
  const base = testWorld({ bus })
  const world: World = { ...base, clock: systemClock, random: Math.random }
  const tokens = new Map<string, string>()
  let inForce: readonly AgentDefinition[] = agents.map((agent) => agentSchema.parse(agent))
  const gateway = starting.use(
    await startGateway({ agents: inForce }, world, {
      verifyToken: (token) => {
        const agent = [...tokens].find(([, one]) => one === token)?.[0]
        return agent === undefined ? undefined : { agent }
      },
    }),
  )
  const server = await buildServer({
    config: { path: '/siem', trustProxy: [] },
    guard: {
      callerOf: () => undefined,
      checkOrigin: () => undefined,
      checkCsrf: () => undefined,
      note: () => undefined,
    },
    log: world.log,
    version: '0.0.0-test',
    assets: new Map(),
    addApi: () => undefined,
    addAgentApi: (api) => gateway.addRoutes(api),
    ...(tls && { tls }),
  })
  starting.defer(() => server.close())
  await server.listen({ host: '127.0.0.1', port: 0 })
  const { port } = server.server.address() as AddressInfo
  const control = new LocalControl({
    bus,
    clock: systemClock,
    config: () => ({ agents: inForce, sources: [] }),
    version: '0.0.0',
    hostName: 'relay.test',
    ownSources: () => [],
  })
  const closing = starting.move()
  return {
    url: `${tls === undefined ? 'http' : 'https'}://127.0.0.1:${port}/siem`,
    bus,
    world,
    gateway,
    control,
    entries: base.entries,
    issue: (agent) => {
      const token = `sra_${agent}_${randomBytes(32).toString('base64url')}`
      tokens.set(agent, token)
      return token
    },
    revoke: (agent) => {
      tokens.delete(agent)
    },
    configure: async (next) => {
      inForce = next.map((agent) => agentSchema.parse(agent))
      await gateway.update({ agents: inForce })
    },
    put: async (agent, keys) => {
      await bus.ensureTopics([outTopic(agent)])
      await using writer = await bus.writer(`test/${agent}`)
      await writer.commit({ records: keys.map((key) => ({ topic: outTopic(agent).name, key, ...messageOf(key) })) })
    },
    replay: async (wanted) => {
      const plan = await control.countReplay({ fromMs: 0, toMs: Date.now() + 1_000, ...wanted })
      const { id } = await control.startReplay(plan)
      return id
    },
    [Symbol.asyncDispose]: () => closing.disposeAsync(),
  }
}

function messageOf(key: string) {
  return {
    value: Buffer.from(
      `CEF:0|MCAS|SIEM_Agent|1.0|EVENT_CATEGORY_LOGIN|Log on|0|externalId=${key} msg=${'x'.repeat(40)}`,
    ),
    headers: {
      [outHeaders.eventTimeMs]: String(Date.now()),
      [outHeaders.severity]: '0',
      [outHeaders.kind]: 'activity',
    },
  }
}

/** The record id in a line as a receiver got it. */
export function keyOf(line: string): string {
  return /externalId=(\S+)/.exec(line)?.[1] ?? ''
}
