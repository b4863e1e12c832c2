/** The portal: pages and their API, agents made there, and what is asked of the log from there. */
import type { Server as TlsServer } from 'node:https'
import { join } from 'node:path'
import { tenantsOf } from '@siem-relay/common'
import { formatListen, listenError, parseListen, type Running, type World } from '@siem-relay/service-kit'
import { Access } from './access/access.ts'
import { addAccountRoutes } from './access/account-routes.ts'
import { openDatabase } from './access/database.ts'
import { accessMetrics } from './access/metrics.ts'
import { addOidcRoutes } from './access/oidc-routes.ts'
import { addSessionRoutes } from './access/session-routes.ts'
import { Agents } from './agents/agents.ts'
import { Forgetting } from './agents/forgetting.ts'
import { countAgents } from './agents/metrics.ts'
import { addAgentRoutes } from './agents/routes.ts'
import { StatusTable } from './agents/status-table.ts'
import { AgentStore } from './agents/store.ts'
import { Tokens } from './agents/tokens.ts'
import type { PortalConfig } from './config.ts'
import type { PortalContext, PortalParts } from './context.ts'
import { followAgents, startGateway } from './gateway/index.ts'
import { loadAssets, loadDocs } from './server/assets.ts'
import type { Limits } from './server/limits.ts'
import { countAnswers } from './server/metrics.ts'
import { addRoutes } from './server/routes.ts'
import { buildServer } from './server/server.ts'
import { followTls, readTls } from './server/tls.ts'
import { startViews } from './views/views.ts'

export interface RunningPortal extends Running {
  /** Where browsers find it. */
  readonly url: string
  /** Where it listens. */
  readonly port: number
  /** The link that makes the first account; undefined once there is one. Whoever has it becomes an admin. */
  readonly setUpLink: string | undefined
}

export interface PortalOptions {
  /** Shorter times, for tests. */
  readonly limits?: Partial<Limits>
}

const pagesDirectory = join(import.meta.dirname, '..', 'web')
const docsDirectory = join(import.meta.dirname, '..', '..', '..', 'docs')

/** @throws {RelayError} `RELAY_LISTEN_FAILED`, `RELAY_PORTAL_DATA`, `RELAY_CONFIG_INVALID` */
export async function start(
  config: PortalConfig,
  world: World,
  parts: PortalParts,
  { limits }: PortalOptions = {},
): Promise<RunningPortal> {
  await using starting = new AsyncDisposableStack()
  const log = world.log.child({ service: 'portal' })
  const tls = config.tls === undefined ? undefined : readTls(config.tls)
  const around: World = { ...world, log }
  const database = openDatabase(config.data)
  starting.defer(() => database.close())
  const access = starting.use(new Access({ config, database, world: around, env: parts.env }))
  accessMetrics(world.metrics, access, database)
  const store = starting.use(await AgentStore.open(around))
  const statuses = starting.use(await StatusTable.open(around))
  const tokens = new Tokens(store, database, world.clock)
  const forgetting = starting.use(new Forgetting(database, parts.control, around, (id) => store.get(id) !== undefined))
  const agents = new Agents({
    config,
    world: around,
    app: parts,
    store,
    tokens,
    statuses,
    forgetting,
    hasAccount: (name) => access.accounts.get(name) !== undefined,
  })
  countAgents(world.metrics, agents)
  const gateway = starting.use(
    await startGateway({ agents: agents.definitions() }, around, {
      verifyToken: (token) => {
        const holder = tokens.verify(token)
        return holder && { agent: holder.agent.id }
      },
    }),
  )
  const following = starting.use(
    followAgents({
      gateway,
      agents: () => agents.definitions(),
      onChange: (listener) => store.onChange(listener),
      clock: world.clock,
      log,
    }),
  )
  const views = starting.use(
    startViews({
      directory: config.data,
      limits: config.views,
      world: around,
      tenants: () => tenantsOf(parts.sources()),
    }),
  )
  const context: PortalContext = { ...parts, config, world: around, agents, tokens, views }
  const server = await buildServer({
    config,
    guard: access,
    log,
    version: parts.version,
    assets: new Map([...loadAssets(pagesDirectory, `${config.path}/`), ...loadDocs(docsDirectory)]),
    tls,
    limits,
    addApi: (api) => {
      addSessionRoutes(api, access, parts.version)
      addOidcRoutes(api, access, config)
      addAccountRoutes(api, access, tokens)
      addAgentRoutes(api, agents, tokens)
      addRoutes(api, context)
    },
    addAgentApi: (api) => gateway.addRoutes(api),
  })
  countAnswers(server, world.metrics)
  starting.defer(() => server.close())
  const address = parseListen(config.listen)
  try {
    await server.listen(address)
  } catch (cause) {
    throw listenError(address, cause)
  }
  if (config.tls !== undefined) {
    const closing = new AbortController()
    const followed = followTls(config.tls, { clock: world.clock, log, signal: closing.signal }, (pair) =>
      (server.server as unknown as TlsServer).setSecureContext({ ...pair, minVersion: 'TLSv1.2' }),
    )
    starting.defer(async () => {
      closing.abort()
      await followed
    })
  }
  const bound = server.server.address()
  const port = typeof bound === 'object' && bound !== null ? bound.port : address.port
  const scheme = tls === undefined ? 'http' : 'https'
  const url =
    config.publicUrl?.replace(/\/$/, '') ??
    `${scheme}://${formatListen({ host: visibleHost(address.host), port })}${config.path}`
  const closing = starting.move()
  const stopOnce = async (drainMs: number): Promise<void> => {
    await following[Symbol.asyncDispose]()
    // While agents can still ask: they confirm what they have.
    await gateway.stop(drainMs)
    await closing.disposeAsync()
  }
  let stopping: Promise<void> | undefined
  const stop = (drainMs: number): Promise<void> => {
    stopping ??= stopOnce(drainMs)
    return stopping
  }
  const { failed } = gateway
  return { url, port, setUpLink: access.setUp.publish(url), failed, stop, [Symbol.asyncDispose]: () => stop(0) }
}

/** An address to all interfaces is none a browser can go to. */
function visibleHost(host: string): string {
  return host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '::1' : host
}
