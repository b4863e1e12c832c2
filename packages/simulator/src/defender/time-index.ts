/** Records in the order of one of their times, for binary search. New ones wait in a tail that is merged in when somebody
 *  asks, so that seeding a million records sorts once, and a poll between two arrivals costs nothing. */

/** A stored record: what queries compare, and its JSON as it goes on the wire (UTF-8: half the memory of a string, and a
 *  page of thousands is copied together without being encoded again). */
export interface Entry {
  readonly id: string
  /** Order of arrival; breaks ties between equal times. */
  readonly order: number
  readonly dateMs: number
  readonly createdMs: number
  readonly json: Buffer
  /** Replaced or dropped: not to be listed any more. */
  isGone: boolean
}

/** The record itself, parsed anew. */
export function parseEntry<Item>(entry: Entry): Item {
  return JSON.parse(entry.json.toString()) as Item
}

export type TimeKey = 'dateMs' | 'createdMs'

export class TimeIndex {
  readonly #key: TimeKey
  #sorted: Entry[] = []
  #waiting: Entry[] = []
  #goneCount = 0

  constructor(key: TimeKey) {
    this.#key = key
  }

  add(entry: Entry): void {
    this.#waiting.push(entry)
  }

  /** Says that one of the entries is gone; gone entries are swept out before the next query, or when they are many. */
  noteGone(): void {
    this.#goneCount += 1
    if (this.#goneCount > 1000 + this.#sorted.length / 8) this.#settle()
  }

  /** All entries in ascending order; to be read at once, not kept. */
  ascending(): readonly Entry[] {
    this.#settle()
    return this.#sorted
  }

  /** The first position whose time is at or after `timeMs`. */
  positionOf(timeMs: number): number {
    this.#settle()
    let low = 0
    let high = this.#sorted.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((this.#sorted[middle] as Entry)[this.#key] < timeMs) low = middle + 1
      else high = middle
    }
    return low
  }

  #settle(): void {
    if (this.#goneCount > 0) {
      this.#sorted = this.#sorted.filter((entry) => !entry.isGone)
      this.#waiting = this.#waiting.filter((entry) => !entry.isGone)
      this.#goneCount = 0
    }
    if (this.#waiting.length === 0) return
    const arrivals = this.#waiting.sort((a, b) => this.#compare(a, b))
    this.#waiting = []
    // Late records belong somewhere before the end: only what comes after the earliest of them is merged again.
    const firstMs = (arrivals[0] as Entry)[this.#key]
    const tail = this.#sorted.splice(this.positionOf(firstMs))
    for (const entry of this.#merge(tail, arrivals)) this.#sorted.push(entry)
  }

  #merge(left: readonly Entry[], right: readonly Entry[]): Entry[] {
    const merged: Entry[] = []
    let next = 0
    for (const entry of left) {
      for (let other = right[next]; other !== undefined && this.#compare(other, entry) < 0; other = right[next]) {
        merged.push(other)
        next += 1
      }
      merged.push(entry)
    }
    for (const other of right.slice(next)) merged.push(other)
    return merged
  }

  #compare(a: Entry, b: Entry): number {
    return a[this.#key] - b[this.#key] || a.order - b.order
  }
}
