/** What of one partition has been handed out, what of it is acknowledged, and how far the acknowledged part reaches without
 *  a hole. Pure bookkeeping for both buses; when and how the prefix is committed is theirs. */
import type { NewRecord } from './port.ts'

interface Segment {
  /** Offsets handed out, ascending; a log may have gaps. */
  readonly offsets: readonly number[]
  /** The offset to go on with once all are acknowledged. */
  readonly next: number
  readonly done: Uint8Array
  remaining: number
}

/** How far to commit, and the letters that have to travel with that commit. */
export interface Committable {
  readonly offset: number
  readonly letters: readonly NewRecord[]
}

export class AcknowledgedPrefix {
  readonly #segments: Segment[] = []
  readonly #letters = new Map<number, NewRecord>()
  #outstanding = 0
  #offset: number
  #committed: number

  /** @param from the committed offset: the first record not yet passed. */
  constructor(from: number) {
    this.#offset = from
    this.#committed = from
  }

  /** Records handed out and not acknowledged. */
  get outstanding(): number {
    return this.#outstanding
  }

  /** Remembers what is handed out; `next` is where reading goes on after it. */
  track(offsets: readonly number[], next: number): void {
    if (offsets.length === 0) return
    this.#segments.push({ offsets, next, done: new Uint8Array(offsets.length), remaining: offsets.length })
    this.#outstanding += offsets.length
  }

  /** Reading goes on at `next`: what lies before and was not handed out holds nothing for readers. */
  pass(next: number): void {
    const last = this.#segments.pop()
    if (last === undefined) this.#offset = Math.max(this.#offset, next)
    else this.#segments.push({ ...last, next: Math.max(last.next, next) })
  }

  /** Marks everything handed out within `first`..`last`; repeats and unknown offsets are harmless. */
  acknowledge(first: number, last: number): void {
    for (const segment of this.#segments) {
      const { offsets, done } = segment
      if ((offsets[0] ?? Number.POSITIVE_INFINITY) > last) break
      if ((offsets[offsets.length - 1] ?? Number.NEGATIVE_INFINITY) < first || segment.remaining === 0) continue
      for (let i = lowerBound(offsets, first); i < offsets.length; i++) {
        if ((offsets[i] ?? 0) > last) break
        if (done[i] === 1) continue
        done[i] = 1
        segment.remaining--
        this.#outstanding--
      }
    }
    this.#advance()
  }

  /** Acknowledges one record whose letter has to commit together with the offset that passes it. */
  deadLetter(offset: number, letter: NewRecord): void {
    if (!this.#isOutstanding(offset)) return
    this.#letters.set(offset, letter)
    this.acknowledge(offset, offset)
  }

  /** What a commit would move now; undefined when there is nothing new. */
  committable(): Committable | undefined {
    if (this.#offset <= this.#committed) return undefined
    const letters: NewRecord[] = []
    for (const [offset, letter] of this.#letters) if (offset < this.#offset) letters.push(letter)
    return { offset: this.#offset, letters }
  }

  /** The commit of `offset` is durable. */
  committed(offset: number): void {
    this.#committed = Math.max(this.#committed, offset)
    for (const at of [...this.#letters.keys()]) if (at < offset) this.#letters.delete(at)
  }

  #advance(): void {
    let whole = 0
    while (whole < this.#segments.length && this.#segments[whole]?.remaining === 0) {
      this.#offset = this.#segments[whole]?.next ?? this.#offset
      whole++
    }
    this.#segments.splice(0, whole)
    const head = this.#segments[0]
    const open = head?.done.indexOf(0) ?? -1
    if (head !== undefined && open > 0) this.#offset = head.offsets[open] ?? this.#offset
  }

  #isOutstanding(offset: number): boolean {
    return this.#segments.some((segment) => {
      const index = lowerBound(segment.offsets, offset)
      return segment.offsets[index] === offset && segment.done[index] === 0
    })
  }
}

/** Index of the first offset that is at least `wanted`. */
function lowerBound(offsets: readonly number[], wanted: number): number {
  let low = 0
  let high = offsets.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((offsets[middle] ?? 0) < wanted) low = middle + 1
    else high = middle
  }
  return low
}
