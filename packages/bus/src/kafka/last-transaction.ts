/** What is known of the last transaction of an id when it is claimed anew: in this process's memory and by the coordinator. Needed where
 *  Kafka lost the transaction's end (docs/adr/0008). */
import type { OwnerOptions } from './appender.ts'
import { KafkaError } from './wire/error-codes.ts'
import type { Producer } from './wire/record-batch.ts'
import type { TopicPartition } from './wire/request.ts'
import { describeTransactionRequest, type LastKnown, type NextOffset } from './wire/transaction-requests.ts'

export interface LastTransaction {
  /** Where it writes its end, beside the offsets of its group. */
  readonly places: readonly TopicPartition[]
  readonly offsets: { readonly group: string; readonly next: readonly NextOffset[] } | undefined
  readonly outcome: 'committed' | 'aborted' | 'unknown'
}

/** What a holder of an id leaves to the next one in this process. */
export interface Memory {
  readonly producer: Producer
  readonly last: LastTransaction | undefined
}

/** More ids than one process holds. Whoever is forgotten is as if another process had held the id. */
const memoriesMax = 10_000

export class Memories {
  readonly #memories = new Map<string, Memory>()

  get(id: string): Memory | undefined {
    return this.#memories.get(id)
  }

  /** The latest counts. */
  keep(id: string, memory: Memory): void {
    this.#memories.delete(id)
    this.#memories.set(id, memory)
    const [oldest] = this.#memories.keys()
    if (this.#memories.size > memoriesMax && oldest !== undefined) this.#memories.delete(oldest)
  }
}

/** Asks the coordinator; undefined when it does not tell: before Kafka 3.0, or for an id it does not know. */
export async function lastKnown(id: string, { cluster, lane }: OwnerOptions): Promise<LastKnown | undefined> {
  const request = describeTransactionRequest(id)
  try {
    return await cluster.ask(
      async () => {
        const connection = await cluster.connection(await cluster.coordinator('transaction', id), lane)
        return connection.speaks(request) ? await connection.send(request) : undefined
      },
      () => cluster.forgetCoordinator('transaction', id),
    )
  } catch (error) {
    // What is in the way here is so for the claim as well, which says it.
    if (error instanceof KafkaError) return undefined
    throw error
  }
}

/** The last transaction of an id as the coordinator has it now; where it was, only who holds the id in this process can have remembered. */
export function inherited(memory: Memory | undefined, known: LastKnown): LastTransaction | undefined {
  return asKnown(memory !== undefined && isLatest(memory.producer, known) ? memory.last : undefined, known)
}

/** A transaction of which this may be told now. */
export function asKnown(last: LastTransaction | undefined, { state }: LastKnown): LastTransaction | undefined {
  if (last !== undefined && last.outcome !== 'unknown') return last
  const outcome = outcomeOf(state)
  return outcome === 'unknown' ? last : { ...(last ?? { places: [], offsets: undefined }), outcome }
}

/** Nobody had a transaction since: the epoch is the remembered one, or was raised once, by a claim whose answer went astray. */
function isLatest(remembered: Producer, { producer, state }: LastKnown): boolean {
  if (producer.producerId !== remembered.producerId) return false
  const raised = producer.producerEpoch - remembered.producerEpoch
  return raised === 0 || (raised === 1 && state === 'Empty')
}

/** What is prepared is decided. */
function outcomeOf(state: string): LastTransaction['outcome'] {
  if (state === 'PrepareCommit' || state === 'CompleteCommit') return 'committed'
  if (state === 'PrepareAbort' || state === 'CompleteAbort') return 'aborted'
  return 'unknown'
}
