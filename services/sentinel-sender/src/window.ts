/** The rows taken from the log that are not stored yet, and those behind an older one of their partition that is not: what comes again
 *  after a crash. Bounded in bytes; at the bound the feeds wait, nothing is dropped. */
import { advance, type Entry } from './entry.ts'

export class RowWindow {
  readonly #bytesMax: number
  readonly #changed: (rows: number) => void
  #rows = 0
  #bytes = 0
  #waiting: (() => void)[] = []

  /** @param changed is told how many rows are not stored. */
  constructor(bytesMax: number, changed: (rows: number) => void) {
    this.#bytesMax = bytesMax
    this.#changed = changed
  }

  /** Rows neither stored nor in the dead letters. */
  get rows(): number {
    return this.#rows
  }

  /** An empty window takes any row. */
  hasRoomFor(bytes: number): boolean {
    return this.#bytes === 0 || this.#bytes + bytes <= this.#bytesMax
  }

  add(entry: Entry): void {
    entry.feed.line.push(entry)
    this.#rows++
    this.#bytes += entry.row.length
    this.#changed(this.#rows)
  }

  /** These are stored, in the dead letters, or somebody else's by now. */
  done(entries: readonly Entry[]): void {
    for (const entry of entries) entry.isDone = true
    for (const feed of new Set(entries.map((entry) => entry.feed))) this.#bytes -= advance(feed)
    this.#rows -= entries.length
    this.#changed(this.#rows)
    this.wake()
  }

  /** Resolves when it is worth looking again. */
  change(): Promise<void> {
    return new Promise((resolve) => this.#waiting.push(resolve))
  }

  /** Lets whoever waits look again. */
  wake(): void {
    const waiting = this.#waiting
    this.#waiting = []
    for (const wake of waiting) wake()
  }

  async emptied(): Promise<void> {
    while (this.#rows > 0) await this.change()
  }
}
