/** One stay of a partition with this process: batches on their way into the sender, acknowledgements and dead letters on their way out. */
import type { Acknowledger, BusRecord, DeliverSpec, NewRecord, PartitionDelivery } from '@siem-relay/bus'
import {
  agentLimits,
  decodeWireRecord,
  letterHeaders,
  printable,
  type ReportRequest,
  type WireBatch,
} from '@siem-relay/common'

type Ranges = [number, number][]
type Letter = ReportRequest['letters'][number]

export interface LifeParts {
  readonly spec: DeliverSpec
  /** There is something to report. */
  readonly changed: () => void
  /** Resolves once what was acknowledged is reported far enough for more to be sent. */
  readonly reported: () => Promise<void>
}

export class RemoteLife {
  readonly id: number
  readonly partition: number
  readonly #delivery: PartitionDelivery
  readonly #recordsMax: number
  readonly #parts: LifeParts
  #ranges: Ranges = []
  #letters: Letter[] = []
  #isRevoked = false
  #taken = 0
  #giving: Promise<void> = Promise.resolve()

  constructor(batch: WireBatch, parts: LifeParts) {
    const { life, topic, partition } = batch
    const { spec } = parts
    this.id = life
    this.partition = partition
    this.#parts = parts
    const acknowledger: Acknowledger = {
      acknowledge: (first, last) => this.#acknowledge(first, last),
      deadLetter: (record, letter) => this.#deadLetter(record, letter),
    }
    this.#recordsMax = spec.batchRecordsMax
    this.#delivery = spec.open({ topic, partition }, acknowledger)
  }

  /** Batches the sender is through with. */
  get taken(): number {
    return this.#taken
  }

  /** Hands records to the sender after those before; no more than two batches wait, since the portal gives no more. */
  give({ topic, partition, records }: WireBatch, onError: (error: unknown) => void): void {
    const batch: BusRecord[] = records.map((record) => ({ topic, partition, ...decodeWireRecord(record) }))
    this.#giving = this.#giving
      .then(async () => {
        for (let from = 0; from < batch.length && !this.#isRevoked; from += this.#recordsMax) {
          await this.#parts.reported()
          if (!this.#isRevoked) await this.#delivery.deliver(batch.slice(from, from + this.#recordsMax))
        }
        this.#taken += 1
        this.#parts.changed()
      })
      .catch(onError)
  }

  /** What the sender acknowledges from here on has no effect; what it acknowledged before still is to be reported. */
  revoke(): void {
    if (this.#isRevoked) return
    this.#isRevoked = true
    this.#delivery.revoked()
  }

  get hasNews(): boolean {
    return this.#ranges.length > 0 || this.#letters.length > 0
  }

  /** Messages acknowledged and not yet taken to be reported; offsets may have gaps, so at most so many. */
  get unreported(): number {
    return messagesIn(this.#ranges)
  }

  takeRanges(countMax: number): Ranges {
    return this.#ranges.splice(0, countMax)
  }

  takeLetters(countMax: number): Letter[] {
    return this.#letters.splice(0, countMax)
  }

  #acknowledge(first: number, last: number): void {
    if (this.#isRevoked) return
    const latest = this.#ranges.at(-1)
    if (latest !== undefined && first <= latest[1] + 1 && first >= latest[0]) latest[1] = Math.max(latest[1], last)
    else this.#ranges.push([first, last])
    this.#parts.changed()
  }

  #deadLetter({ offset }: BusRecord, { headers }: NewRecord): void {
    if (this.#isRevoked) return
    this.#letters.push({
      life: this.id,
      offset,
      code: headers[letterHeaders.code] ?? '',
      // The portal takes no controls and no halves of characters.
      reason: printable((headers[letterHeaders.reason] ?? '').slice(0, agentLimits.reasonCharactersMax)),
      attempts: Math.max(1, Number(headers[letterHeaders.attempts]) || 1),
    })
    this.#parts.changed()
  }
}

export function messagesIn(ranges: readonly (readonly [number, number])[]): number {
  let sum = 0
  for (const [first, last] of ranges) sum += last - first + 1
  return sum
}
