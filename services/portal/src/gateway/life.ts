/** One stay of a partition with an agent, from the bus giving it to the bus taking it back: what waits to be handed out, what is handed
 *  out, and what of it came back acknowledged. Nothing the agent says reaches beyond what it was given. */
import type { Acknowledger, BusRecord } from '@siem-relay/bus'
import { agentLimits, encodeWireRecord, outHeaders, type WireBatch } from '@siem-relay/common'

interface Given {
  readonly kind: string | undefined
  readonly eventTimeMs: number
  readonly receivedMs: number
}

export class Life {
  readonly id: number
  readonly topic: string
  readonly partition: number
  readonly #acknowledger: Acknowledger
  /** Records the agent has and has not acknowledged, ascending. The bus hands out no more than 20,000 of them. */
  readonly #given = new Map<number, Given>()
  #waiting: { readonly batch: readonly BusRecord[]; readonly taken: () => void } | undefined
  #batchesGiven = 0
  #batchesTaken = 0

  constructor(id: number, place: { readonly topic: string; readonly partition: number }, acknowledger: Acknowledger) {
    this.id = id
    this.topic = place.topic
    this.partition = place.partition
    this.#acknowledger = acknowledger
  }

  get unacknowledged(): number {
    return this.#given.size
  }

  /** The agent may have something of this life. */
  get wasGiven(): boolean {
    return this.#batchesGiven > 0
  }

  /** Keeps a batch until a poll takes it: the bus gives this partition no more before. */
  offer(batch: readonly BusRecord[]): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#waiting = { batch, taken: resolve }
    return promise
  }

  /** Lets go of what waits; nothing is handed out any more. */
  close(): void {
    this.#waiting?.taken()
    this.#waiting = undefined
    this.#given.clear()
  }

  /** The agent has dealt with so many batches since this life began. */
  roomFor(batchesTaken: number): void {
    this.#batchesTaken = Math.min(Math.max(this.#batchesTaken, batchesTaken), this.#batchesGiven)
  }

  /** Size of what could be handed out now; undefined when there is nothing, or no room for it. */
  get readyBytes(): number | undefined {
    if (this.#waiting === undefined || this.#batchesGiven >= this.#batchesTaken + agentLimits.batchesAhead)
      return undefined
    return this.#waiting.batch.reduce((sum, { value }) => sum + value.length, 0)
  }

  take(group: string, opening: number): WireBatch | undefined {
    const waiting = this.#waiting
    if (waiting === undefined) return undefined
    this.#waiting = undefined
    this.#batchesGiven++
    for (const { offset, headers } of waiting.batch)
      this.#given.set(offset, {
        kind: headers[outHeaders.kind],
        eventTimeMs: Number(headers[outHeaders.eventTimeMs] ?? Number.NaN),
        receivedMs: Number(headers[outHeaders.receivedMs] ?? Number.NaN),
      })
    const { id: life, topic, partition } = this
    const batch = { group, opening, topic, partition, life, records: waiting.batch.map(encodeWireRecord) }
    waiting.taken()
    return batch
  }

  /** @returns what of `first`..`last` the agent had: that is acknowledged now, and no more. */
  acknowledge(first: number, last: number): readonly Given[] {
    const settled: Given[] = []
    let from: number | undefined
    let to = first
    for (const [offset, given] of this.#given) {
      if (offset > last) break
      if (offset < first) continue
      this.#given.delete(offset)
      settled.push(given)
      from ??= offset
      to = offset
    }
    if (from !== undefined) this.#acknowledger.acknowledge(from, to)
    return settled
  }

  has(offset: number): boolean {
    return this.#given.has(offset)
  }

  /** @returns whether it was still to be settled. */
  deadLetter(record: BusRecord, letter: Parameters<Acknowledger['deadLetter']>[1]): boolean {
    if (!this.#given.delete(record.offset)) return false
    this.#acknowledger.deadLetter(record, letter)
    return true
  }
}
