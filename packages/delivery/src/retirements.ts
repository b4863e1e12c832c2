/** Agents that retire: nothing new is formatted for them, and once everything that was is delivered, the operator is told that
 *  the entry can go. */
import { describeError, outTopic, senderGroup } from '@siem-relay/common'
import { gauge, type World } from '@siem-relay/service-kit'

const lookMs = 5_000

export class Retirements {
  readonly #world: World
  readonly #retired: ReturnType<typeof retiredGauge>
  readonly #isDelivered = new Map<string, boolean>()
  #looking: AbortController | undefined
  #running: Promise<void> = Promise.resolve()

  constructor(world: World) {
    this.#world = world
    this.#retired = retiredGauge(world.metrics)
  }

  /** These agents retire, and no others. */
  update(agents: readonly string[]): void {
    for (const agent of this.#isDelivered.keys()) {
      if (agents.includes(agent)) continue
      this.#isDelivered.delete(agent)
      this.#retired.remove({ agent })
    }
    for (const agent of agents) {
      if (this.#isDelivered.has(agent)) continue
      this.#note(agent, false)
      this.#world.log.info({ agent }, 'agent retires: no new records are taken, its messages are delivered')
    }
    if (this.#isDelivered.size > 0 && this.#looking === undefined) {
      this.#looking = new AbortController()
      this.#running = this.#look(this.#looking.signal)
    }
  }

  async stop(): Promise<void> {
    this.#looking?.abort()
    await this.#running
  }

  /** Begins with a pause: a formatter in another process may hear of it later. */
  async #look(signal: AbortSignal): Promise<void> {
    const { clock, log } = this.#world
    while (this.#isDelivered.size > 0) {
      await clock.sleep(lookMs, signal).catch(() => undefined)
      if (signal.aborted) return
      for (const agent of this.#isDelivered.keys())
        await this.#lookAt(agent).catch((error: unknown) =>
          log.warn({ agent, error: describeError(error) }, 'what is left of a retiring agent is not known'),
        )
    }
    this.#looking = undefined
  }

  async #lookAt(agent: string): Promise<void> {
    const positions = await this.#world.bus.positions.of(senderGroup(agent), [outTopic(agent)])
    const wasDelivered = this.#isDelivered.get(agent)
    const isDelivered = positions.every(({ oldestPendingMs }) => oldestPendingMs === undefined)
    if (wasDelivered === undefined || wasDelivered === isDelivered) return
    this.#note(agent, isDelivered)
    if (isDelivered) this.#world.log.info({ agent }, 'agent retired: everything is delivered, its entry can be removed')
  }

  #note(agent: string, isDelivered: boolean): void {
    this.#isDelivered.set(agent, isDelivered)
    this.#retired.set({ agent }, isDelivered ? 1 : 0)
  }
}

function retiredGauge(metrics: World['metrics']) {
  return gauge(metrics, {
    name: 'siem_relay_agent_retired',
    help: '1 once everything of an agent with `retire: true` is delivered and its entry can be removed, 0 before.',
    labels: ['agent'],
  })
}
