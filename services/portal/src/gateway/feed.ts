/** One sender's messages on their way to an agent: deliveries of the bus on one side, batches for polls on the other. The agent opens
 *  it; opened anew, or closed, everything that is not acknowledged is the log's again. */
import type { BusRecord, PartitionDelivery, Worker } from '@siem-relay/bus'
import { agentLimits, describeError, type ErrorCode, errorCodes, RelayError, type WireBatch } from '@siem-relay/common'
import { type DeliveryMetrics, letterFor, type SenderInput } from '@siem-relay/delivery'
import type { World } from '@siem-relay/service-kit'
import { Life } from './life.ts'

export interface FeedParts {
  readonly agent: string
  readonly world: Pick<World, 'bus' | 'clock' | 'log'>
  readonly input: SenderInput
  readonly metrics: DeliveryMetrics
  /** There is something new for the agent. */
  readonly changed: () => void
  /** The next number of a life, never given before to this agent. */
  readonly nextLife: () => number
}

export interface Letter {
  readonly life: number
  readonly offset: number
  readonly code: string
  readonly reason: string
  readonly attempts: number
}

export class Feed {
  /** Rejects when the bus cannot go on. */
  readonly failed: Promise<never>
  readonly #parts: FeedParts
  readonly #fail: (error: unknown) => void
  readonly #lives = new Map<number, Life>()
  /** Lives that are over and that the agent does not know of. */
  #ended: number[] = []
  #opening: number | undefined
  #worker: Worker | undefined
  #turn: Promise<void> = Promise.resolve()

  constructor(parts: FeedParts) {
    const { promise, reject } = Promise.withResolvers<never>()
    promise.catch(() => undefined)
    this.failed = promise
    this.#fail = reject
    this.#parts = parts
  }

  get group(): string {
    return this.#parts.input.group
  }

  get isOpen(): boolean {
    return this.#opening !== undefined
  }

  /** Begins at the committed place, unless this opening is the one in force. */
  open(opening: number): Promise<void> {
    return this.#next(async () => {
      if (this.#opening === opening) return
      await this.#end()
      this.#opening = opening
      this.#begin()
    })
  }

  /** What was acknowledged is committed when this resolves; the rest comes again. */
  close(): Promise<void> {
    return this.#next(() => this.#end())
  }

  roomFor(life: number, batchesTaken: number): void {
    this.#lives.get(life)?.roomFor(batchesTaken)
  }

  /** Takes what is ready and has room with the agent, up to so many bytes; the first batch may be larger. */
  take(bytesMax: number): { readonly batches: readonly WireBatch[]; readonly bytes: number } {
    const batches: WireBatch[] = []
    let bytes = 0
    for (const life of [...this.#lives.values()]) {
      const ready = life.readyBytes
      if (ready === undefined || (bytes > 0 && bytes + ready > bytesMax)) continue
      const batch = life.take(this.group, this.#opening ?? 0)
      if (batch === undefined) continue
      batches.push(batch)
      bytes += ready
      this.#parts.metrics.sent(batch.records.length)
      this.#parts.metrics.sentBytes(ready)
      // Whoever was served goes to the end of the line.
      this.#lives.delete(life.id)
      this.#lives.set(life.id, life)
      if (bytes >= bytesMax) break
    }
    this.#noteUnacknowledged()
    return { batches, bytes }
  }

  takeEnded(): readonly number[] {
    const ended = this.#ended
    this.#ended = []
    return ended
  }

  acknowledge(life: number, ranges: readonly (readonly [number, number])[]): void {
    const { metrics, world } = this.#parts
    const nowMs = world.clock.nowMs()
    for (const [first, last] of ranges) {
      const settled = this.#lives.get(life)?.acknowledge(first, last) ?? []
      for (const message of settled) metrics.delay(message, nowMs)
      metrics.delivered(settled.length)
    }
    this.#noteUnacknowledged()
  }

  /** Keeps a record that the receiver never takes: as the log has it, not as the agent says. */
  async deadLetter({ life: id, offset, code, reason, attempts }: Letter): Promise<void> {
    const { agent, metrics, world } = this.#parts
    const life = this.#lives.get(id)
    if (life?.has(offset) !== true) return
    const record = await this.#read(life, offset)
    if (record === undefined) {
      life.acknowledge(offset, offset)
      return
    }
    const error = new RelayError(isErrorCode(code) ? code : 'RELAY_AGENT_TROUBLE', reason)
    if (!life.deadLetter(record, letterFor('remote-sender', agent, record, error, attempts))) return
    metrics.deadLettered(error.code)
    const { topic, partition } = record
    world.log.warn({ agent, topic, partition, offset, code: error.code, reason }, 'message sent to dead letters')
  }

  async #read({ topic, partition }: Life, offset: number): Promise<BusRecord | undefined> {
    const spec = this.#parts.input.topics.find(({ name }) => name === topic)
    if (spec === undefined) return undefined
    for await (const record of this.#parts.world.bus.read(spec, partition, offset))
      return record.offset === offset ? record : undefined
    return undefined
  }

  #begin(): void {
    const { agent, input, world } = this.#parts
    this.#worker = world.bus.deliver({
      ...input,
      batchRecordsMax: agentLimits.batchRecordsMax,
      batchBytesMax: agentLimits.batchBytesMax,
      open: (place, acknowledger) => this.#openLife(new Life(this.#parts.nextLife(), place, acknowledger)),
      onError: (error) => world.log.warn({ agent, error: describeError(error) }, 'reading messages failed'),
    })
    this.#worker.failed.catch(this.#fail)
  }

  #openLife(life: Life): PartitionDelivery {
    this.#lives.set(life.id, life)
    return {
      deliver: (batch) => {
        const taken = life.offer(batch)
        this.#parts.changed()
        return taken
      },
      revoked: () => {
        this.#lives.delete(life.id)
        life.close()
        if (life.wasGiven && this.isOpen) {
          this.#ended.push(life.id)
          this.#parts.changed()
        }
        this.#noteUnacknowledged()
      },
    }
  }

  async #end(): Promise<void> {
    const worker = this.#worker
    this.#opening = undefined
    this.#worker = undefined
    this.#ended = []
    await worker?.stop()
  }

  #next(step: () => Promise<void>): Promise<void> {
    const mine = this.#turn.then(step)
    this.#turn = mine.catch(() => undefined)
    return mine
  }

  #noteUnacknowledged(): void {
    let sum = 0
    for (const { unacknowledged } of this.#lives.values()) sum += unacknowledged
    this.#parts.metrics.unconfirmed(sum)
  }
}

function isErrorCode(text: string): text is ErrorCode {
  return Object.hasOwn(errorCodes, text)
}
