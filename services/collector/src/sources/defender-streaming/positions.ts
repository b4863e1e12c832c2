/** Where each partition of the streaming log is read next: in our own state, committed with the records before it. */
import type { ForeignBatch, ForeignBounds, State, StateChange } from '@siem-relay/bus'
import { RelayError } from '@siem-relay/common'

/** Messages that were removed before they were read. */
export interface Gap {
  readonly topic: string
  readonly partition: number
  readonly from: number
  readonly until: number
  /** When the last message before them was appended; undefined when that is not known. */
  readonly afterMs: number | undefined
}

interface Place {
  readonly topic: string
  readonly partition: number
  readonly offset: number
  /** As far as is known. */
  readonly end: number
  /** Of the last message read. */
  readonly appendedMs: number | undefined
}

interface Stored {
  readonly offset: number
  /** Earlier versions did not keep it. */
  readonly appendedMs: number | undefined
}

const prefix = 'offset/'
const keyOf = (topic: string, partition: number): string => `${prefix}${topic}/${partition}`

export class Positions {
  readonly #places = new Map<string, Place>()
  readonly #stored = new Map<string, Stored>()

  /** @throws {RelayError} `RELAY_LOG_CORRUPT` with disposition stop: a position that cannot be read must not become a first start. */
  restore(state: State): void {
    for (const [key, value] of state) if (key.startsWith(prefix)) this.#stored.set(key, decode(key, value))
  }

  /**
   * Takes up the partitions as they are now.
   * @returns what to commit before anything is read, and what was removed since the last read.
   */
  open(bounds: readonly ForeignBounds[]): { readonly changes: readonly StateChange[]; readonly gaps: readonly Gap[] } {
    const changes: StateChange[] = []
    const gaps: Gap[] = []
    const knownTopics = new Set([...this.#stored.keys()].map((key) => key.slice(0, key.lastIndexOf('/'))))
    for (const { topic, partition, start, end, at } of bounds) {
      const key = keyOf(topic, partition)
      const { offset: stored, appendedMs } = this.#stored.get(key) ?? { offset: undefined, appendedMs: undefined }
      // A partition that was added to a topic is read whole; a log that was made anew begins anew.
      const first = knownTopics.has(`${prefix}${topic}`) ? start : at
      const offset = stored === undefined || stored > end ? first : Math.max(stored, start)
      if (stored !== undefined && stored < start)
        gaps.push({ topic, partition, from: stored, until: start, afterMs: appendedMs })
      // What is read again from elsewhere has no time yet.
      const isKept = stored !== undefined && offset >= stored
      this.#places.set(key, { topic, partition, offset, end, appendedMs: isKept ? appendedMs : undefined })
      if (offset !== stored) changes.push(changeOf(topic, partition, offset, isKept ? appendedMs : undefined))
    }
    return { changes, gaps }
  }

  offsetOf(topic: string, partition: number): number | undefined {
    return this.#places.get(keyOf(topic, partition))?.offset
  }

  /** What a batch skips; undefined where it begins as expected. Offsets missing inside a batch are nobody's messages. */
  gapBefore({ topic, partition, fetchedFrom }: ForeignBatch): Gap | undefined {
    const place = this.#places.get(keyOf(topic, partition))
    if (place === undefined || fetchedFrom <= place.offset) return undefined
    return { topic, partition, from: place.offset, until: fetchedFrom, afterMs: place.appendedMs }
  }

  /** Everything of the batch up to the offset was taken. */
  advance({ topic, partition, end }: ForeignBatch, offset: number, appendedMs: number): StateChange {
    this.#places.set(keyOf(topic, partition), { topic, partition, offset, end, appendedMs })
    this.#stored.set(keyOf(topic, partition), { offset, appendedMs })
    return changeOf(topic, partition, offset, appendedMs)
  }

  get partitions(): number {
    return this.#places.size
  }

  /** Messages that are known and not read. */
  get backlog(): number {
    return [...this.#places.values()].reduce((sum, { offset, end }) => sum + Math.max(0, end - offset), 0)
  }

  /** Everything up to here was read; undefined when nothing is known of the time. */
  watermarkMs(nowMs: number): number | undefined {
    const behind = [...this.#places.values()].filter(({ offset, end }) => offset < end)
    if (this.#places.size === 0) return undefined
    const times = behind.map(({ appendedMs }) => appendedMs)
    return times.some((ms) => ms === undefined) ? undefined : Math.min(nowMs, ...times.filter((ms) => ms !== undefined))
  }
}

function changeOf(topic: string, partition: number, offset: number, appendedMs: number | undefined): StateChange {
  return { key: keyOf(topic, partition), value: Buffer.from(JSON.stringify({ offset, appendedMs })) }
}

function decode(key: string, value: Buffer): Stored {
  let cause: unknown
  try {
    const { offset, appendedMs } = JSON.parse(value.toString()) as Readonly<Record<string, unknown>>
    if (typeof offset === 'number' && Number.isSafeInteger(offset) && offset >= 0)
      return { offset, appendedMs: typeof appendedMs === 'number' ? appendedMs : undefined }
  } catch (error) {
    cause = error
  }
  throw new RelayError(
    'RELAY_LOG_CORRUPT',
    `the position under ${key} is not readable; stopped, since going on would lose its place`,
    {
      disposition: 'stop',
      cause,
    },
  )
}
