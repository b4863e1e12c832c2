/** Agents made in the portal: the agents topic, read live and changed one revision after another. Two portals never overwrite each
 *  other: a change claims the topic's writer, reads what stands then, and commits only if nobody claimed it in between. */
import type { Table } from '@siem-relay/bus'
import {
  agentsTopic,
  type DecodedAgent,
  decodeStoredAgent,
  encodeStoredAgent,
  RelayError,
  type StoredAgent,
} from '@siem-relay/common'
import type { World } from '@siem-relay/service-kit'
import { ApiError } from '../server/errors.ts'

/** One for all portals: whoever claims last may write. */
const ownerId = 'portal/agents'
const claimsMax = 10
/** Before another claim, twice as long each time, and by chance. */
const pauseMs = 10
/** How long a change may take to be seen here after it was committed. */
const seenWithinMs = 5_000
const agentsMax = 1_000

/** What becomes of an agent; null removes it. @throws {ApiError} when it cannot be. */
export type Change = (before: StoredAgent | undefined, all: ReadonlyMap<string, DecodedAgent>) => StoredAgent | null

export class AgentStore implements AsyncDisposable {
  readonly #world: Pick<World, 'bus' | 'clock' | 'random'>
  readonly #table: Table
  readonly #agents = new Map<string, DecodedAgent>()
  readonly #listeners = new Set<(id: string) => void>()
  /** One change after another: a second claim of this process would fence the first. */
  #changing: Promise<unknown> = Promise.resolve()

  static async open(world: Pick<World, 'bus' | 'clock' | 'random'>): Promise<AgentStore> {
    await world.bus.ensureTopics([agentsTopic])
    return new AgentStore(world, await world.bus.table(agentsTopic))
  }

  private constructor(world: Pick<World, 'bus' | 'clock' | 'random'>, table: Table) {
    this.#world = world
    this.#table = table
    for (const [id, value] of table.entries()) this.#agents.set(id, decodeStoredAgent(id, value))
    table.onChange((id, value) => {
      if (value === undefined) this.#agents.delete(id)
      else this.#agents.set(id, decodeStoredAgent(id, value))
      for (const listener of this.#listeners) listener(id)
    })
  }

  /** By id. */
  all(): readonly DecodedAgent[] {
    return [...this.#agents.values()].toSorted((left, right) => (left.id < right.id ? -1 : 1))
  }

  get(id: string): DecodedAgent | undefined {
    return this.#agents.get(id)
  }

  /** Calls back after every change of an agent, by whichever portal. The returned function ends it. */
  onChange(listener: (id: string) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /**
   * Changes one agent; resolves when the change is durable and seen here.
   * @throws what the change throws; {RelayError} of the log.
   */
  change(id: string, change: Change): Promise<StoredAgent | null> {
    const done = this.#changing.then(() => this.#change(id, change))
    this.#changing = done.catch(() => undefined)
    return done
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#changing
    await this.#table[Symbol.asyncDispose]()
  }

  async #change(id: string, change: Change): Promise<StoredAgent | null> {
    for (let claim = 1; ; claim++) {
      try {
        const after = await this.#tryToChange(id, change)
        await this.#untilSeen(id, after)
        return after
      } catch (error) {
        // Another portal was at it: what stands now is looked at anew.
        if (!(error instanceof RelayError) || error.code !== 'RELAY_BUS_FENCED' || claim === claimsMax) throw error
        // Two that claim in turn would fence each other for ever.
        await this.#world.clock.sleep(this.#world.random() * pauseMs * 2 ** claim)
      }
    }
  }

  async #tryToChange(id: string, change: Change): Promise<StoredAgent | null> {
    const { bus } = this.#world
    await using writer = await bus.writer(ownerId)
    // Read after the claim: from here on nobody else writes without our commit failing.
    await using table = await bus.table(agentsTopic)
    const all = new Map([...table.entries()].map(([key, value]) => [key, decodeStoredAgent(key, value)]))
    const after = change(all.get(id)?.stored, all)
    if (after !== null && !all.has(id) && all.size >= agentsMax)
      throw new ApiError('conflict', `there are ${agentsMax} agents, the most`, { nextMove: 'Delete one first.' })
    const value = after === null ? null : encodeStoredAgent(after)
    await writer.commit({ records: [{ topic: agentsTopic.name, key: id, value, headers: {} }] })
    return after
  }

  async #untilSeen(id: string, after: StoredAgent | null): Promise<void> {
    const isSeen = (): boolean => {
      const stored = this.#agents.get(id)?.stored
      return after === null ? stored === undefined : (stored?.revision ?? 0) >= after.revision
    }
    if (isSeen()) return
    const seen = Promise.withResolvers<void>()
    const unfollow = this.onChange((changed) => {
      if (changed === id && isSeen()) seen.resolve()
    })
    const over = this.#world.clock.after(seenWithinMs, seen.resolve)
    await seen.promise
    unfollow()
    over()
  }
}

export function noAgent(id: string): ApiError {
  return new ApiError('not_found', `there is no agent ${id}`, {
    nextMove: 'Look at the list of agents: it may have been deleted, or stand in the configuration file.',
  })
}
