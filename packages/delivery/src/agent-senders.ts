/** The senders there are: one per enabled agent that the service serves, brought in line with every new configuration. A sender whose
 *  agent's destination did not change is not disturbed. */
import { type AgentDefinition, deadLettersTopic, outTopic, senderGroup } from '@siem-relay/common'
import { IdleGroups, isSameConfig, type StatusPublisher, type World } from '@siem-relay/service-kit'
import { Retirements } from './retirements.ts'
import type { Sender, SenderKind } from './sender.ts'
import { type AgentStatus, agentStatusPublisher, statusKey } from './status.ts'

/** For what is on its way when a destination changes; the rest is sent again to the new one. */
const drainMs = 8_000

interface Sending {
  readonly agent: AgentDefinition
  readonly sender: Sender
  readonly unregister: () => void
}

export class AgentSenders {
  /** Rejects when a sender cannot go on. */
  readonly failed: Promise<never>
  readonly #world: World
  readonly #kind: SenderKind
  readonly #publisher: StatusPublisher<AgentStatus>
  readonly #idle: IdleGroups
  readonly #retirements: Retirements
  readonly #fail: (error: unknown) => void
  readonly #sending = new Map<string, Sending>()
  #agents: readonly AgentDefinition[] = []
  #isPublishing = false

  constructor(world: World, kind: SenderKind) {
    const { promise, reject } = Promise.withResolvers<never>()
    this.failed = promise
    this.#fail = reject
    // Whoever started us decides what a failure means; nobody listening must not end the process.
    promise.catch(() => {})
    this.#world = world
    this.#kind = kind
    this.#publisher = agentStatusPublisher(kind.service, world, () => this.statuses())
    this.#idle = new IdleGroups(world, 'sender')
    this.#retirements = new Retirements(world)
  }

  /** In the order of the configuration. */
  statuses(): readonly AgentStatus[] {
    return this.#agents.flatMap(({ id }) => this.#sending.get(id)?.sender.status ?? [])
  }

  /** @param all every agent of the configuration; those of other services are left alone. */
  async update(all: readonly AgentDefinition[]): Promise<void> {
    const { bus } = this.#world
    const agents = all.filter((agent) => this.#kind.serves(agent))
    const enabled = agents.filter((agent) => agent.enabled)
    await bus.ensureTopics([...enabled.map(({ id }) => outTopic(id)), deadLettersTopic])
    const isKept = ({ agent }: Sending): boolean => enabled.some((wanted) => isSameDelivery(this.#kind, agent, wanted))
    await Promise.all([...this.#sending.values()].filter((one) => !isKept(one)).map((one) => this.#end(one, drainMs)))
    await this.#tellRemoved(all)
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
    for (const warning of this.#kind.warningsOf(agent)) world.log.warn({ agent: agent.id }, warning)
    const sender = this.#kind.create({ agent, world, onStatus: () => this.#publisher.changed() })
    const unregister = world.health.register(`${this.#kind.service}/${agent.id}`, () => undefined)
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

/** Whether two definitions of an agent deliver alike: the same messages on the same way. */
export function isSameDelivery(kind: SenderKind, left: AgentDefinition, right: AgentDefinition): boolean {
  return isSameConfig(
    { id: left.id, delivery: kind.deliveryOf(left) },
    { id: right.id, delivery: kind.deliveryOf(right) },
  )
}
