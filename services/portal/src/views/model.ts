/** What a read model gets and tells: records of one partition in, how many of them counted out. */

/** A record as it crosses to the thread of the models. */
export interface ReadRecord {
  readonly key: string
  readonly value: Uint8Array
  readonly headers: Readonly<Record<string, string>>
  readonly offset: number
  readonly appendedMs: number
}

export interface Batch {
  readonly topic: string
  readonly partition: number
  /** Where reading stood before it, and stands behind it. */
  readonly from: number
  readonly next: number
  readonly records: readonly ReadRecord[]
}

/** What became of records. `repeated` were counted before; `unreadable` is in dead-letters; `old` is beyond what the models keep. */
export const outcomes = ['counted', 'repeated', 'unreadable', 'old', 'other'] as const
type Outcome = (typeof outcomes)[number]
export type Counts = Record<Outcome, number>

export const noCounts = (): Counts => ({ counted: 0, repeated: 0, unreadable: 0, old: 0, other: 0 })

export interface Model {
  /** Within the transaction of the batch. */
  add(batch: Batch): Counts
  /** The transaction of the last `add` was rolled back, or rows were removed: what is remembered of ids may be wrong. */
  forget(): void
}

export interface ModelLimits {
  readonly retentionDays: number
  readonly discoveryRowsMax: number
}

export const duplicatesMax = 100_000
