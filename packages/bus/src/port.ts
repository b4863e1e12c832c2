/** THE LOG's port. Services know nothing else of the bus: the same promises hold on Kafka and on the embedded SQLite log, and
 *  the conformance suite (conformance.ts) is their definition. Readers see committed data only.
 *
 *  Offsets are consecutive from the reader's view of order, not of count: a log may have gaps (Kafka's transaction markers,
 *  compaction, retention), so code compares offsets and never subtracts them to count records. */
import type { TopicSpec } from '@siem-relay/common'

export type Headers = Readonly<Record<string, string>>

/** A record to append. A `null` value deletes the key of a compacted topic; in other topics it is refused (`RELAY_BUS_TOPIC`).
 *  Its partition follows from its key (partitioner.ts); text is UTF-8, so half a surrogate pair does not survive. */
export interface NewRecord {
  readonly topic: string
  readonly key: string
  readonly value: Uint8Array | null
  readonly headers: Headers
}

/** A record read back. `value` may share memory with its neighbours: treat it as read-only. */
export interface BusRecord {
  readonly topic: string
  readonly partition: number
  readonly offset: number
  readonly key: string
  readonly value: Buffer
  readonly headers: Headers
  /** When the log took it, milliseconds since the epoch. */
  readonly appendedMs: number
}

export interface StateChange {
  readonly key: string
  /** `null` forgets the key. */
  readonly value: Uint8Array | null
}

export type State = ReadonlyMap<string, Buffer>

/** Appends records and sets state in one transaction, for one owner at a time. */
export interface Writer extends AsyncDisposable {
  /** The state as the last commit of this owner id left it. Read once at the claim; the owner keeps its own copy from there.
   *  It is the owner's alone: whether `table` or `read` of the state topic show it is not promised. */
  readonly state: State
  /**
   * All or nothing. One call at a time.
   * @throws {RelayError} `RELAY_BUS_FENCED` once a newer claim of the owner id exists; `RELAY_LOG_FULL`, `RELAY_LOG_WRITE`
   *   with disposition retry: nothing was written, the same call may be made again.
   */
  commit(changes: { readonly records?: readonly NewRecord[]; readonly state?: readonly StateChange[] }): Promise<void>
}

/** One input partition as a worker gets it, with the state its last commit left. */
export interface Assignment {
  readonly topic: string
  readonly partition: number
  readonly state: State
}

/** What became of a batch. Everything here and the input offsets commit together or not at all. */
export interface StageOutput {
  readonly records: readonly NewRecord[]
  readonly state?: readonly StateChange[]
}

/** A stretch of one partition: `from` up to, not including, `until`. */
export interface Stretch {
  readonly topic: string
  readonly partition: number
  readonly from: number
  readonly until: number
}

/** The consume-transform-produce step of one input partition. Thrown away and opened anew from committed state after any failure. */
export interface PartitionStage {
  /** Called with the next records, in order, one call at a time. Throwing abandons the batch and tries again from the committed offset, with back-off. */
  process(batch: readonly BusRecord[]): StageOutput
  /** When something it holds back is due, milliseconds since the epoch; undefined while it holds nothing. Asked between batches. */
  dueMs?(): number | undefined
  /**
   * The input is read to its end: everything appended before `untilMs` was processed. Called once `dueMs` has come, a moment
   * later at the earliest, and again while something is due; what it returns commits as a batch without
   * input would, unless it is empty. At the
   * end of a stretch it is called with infinity right after the last `process`, and both commit together.
   */
  idle?(untilMs: number): StageOutput
  /** The output of the last `process` or `idle` is durable. For counting. */
  committed?(): void
  /** This stage is used no more: it failed, the worker stops, or the partition is someone else's. For gauges. */
  ended?(): void
}

export interface StageSpec {
  readonly group: string
  readonly inputs: readonly TopicSpec[]
  /** Where `Assignment.state` lives; keys are kept apart per input partition by the bus. A change costs least when the keys
   *  of one time are neighbours (`<minute>/<id>`): the embedded log writes a page for every place it touches. */
  readonly stateTopic?: TopicSpec
  /** Where a group without a committed offset starts: the first record appended at or after this time; default: the oldest. */
  readonly startAtMs?: number
  /** Only these stretches are read, at most one of each partition: a group without a committed offset starts at `from`; nothing
   *  at or beyond `until` is read. Once everything before `until` is passed, `until` itself is committed, so that a partition is
   *  done when its committed offset is `until`; an empty stretch is done at once. Default: everything. */
  readonly stretches?: readonly Stretch[]
  readonly batchRecordsMax: number
  readonly batchBytesMax: number
  open(assignment: Assignment): PartitionStage
  /** Told of every failure that will be tried again; the bus backs off between. */
  onError?(error: unknown): void
}

/** Acknowledges records of one partition. The bus commits the contiguous acknowledged prefix. */
export interface Acknowledger {
  /** Everything in `first`..`last` of this batch or earlier ones is delivered. Any order; repeated calls are harmless. */
  acknowledge(first: number, last: number): void
  /** This record can never be delivered: the letter and the offset that passes it commit together. */
  deadLetter(record: BusRecord, letter: NewRecord): void
}

/** Delivery of one partition to the outside. */
export interface PartitionDelivery {
  /** Takes the next records, in order. The returned promise is the back-pressure: no more come before it resolves; other partitions go on. */
  deliver(batch: readonly BusRecord[]): Promise<void>
  /** The partition belongs to someone else now, or the worker closes: forget its records; acknowledging them has no effect any more. */
  revoked(): void
}

export interface DeliverSpec {
  readonly group: string
  readonly topics: readonly TopicSpec[]
  readonly startAtMs?: number
  /** As in `StageSpec`. */
  readonly stretches?: readonly Stretch[]
  readonly batchRecordsMax: number
  readonly batchBytesMax: number
  open(assignment: Omit<Assignment, 'state'>, acknowledger: Acknowledger): PartitionDelivery
  onError?(error: unknown): void
}

/** A running stage or delivery. Workers of one group share its partitions, each partition with one of them at a time. */
export interface Worker extends AsyncDisposable {
  /** Rejects when the worker cannot go on (fenced, closed log); never resolves otherwise. */
  readonly failed: Promise<never>
  /** Stops taking input, finishes or abandons what is open, commits what was acknowledged. Idempotent. */
  stop(): Promise<void>
}

/** A topic held by this worker: nobody else of the group holds it. */
export interface Holding {
  /** It belongs to someone else now, or the worker closes: stop what it stood for. Waited for before the topic is handed on, where the bus can. */
  released(): Promise<void> | void
}

export interface ShareSpec {
  readonly group: string
  /** Shared out one by one, evenly over the workers of the group. Nothing of them is read: a topic stands for a task. */
  readonly topics: readonly TopicSpec[]
  /** The topic is this worker's from now on. What must not run twice claims a writer of its own: holding is for peace, fencing for safety. */
  hold(topic: string): Holding
  onError?(error: unknown): void
}

/** The latest value per key of a compacted topic. */
export interface Table extends AsyncDisposable {
  get(key: string): Buffer | undefined
  entries(): IterableIterator<[string, Buffer]>
  /** Calls back after every committed change, in order; `undefined` means deleted. The returned function ends it. */
  onChange(listener: (key: string, value: Buffer | undefined) => void): () => void
}

export interface PartitionBounds {
  readonly topic: string
  readonly partition: number
  /** Oldest offset still kept. */
  readonly start: number
  /** Offset the next record will get. */
  readonly end: number
}

export interface PartitionPosition extends PartitionBounds {
  /** Offset the group reads next; undefined when it never committed. */
  readonly committed: number | undefined
  /** Records between committed (or start) and end, as `count` tells them; never negative. */
  readonly lag: number
  /** When the oldest record the group has not passed was appended; undefined when there is none. */
  readonly oldestPendingMs: number | undefined
}

export interface Positions {
  /** One entry per partition the topics have, which an operator may have made more or fewer than the treaty says. */
  bounds(topics: readonly TopicSpec[]): Promise<readonly PartitionBounds[]>
  /** As `bounds`, with where the group stands. */
  of(group: string, topics: readonly TopicSpec[]): Promise<readonly PartitionPosition[]>
  /** Records that readers get between two offsets still kept. A log with gaps counts the first of them, and takes the rest to be as dense. */
  count(topic: TopicSpec, partition: number, from: number, until: number): Promise<number>
  /** The first offset appended at or after `timeMs`, or the end. */
  offsetAt(topic: TopicSpec, partition: number, timeMs: number): Promise<number>
  /** Moves a group, at most to the oldest kept offset or the end. Its workers must be stopped (`RELAY_USAGE`). */
  set(group: string, topic: TopicSpec, partition: number, offset: number): Promise<void>
  /** Forgets a group's offsets: nothing is kept for it any more. Its workers must be stopped; the state of its stages stays. */
  forget(group: string): Promise<void>
}

/** Whether the log takes new records from sources. Sources stop polling while it is closed: the source is the buffer. */
export type Intake = { readonly open: true } | { readonly open: false; readonly reason: string }

export interface Bus extends AsyncDisposable {
  /** Creates what is missing; idempotent. */
  ensureTopics(topics: readonly TopicSpec[]): Promise<void>
  /** Deletes topics with everything in them; those that are not there are left out. Nobody may read or write them. */
  deleteTopics(names: readonly string[]): Promise<void>
  /** Fences every older holder of the owner id, then restores its state. */
  writer(ownerId: string, stateTopic?: TopicSpec): Promise<Writer>
  stage(spec: StageSpec): Worker
  deliver(spec: DeliverSpec): Worker
  /** Shares out topics among the workers of a group, over all processes: each topic has one holder at a time, and finds a new one when its holder is gone. */
  share(spec: ShareSpec): Worker
  table(topic: TopicSpec): Promise<Table>
  /** Records of one partition from an offset on, up to the end at the time of the call: for preview, replay, tools and tests. What is
   *  not decided yet, committed or not, is waited for until the signal is aborted. */
  read(topic: TopicSpec, partition: number, from: number, signal?: AbortSignal): AsyncIterable<BusRecord>
  readonly positions: Positions
  intake(): Intake
}
