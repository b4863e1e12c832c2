/** One owner's transactions under a static transactional id: the fence of the relay on Kafka (facts: KIP-98, KIP-360, KIP-447).
 *
 *  `claim` finishes or aborts whatever an older holder left and shuts that holder out; only then are committed offsets read, so they
 *  are final. Inside a transaction nothing is tried again whose outcome is unknown: after any error the epoch is raised (`recover`),
 *  which settles it, and the caller begins again from committed data. Kafka may lose ends of transactions when a broker starts again: what
 *  is known of the last one is written once more (docs/adr/0008). */
import { Appender, type OwnerOptions, type PartitionRecords, settled } from './appender.ts'
import { Coordination } from './coordination.ts'
import { ConnectionError } from './driver.ts'
import { asKnown, inherited, type LastTransaction, lastKnown, type Memories, type Memory } from './last-transaction.ts'
import { KafkaError, kafkaErrors } from './wire/error-codes.ts'
import type { Producer } from './wire/record-batch.ts'
import type { KafkaRequest, TopicPartition } from './wire/request.ts'
import {
  addOffsetsRequest,
  addPartitionsRequest,
  endTxnRequest,
  type NextOffset,
  txnOffsetCommitRequest,
} from './wire/transaction-requests.ts'

/** The commit was sent and its answer did not come: whether it took effect shows in committed data only. */
export class UncertainCommit extends Error {
  constructor(transactionalId: string, cause: unknown) {
    super(`the outcome of a commit of ${transactionalId} is unknown`, { cause })
    this.name = 'UncertainCommit'
  }
}

export interface Changes {
  readonly records: readonly PartitionRecords[]
  readonly offsets?: { readonly group: string; readonly next: readonly NextOffset[] }
}

export class TransactionalOwner implements Memory {
  readonly id: string
  readonly #options: OwnerOptions
  #producer: Producer
  #isBroken = false
  #last: LastTransaction | undefined
  readonly #coordination: Coordination
  readonly #appender: Appender

  private constructor(id: string, options: OwnerOptions, coordination: Coordination, { producer, last }: Memory) {
    this.id = id
    this.#options = options
    this.#coordination = coordination
    this.#producer = producer
    this.#last = last
    this.#appender = new Appender(id, options, (node) => coordination.connection(node))
  }

  /** Takes the id over from whoever holds it; what is known of the last transaction is taken over too. */
  static async claim(id: string, options: OwnerOptions, memories: Memories): Promise<TransactionalOwner> {
    let known = await lastKnown(id, options)
    let last = known && inherited(memories.get(id), known)
    // Before the claim, which makes the coordinator forget it: an answer that goes astray must not cost the knowledge.
    if (known !== undefined) memories.keep(id, { producer: known.producer, last })
    const coordination = new Coordination(id, options)
    const producer = await coordination.claim(undefined, async () => {
      known = await lastKnown(id, options)
      if (known === undefined) return
      last = asKnown(last, known)
      memories.keep(id, { producer: known.producer, last })
    })
    const owner = new TransactionalOwner(id, options, coordination, { producer, last })
    memories.keep(id, owner)
    return owner
  }

  get producer(): Producer {
    return this.#producer
  }

  /** The last transaction that began. */
  get last(): LastTransaction | undefined {
    return this.#last
  }

  /** Whether an error has made `recover` necessary. */
  get isBroken(): boolean {
    return this.#isBroken
  }

  /** Whether it is known how the last transaction ended. */
  get knowsEnd(): boolean {
    return this.#last !== undefined && this.#last.outcome !== 'unknown'
  }

  /** What the last transaction would have committed, while nobody knows whether it did. */
  get doubtful(): readonly NextOffset[] | undefined {
    return this.#last?.outcome === 'unknown' ? (this.#last.offsets?.next ?? []) : undefined
  }

  /**
   * Settles what is pending and goes on with a new epoch.
   * @throws {KafkaError} `isFenced` when someone else has claimed the id since.
   */
  async recover(): Promise<void> {
    await this.#raise()
    await this.endAgain()
  }

  /** Kafka may have lost the end of the last transaction (docs/adr/0008): how it ended is written again, as far as it is known. */
  async endAgain(): Promise<void> {
    if (this.#last !== undefined && this.#last.outcome !== 'unknown') await this.#endAgain(this.#last)
  }

  /** Once committed data have told how the doubtful transaction ended: wherever its end was lost, it is written again. */
  async settle(isCommitted: boolean): Promise<void> {
    if (this.#last?.outcome !== 'unknown') return
    this.#last = { ...this.#last, outcome: isCommitted ? 'committed' : 'aborted' }
    await this.#endAgain(this.#last)
  }

  /**
   * Ends what stands without an end at these places, also when an older holder left it: as it is known to have ended, else it is aborted.
   * @param group whose offset is pending too.
   */
  async endAt(places: readonly TopicPartition[], group?: string): Promise<void> {
    const last = this.#last ?? { places: [], offsets: undefined, outcome: 'unknown' }
    const reach = {
      places: [...last.places, ...places],
      offsets: group === undefined ? last.offsets : { group, next: [] },
    }
    await this.#endAgain({ ...reach, outcome: last.outcome === 'committed' ? 'committed' : 'aborted' })
    if (last.outcome === 'unknown') this.#last = undefined
  }

  /**
   * All or nothing. One call at a time.
   * @throws {UncertainCommit} when only committed data can tell what became of it; anything else: nothing was committed.
   */
  async transact({ records, offsets }: Changes): Promise<void> {
    if (this.#isBroken) throw new Error(`${this.id} was used after an error without recover()`)
    const hasOffsets = offsets !== undefined && offsets.next.length > 0
    if (records.length === 0 && !hasOffsets) return
    if (this.#coordination.isInterrupted) await this.#recoverOrBreak()
    const { cluster, onCommit } = this.#options
    const startMs = cluster.clock.monotonicMs()
    this.#coordination.begin()
    try {
      await this.#begin(records, hasOffsets ? offsets.group : undefined)
      this.#last = {
        places: records.map(({ topic, partition }) => ({ topic, partition })),
        offsets,
        outcome: 'aborted',
      }
      const work: Promise<void>[] = []
      if (records.length > 0) work.push(this.#appender.append(records, this.#producer))
      if (hasOffsets)
        work.push(
          this.#coordination.ofGroup(
            offsets.group,
            txnOffsetCommitRequest(this.id, this.#producer, offsets.group, offsets.next),
          ),
        )
      await settled(work)
    } catch (error) {
      this.#isBroken = true
      throw error
    }
    await this.#end()
    onCommit((cluster.clock.monotonicMs() - startMs) / 1_000)
  }

  /** The coordinator learns where the transaction will write. */
  async #begin(places: readonly TopicPartition[], group: string | undefined): Promise<void> {
    const ask = (request: KafkaRequest<void>): Promise<void> => this.#coordination.ofTransaction(request)
    const additions: Promise<void>[] = []
    if (places.length > 0) additions.push(ask(addPartitionsRequest(this.id, this.#producer, places)))
    if (group !== undefined) additions.push(ask(addOffsetsRequest(this.id, this.#producer, group)))
    await settled(additions)
  }

  async #recoverOrBreak(): Promise<void> {
    try {
      await this.recover()
    } catch (error) {
      this.#isBroken = true
      throw error
    }
  }

  async #raise(): Promise<void> {
    this.#producer = await this.#coordination.claim(this.#producer)
    this.#appender.reset()
    this.#isBroken = false
  }

  /** An empty transaction: its end stands for the one that was lost, since it is the same producer's. Where none was lost it changes nothing. */
  async #endAgain({ places, offsets, outcome }: LastTransaction): Promise<void> {
    if (places.length === 0 && offsets === undefined) return
    const unique = [...new Map(places.map((place) => [`${place.topic}/${place.partition}`, place])).values()]
    try {
      await this.#begin(unique, offsets?.group)
      await this.#coordination.ofTransaction(endTxnRequest(this.id, this.#producer, outcome === 'committed'))
    } catch (error) {
      this.#isBroken = true
      // A topic that was deleted meanwhile needs no end.
      if (error instanceof KafkaError && error.code === kafkaErrors.unknownTopic) this.#last = undefined
      throw error
    }
    await this.#raise()
  }

  async #end(): Promise<void> {
    try {
      await this.#coordination.ofTransaction(endTxnRequest(this.id, this.#producer, true))
      this.#ended('committed')
    } catch (error) {
      this.#isBroken = true
      // Refused or never sent: the transaction is open still, and raising the epoch aborts it.
      if (error instanceof KafkaError && !error.isElsewhere) throw error
      if (error instanceof ConnectionError && error.isUnsent) throw error
      this.#ended('unknown')
      throw new UncertainCommit(this.id, error)
    }
  }

  #ended(outcome: LastTransaction['outcome']): void {
    if (this.#last !== undefined) this.#last = { ...this.#last, outcome }
  }
}
