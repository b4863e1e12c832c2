/** The feeds an agent is to have, the live one and those of replays: what it is ordered, and whose turn it is. */
import { createHash } from 'node:crypto'
import { type AgentDefinition, type AgentOrders, agentLimits } from '@siem-relay/common'
import type { DeliveryMetrics } from '@siem-relay/delivery'
import type { Feed } from './feed.ts'
import type { Parcel } from './outbox.ts'

/** What of the feed of an agent the desk needs to know. */
export interface Desked {
  readonly feed: Feed
  readonly metrics: DeliveryMetrics
  /** Undefined: the live messages. */
  readonly replay: AgentOrders['replays'][number] | undefined
  readonly onStatus: () => void
}

interface Place extends Desked {
  isEnding: boolean
  /** While it ends: the agent has given back what it had. */
  onClosed: (() => void) | undefined
}

export class Places {
  readonly #byGroup = new Map<string, Place>()

  add(desked: Desked): void {
    this.#byGroup.set(desked.feed.group, { ...desked, isEnding: false, onClosed: undefined })
  }

  get(group: string): Place | undefined {
    return this.#byGroup.get(group)
  }

  delete(group: string): void {
    this.#byGroup.delete(group)
  }

  [Symbol.iterator](): Iterator<Place> {
    return this.#byGroup.values()
  }

  get feeds(): readonly Feed[] {
    return [...this.#byGroup.values()].map(({ feed }) => feed)
  }

  /** What is ready, as far as one answer may hold it; whoever was served goes to the end of the line. */
  take(): Parcel {
    const parcel: Parcel = { batches: [], ended: [] }
    let bytes = 0
    for (const [group, place] of [...this.#byGroup]) {
      parcel.ended.push(...place.feed.takeEnded())
      if (bytes >= agentLimits.pollBytesMax) continue
      const taken = place.feed.take(agentLimits.pollBytesMax - bytes)
      if (taken.batches.length === 0) continue
      parcel.batches.push(...taken.batches)
      bytes += taken.bytes
      this.#byGroup.delete(group)
      this.#byGroup.set(group, place)
    }
    return parcel
  }

  orders({ id, name, syslog, header, device }: AgentDefinition): AgentOrders {
    const places = [...this.#byGroup.values()].filter(({ isEnding }) => !isEnding)
    const live = places.some(({ replay }) => replay === undefined)
    const agent = places.length > 0 ? { id, ...(name === undefined ? {} : { name }), syslog, header, device } : null
    const replays = places
      .flatMap(({ replay }) => replay ?? [])
      .sort((left, right) => (left.id < right.id ? -1 : 1))
      .slice(0, agentLimits.feedsMax - 1)
    const text = JSON.stringify([agent, live, replays])
    return { revision: createHash('sha256').update(text).digest('base64url').slice(0, 22), agent, live, replays }
  }
}
