/** The configuration in force is the file's with the portal's agents. Both may change at any time; each change is taken up after the
 *  other, through the same `check` and `update`. A file that a service refuses changes nothing; an agent of the portal that one
 *  refuses is left out alone. */
import { type AgentDefinition, type Clock, describeError } from '@siem-relay/common'
import type { Reconfigurable, World } from '@siem-relay/service-kit'
import type { RelayConfig } from '../config/schema.ts'
import type { TopicAgents } from './topic-agents.ts'

/** A change that could not be taken up (the log is in trouble) is tried again after this. */
const retryMs = 5_000

type Service = Pick<Reconfigurable<RelayConfig>, 'check' | 'update'>

export interface FollowingParts {
  /** As the services were started: without agents of the portal. */
  readonly config: RelayConfig
  /** In the order in which they take up changes. */
  readonly services: readonly Service[]
  readonly agents: TopicAgents
  readonly clock: Clock
  readonly log: Pick<World['log'], 'info' | 'error'>
}

export class Following implements AsyncDisposable {
  readonly #parts: FollowingParts
  #file: RelayConfig
  #inForce: RelayConfig
  /** One after another. */
  #taking: Promise<unknown> = Promise.resolve()
  #isDue = false
  #isClosed = false
  #cancelRetry: () => void = () => undefined
  readonly #unfollow: () => void

  constructor(parts: FollowingParts) {
    this.#parts = parts
    this.#file = parts.config
    this.#inForce = parts.config
    this.#unfollow = parts.agents.onChange(() => this.#ring())
  }

  /** With the portal's agents. */
  get inForce(): RelayConfig {
    return this.#inForce
  }

  /** Those of the file. */
  get fileAgents(): readonly AgentDefinition[] {
    return this.#file.agents
  }

  /** Takes up another file. @throws what the services refuse it with; nothing has changed then. */
  update(file: RelayConfig): Promise<void> {
    return this.#afterOthers(async () => {
      for (const service of this.#parts.services) service.check(file)
      await this.#take(file)
    })
  }

  /** Takes up the portal's agents as they are now. */
  begin(): Promise<void> {
    return this.#afterOthers(() => this.#take(this.#file))
  }

  /** What is being taken up is taken up to its end. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true
    this.#unfollow()
    this.#cancelRetry()
    await this.#taking
  }

  #ring(): void {
    if (this.#isDue || this.#isClosed) return
    this.#isDue = true
    void this.#afterOthers(async () => {
      this.#isDue = false
      if (this.#isClosed) return
      await this.#take(this.#file)
      const agents = this.#inForce.agents.length - this.#file.agents.length
      this.#parts.log.info({ agents }, 'agents of the portal taken up')
    }).catch((error: unknown) => {
      const { clock, log } = this.#parts
      log.error({ error: describeError(error), retryMs }, 'agents of the portal not taken up: tried again')
      if (!this.#isClosed) this.#cancelRetry = clock.after(retryMs, () => this.#ring())
    })
  }

  async #take(file: RelayConfig): Promise<void> {
    const { services } = this.#parts
    const next = { ...file, agents: [...file.agents, ...this.#usable(file)] }
    for (const service of services) await service.update(next)
    this.#file = file
    this.#inForce = next
  }

  /** Usually all; each by itself only when some service minds. */
  #usable(file: RelayConfig): readonly AgentDefinition[] {
    const { agents } = this.#parts
    const all = agents.beside(file.agents)
    if (this.#refusalOf(file, all) === undefined) return all
    return all.filter((agent) => {
      const refusal = this.#refusalOf(file, [agent])
      if (refusal !== undefined) agents.refused(agent.id, refusal)
      return refusal === undefined
    })
  }

  #refusalOf(file: RelayConfig, more: readonly AgentDefinition[]): string | undefined {
    try {
      const next = { ...file, agents: [...file.agents, ...more] }
      for (const service of this.#parts.services) service.check(next)
      return undefined
    } catch (error) {
      return describeError(error)
    }
  }

  #afterOthers(work: () => Promise<void>): Promise<void> {
    const done = this.#taking.then(work)
    this.#taking = done.catch(() => undefined)
    return done
  }
}
