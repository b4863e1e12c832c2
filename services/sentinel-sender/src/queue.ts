/** The rows of one stream that wait for a request, in the order they came. Bounded by the window of its agent. */
import type { Entry, Feed } from './entry.ts'

export class RowQueue {
  #entries: Entry[] = []
  /** Index of the oldest: taken ones are cut off in bulk. */
  #head = 0
  #bytes = 0
  #changed: () => void = () => undefined

  get isEmpty(): boolean {
    return this.#head === this.#entries.length
  }

  /** Bytes a body of all of them would take, brackets left out. */
  get bytes(): number {
    return this.#bytes
  }

  push(entry: Entry): void {
    this.#entries.push(entry)
    this.#bytes += entry.row.length + 1
    this.#changed()
  }

  peek(): Entry | undefined {
    return this.#entries[this.#head]
  }

  take(): Entry | undefined {
    const entry = this.#entries[this.#head]
    if (entry === undefined) return undefined
    this.#head++
    this.#bytes -= entry.row.length + 1
    if (this.#head > 4_096 && this.#head * 2 > this.#entries.length) {
      this.#entries = this.#entries.slice(this.#head)
      this.#head = 0
    }
    return entry
  }

  /** Forgets the rows of a feed that belongs to someone else now; returns them. */
  drop(feed: Feed): readonly Entry[] {
    const waiting = this.#entries.slice(this.#head)
    const dropped = waiting.filter((entry) => entry.feed === feed)
    this.#entries = waiting.filter((entry) => entry.feed !== feed)
    this.#head = 0
    for (const entry of dropped) this.#bytes -= entry.row.length + 1
    return dropped
  }

  /** Calls back at every push; the latest listener counts. */
  onPush(listener: () => void): void {
    this.#changed = listener
  }
}
