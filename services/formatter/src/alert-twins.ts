/** Twins of one alerts partition: what packages/common decides, as records of the log. An alert that waits is kept whole in the
 *  state, message and origin, so that it leaves after a restart as it would have before. */
import type { BusRecord, NewRecord, State, StateChange } from '@siem-relay/bus'
import { type AgentDefinition, type Alert, nameTwin, Twins, twinFieldOf } from '@siem-relay/common'
import type { BatchCounts } from './metrics.ts'
import { duplicateRecord, type Origin } from './outputs.ts'

/** A message that waits, as JSON. */
interface Held {
  readonly line: string
  readonly headers: NewRecord['headers']
  readonly origin: Origin
}

/** A tenant's identity alerts of a day; 16 MB of memory and state at most, whatever they say. */
const entriesMax = 5_000
const charactersMax = 16_777_216

export interface AlertTwinsOptions {
  readonly agent: AgentDefinition
  readonly topic: string
  /** Discards are counted only. */
  readonly isReplay: boolean
}

/** An alert whose message is ready. */
export interface JudgedAlert {
  readonly alert: Alert
  readonly record: BusRecord
  readonly message: NewRecord
  readonly line: string
  /** Another version of it went by. */
  readonly isUpdate: boolean
}

export class AlertTwins {
  readonly #options: AlertTwinsOptions
  readonly #twins: Twins<Held>

  constructor(options: AlertTwinsOptions, state: State) {
    this.#options = options
    const { policy, windowMinutes, graceMinutes } = options.agent.dedup
    this.#twins = new Twins({
      prefix: 'twins/',
      policy,
      windowMs: windowMinutes * 60_000,
      graceMs: graceMinutes * 60_000,
      entriesMax,
      charactersMax,
    })
    this.#twins.restore(state)
  }

  get heldCount(): number {
    return this.#twins.heldCount
  }

  dueMs(): number | undefined {
    return this.#twins.dueMs()
  }

  /** What leaves before the record. */
  advance({ appendedMs }: BusRecord, counts: BatchCounts): readonly NewRecord[] {
    return this.#leave(this.#twins.advance(appendedMs), counts)
  }

  /** What waited in vain until then. */
  release(untilMs: number, counts: BatchCounts): readonly NewRecord[] {
    return this.#leave(this.#twins.release(untilMs), counts)
  }

  /** What becomes of an alert's message. */
  judge({ alert, record, message, line, isUpdate }: JudgedAlert, counts: BatchCounts): readonly NewRecord[] {
    const { key, topic, partition, offset, appendedMs } = record
    const held: Held = { line, headers: message.headers, origin: { key, topic, partition, offset } }
    const decision = this.#twins.decide({ alert, appendedMs, isUpdate, message: held })
    switch (decision.type) {
      case 'send':
        return [
          ...this.#leave(decision.before === undefined ? [] : [decision.before], counts),
          ...this.#send(message, line, decision.twin?.other.id, counts),
        ]
      case 'hold':
        return []
      case 'discard':
        return this.#discard(held.origin, decision.evidence, counts)
      case 'replace':
        return [
          ...this.#discard(decision.held.origin, decision.evidence, counts),
          ...this.#send(message, line, decision.evidence.other.id, counts),
        ]
      default:
        return decision satisfies never
    }
  }

  takeChanges(): readonly StateChange[] {
    return this.#twins.takeChanges()
  }

  #leave(released: readonly Held[], counts: BatchCounts): readonly NewRecord[] {
    return released.map(({ line, headers, origin }) => {
      counts.received += 1
      counts.formatted += 1
      return { topic: this.#options.topic, key: origin.key, value: Buffer.from(line), headers }
    })
  }

  #send(message: NewRecord, line: string, twin: string | undefined, counts: BatchCounts): readonly NewRecord[] {
    counts.received += 1
    counts.formatted += 1
    const field = twinFieldOf(this.#options.agent)
    if (twin === undefined || field === 'none' || (field === 'cs6' && this.#options.isReplay)) return [message]
    return [{ ...message, value: Buffer.from(nameTwin(line, field, twin)) }]
  }

  #discard(origin: Origin, evidence: Parameters<typeof duplicateRecord>[3], counts: BatchCounts): readonly NewRecord[] {
    counts.received += 1
    counts.duplicates += 1
    const { agent, isReplay } = this.#options
    return isReplay ? [] : [duplicateRecord(origin, agent.id, agent.dedup.policy, evidence)]
  }
}
