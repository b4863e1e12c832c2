/** Brings the sender in line with what the portal orders, the latest of it, one change at a time. What cannot be followed is told, and
 *  tried again; what ran before goes on meanwhile as far as it can. */
import {
  type AgentDefinition,
  type AgentOrders,
  agentSchema,
  type Clock,
  describeError,
  errorCodes,
  RelayError,
} from '@siem-relay/common'
import type { RunningSenders, StatusError } from '@siem-relay/delivery'
import type { World } from '@siem-relay/service-kit'
import type { ReplayJobs } from './replay-jobs.ts'

export interface FollowParts {
  readonly senders: Pick<RunningSenders, 'update'>
  readonly jobs: ReplayJobs
  readonly clock: Clock
  readonly log: World['log']
  readonly version: string
  readonly retryMs: number
  /** What keeps the orders from being followed; undefined: they are. */
  readonly onTrouble: (trouble: StatusError | undefined) => void
}

export class OrdersFollower {
  readonly #parts: FollowParts
  #wanted: AgentOrders | undefined
  #agent: AgentDefinition | undefined
  #wake: () => void = () => undefined

  constructor(parts: FollowParts) {
    this.#parts = parts
  }

  follow(orders: AgentOrders): void {
    this.#wanted = orders
    this.#wake()
  }

  async run(signal: AbortSignal): Promise<void> {
    let followed: AgentOrders | undefined
    while (!signal.aborted) {
      const orders = this.#wanted
      if (orders !== followed && orders !== undefined && (await this.#tryTo(orders))) followed = orders
      if (this.#wanted === orders) await this.#wait(orders !== followed, signal)
    }
  }

  /** @returns whether the orders are followed now. */
  async #tryTo(orders: AgentOrders): Promise<boolean> {
    const { senders, jobs, clock, log, onTrouble } = this.#parts
    try {
      const agent = this.#definitionOf(orders)
      await senders.update({ agents: agent === undefined ? [] : [agent] })
      jobs.show(agent?.id ?? '', orders.replays, clock.nowMs())
      const { revision } = orders
      log.info({ revision, agent: agent?.id, enabled: agent?.enabled ?? false }, 'orders of the portal followed')
      this.#agent = agent
      onTrouble(undefined)
      return true
    } catch (error) {
      const code = error instanceof RelayError ? error.code : 'RELAY_CONFIG_INVALID'
      const { nextMove } = errorCodes[code]
      log.error({ code, error: describeError(error), nextMove }, 'orders of the portal cannot be followed')
      onTrouble({ code, message: describeError(error), nextMove, atMs: clock.nowMs() })
      return false
    }
  }

  /** Without orders the one before, at rest: what it has on its way is delivered and acknowledged. */
  #definitionOf({ agent, live }: AgentOrders): AgentDefinition | undefined {
    if (agent === null) return this.#agent && { ...this.#agent, enabled: false }
    const parsed = agentSchema.safeParse({ ...agent, enabled: live, remote: false })
    if (parsed.success) return parsed.data
    const problems = parsed.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`)
    throw new RelayError(
      'RELAY_CONFIG_INVALID',
      `version ${this.#parts.version} of the agent does not take these settings (${problems.slice(0, 5).join('; ')}): update it if the portal is newer`,
    )
  }

  async #wait(isAgain: boolean, signal: AbortSignal): Promise<void> {
    const over = new AbortController()
    const woken = new Promise<void>((resolve) => {
      this.#wake = resolve
      signal.addEventListener('abort', () => resolve(), { once: true, signal: over.signal })
    })
    const { clock, retryMs } = this.#parts
    if (isAgain && this.#wanted !== undefined)
      await Promise.race([woken, clock.sleep(retryMs, over.signal).catch(() => undefined)])
    else await woken
    over.abort()
  }
}
