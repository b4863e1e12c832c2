/** The senders there are: one per enabled agent, brought in line with every new configuration. A sender whose agent's
 *  destination did not change is not disturbed. */
import { type AgentDefinition, deadLettersTopic, outTopic, senderGroup } from '@siem-relay/common'
import { IdleGroups, isSameConfig, type StatusPublisher, type World } from '@siem-relay/service-kit'
import { AgentSender } from './agent-sender.ts'
import { Retirements } from './retirements.ts'
import { type AgentStatus, agentStatusPublisher, statusKey } from './status.ts'
import type { Transport, TransportContext } from './transport.ts'

/** For what is on its way when a destination changes; the rest is sent again to the new one. */
const drainMs = 8_000

interface Sending {
  readonly agent: AgentDefinition
  readonly sender: AgentSender
  readonly unregister: () => void
}

export class AgentSenders {
  /** Rejects when a sender cannot go on. */
  readonly failed: Promise<never>
  readonly #world: World
  readonly #createTransport: (agent: AgentDefinition, context: TransportContext) => Transport
  readonly #publisher: StatusPublisher<AgentStatus>
  readonly #idle: IdleGroups
  readonly #retirements: Retirements
  readonly #fail: (error: unknown) => void
  readonly #sending = new Map<string, Sending>()
  #agents: readonly AgentDefinition[] = []
  #isPublishing = false

  constructor(world: World, createTransport: (agent: AgentDefinition, context: TransportContext) => Transport) {
    const { promise, reject } = Promise.withResolvers<never>()
    this.failed = promise
    this.#fail = reject
    // Whoever started us decides what a failure means; nobody listening must not end the process.
    promise.catch(() => {})
    this.#world = world
    this.#createTransport = createTransport
    this.#publisher = agentStatusPublisher(world, () => this.statuses())
    this.#idle = new IdleGroups(world, 'sender')
    this.#retirements = new Retirements(world)
  }

  /** In the order of the configuration. */
  statuses(): readonly AgentStatus[] {
    return this.#agents.flatMap(({ id }) => this.#sending.get(id)?.sender.status ?? [])
  }

  async update(agents: readonly AgentDefinition[]): Promise<void> {
    const { bus } = this.#world
    const enabled = agents.filter((agent) => agent.enabled)
    await bus.ensureTopics([...enabled.map(({ id }) => outTopic(id)), deadLettersTopic])
    const isKept = ({ agent }: Sending): boolean => enabled.some((wanted) => isSameDelivery(agent, wanted))
    await Promise.all([...this.#sending.values()].filter((one) => !isKept(one)).map((one) => this.#end(one, drainMs)))
    await this.#tellRemoved(agents)
    await this.#idle.update(agents.filter((agent) => !agent.enabled).map(({ id }) => groupOf(id)))
    this.#agents = agents
    for (const agent of enabled) if (!this.#sending.has(agent.id)) this.#begin(agent)
    this.#retirements.update(enabled.filter(({ retire }) => retire).map(({ id }) => id))
    if (!this.#isPublishing) this.#publisher.start()
    this.#isPublishing = true
  }

  async stop(drainWithinMs: number): Promise<void> {
    await Promise.all([...this.#sending.values()].map((one) => this.#end(one, drainWithinMs, true)))
    await Promise.all([this.#publisher.stop(), this.#idle.stop(), this.#retirements.stop()])
  }

  #begin(agent: AgentDefinition): void {
    const world = this.#world
    warnOfSettings(agent, world)
    const sender = new AgentSender({
      agent,
      world,
      createTransport: (context) => this.#createTransport(agent, context),
      onStatus: () => this.#publisher.changed(),
    })
    const unregister = world.health.register(`syslog-sender/${agent.id}`, () => undefined)
    this.#sending.set(agent.id, { agent, sender, unregister })
    sender.start().catch(this.#fail)
  }

  /** When the process ends, the last status stays: it says when the agent was last seen. */
  async #end({ agent: { id }, sender, unregister }: Sending, withinMs: number, isEnd = false): Promise<void> {
    unregister()
    await sender.stop(withinMs)
    if (isEnd) return
    this.#sending.delete(id)
    this.#publisher.left(statusKey(id, this.#world))
    this.#world.log.info({ agent: id }, 'delivery stopped')
  }

  /** What agents leave behind that are no longer in the configuration. */
  async #tellRemoved(agents: readonly AgentDefinition[]): Promise<void> {
    const { bus, log } = this.#world
    for (const { id } of this.#agents) {
      if (agents.some((agent) => agent.id === id)) continue
      const positions = await bus.positions.of(senderGroup(id), [outTopic(id)])
      const messages = positions.reduce(
        (sum, { lag, oldestPendingMs }) => sum + (oldestPendingMs === undefined ? 0 : lag),
        0,
      )
      if (messages === 0) log.info({ agent: id }, 'agent removed; all its messages were delivered')
      else
        log.warn(
          { agent: id, messages },
          'agent removed with messages undelivered: they stay in the log; put the agent back with retire: true to deliver them, or discard them with siem-relay forget',
        )
    }
  }
}

function groupOf(id: string) {
  return { agent: id, group: senderGroup(id), topics: [outTopic(id)] }
}

/** Whether two definitions of an agent deliver alike: the same lines on the same way. */
export function isSameDelivery(left: AgentDefinition, right: AgentDefinition): boolean {
  const deliveryOf = ({ id, syslog, console, header, device }: AgentDefinition): unknown => ({
    id,
    syslog,
    console,
    header,
    vendor: device.vendor,
  })
  return isSameConfig(deliveryOf(left), deliveryOf(right))
}

function warnOfSettings({ id, syslog }: AgentDefinition, { log }: World): void {
  if (syslog === undefined || syslog.protocol === 'udp') return
  if (syslog.confirm === 'write')
    log.warn({ agent: id }, 'confirm: write loses messages when a receiver or a line breaks; prefer checkpoint')
  if (syslog.tls?.verify === false)
    log.warn({ agent: id }, 'tls.verify: false accepts any certificate; for a laboratory only')
}
