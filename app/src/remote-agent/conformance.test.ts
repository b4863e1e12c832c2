/** Delivery through the portal keeps the contract of the log's own: the same suite, with a desk, the API and a session in between. */
import type { AddressInfo } from 'node:net'
import type { Bus, DeliverSpec } from '@siem-relay/bus'
import { openSqliteBus } from '@siem-relay/bus'
import { agentSchema, deadLettersTopic } from '@siem-relay/common'
import { replayMetrics } from '@siem-relay/delivery'
import { createDispatchers } from '@siem-relay/http'
import { createMetrics, systemClock, type World } from '@siem-relay/service-kit'
import { memoryLogger } from '@siem-relay/service-kit/testing'
import { describe } from 'vitest'
import { describeDelivery } from '../../../packages/bus/src/conformance/delivery.ts'
import { Desk } from '../../../services/portal/src/gateway/desk.ts'
import { Feed } from '../../../services/portal/src/gateway/feed.ts'
import { addAgentRoutes } from '../../../services/portal/src/gateway/routes.ts'
import { buildServer } from '../../../services/portal/src/server/server.ts'
import { temporaryDirectory } from '../../../test/support/relay.ts'
import { PortalClient } from './portal-client.ts'
import { Session } from './session.ts'

const agent = agentSchema.parse({ id: 'siem', remote: true, syslog: { host: '127.0.0.1', port: 514 } })

/** A log whose deliveries go through the portal; everything else is the log's own. */
async function openThroughPortal(directory: string): Promise<Bus> {
  const bus = await openSqliteBus({ path: directory, clock: systemClock, freeBytesMin: 1_048_576 })
  await bus.ensureTopics([deadLettersTopic])
  const { log } = memoryLogger()
  const metrics = createMetrics({ version: '0.0.0-test' })
  const world = { bus, clock: systemClock, log, instanceId: 'relay-1' } satisfies Partial<World>
  const desk = new Desk(agent, world, undefined)
  const server = await buildServer({
    config: { path: '', trustProxy: [] },
    guard: {
      callerOf: () => undefined,
      checkOrigin: () => undefined,
      checkCsrf: () => undefined,
      note: () => undefined,
    },
    log,
    version: '0.0.0-test',
    assets: new Map(),
    addApi: () => undefined,
    addAgentApi: (api) => addAgentRoutes(api, { metrics, admit: () => ({ desk, token: 'one' }) }),
  })
  await server.listen({ host: '127.0.0.1', port: 0 })
  const url = `http://127.0.0.1:${(server.server.address() as AddressInfo).port}`
  const dispatchers = createDispatchers({ env: {} })
  const client = new PortalClient({ url, token: () => 'sra', dispatchers, clock: systemClock, userAgent: 'test' })
  const session = new Session({
    client,
    token: () => 'sra',
    clock: systemClock,
    random: Math.random,
    log,
    identity: { instance: 'conformance-1', host: 'siem-host', version: '1' },
    onOrders: () => undefined,
    tuning: { backoff: { minMs: 10, maxMs: 50 }, gapMs: 1 },
  })
  const leaving = new AbortController()
  const running = session.run(leaving.signal)
  const attach = (spec: DeliverSpec): void => {
    const { open, onError, batchBytesMax, batchRecordsMax, ...input } = spec
    const feedMetrics = replayMetrics(metrics, agent.id)
    const changed = (): void => desk.ring()
    const feed = new Feed({
      agent: agent.id,
      world,
      input,
      metrics: feedMetrics,
      changed,
      nextLife: () => desk.nextLife(),
    })
    desk.attach({ feed, metrics: feedMetrics, replay: undefined, onStatus: () => undefined })
  }
  const close = async (): Promise<void> => {
    leaving.abort()
    await running
    await desk.endLease()
    await server.close()
    await dispatchers[Symbol.asyncDispose]()
    await bus[Symbol.asyncDispose]()
  }
  return new Proxy(bus, {
    get(target, name) {
      if (name === Symbol.asyncDispose) return close
      if (name === 'deliver')
        return (spec: DeliverSpec) => {
          attach(spec)
          return session.deliver(spec)
        }
      const value: unknown = Reflect.get(target, name, target)
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
}

describe('delivery through the portal keeps the contract of the log', () => {
  describeDelivery(
    async () => {
      const directory = temporaryDirectory()
      return {
        open: () => openThroughPortal(directory.path),
        dispose: async () => directory[Symbol.dispose](),
      }
    },
    // The portal writes the letter: the record as the log has it.
    { topic: deadLettersTopic, value: 'r1' },
  )
})
