/** The messages handed in and not yet confirmed, in the order they go out: what is sent again after any error. Bounded in
 *  bytes and messages; at the bound the feeds wait, nothing is dropped. Knows no sockets. */
import { type Feed, messagesIn, type Segment } from './segment.ts'

export interface WindowLimits {
  readonly bytesMax: number
  readonly messagesMax: number
}

export interface WindowEvents {
  /** There is something new to send. */
  pushed(): void
  /** Messages `from` up to, not with, `to` of a segment are delivered, and gone from the window. */
  confirmed(segment: Segment, from: number, to: number): void
}

export class Window {
  readonly limits: WindowLimits
  readonly #events: WindowEvents
  #segments: Segment[] = []
  /** Index of the first segment not handed to the wire since the last rewind. */
  #unsentFrom = 0
  #bytes = 0
  #messages = 0
  #waiting: (() => void)[] = []

  constructor(limits: WindowLimits, events: WindowEvents) {
    this.limits = limits
    this.#events = events
  }

  get messages(): number {
    return this.#messages
  }

  get isEmpty(): boolean {
    return this.#segments.length === 0
  }

  get hasUnsent(): boolean {
    return this.#unsentFrom < this.#segments.length
  }

  /** Handed to the wire and not confirmed. */
  get hasUnconfirmed(): boolean {
    return this.#unsentFrom > 0
  }

  /** The segment with the oldest message that is not confirmed. */
  get oldest(): Segment | undefined {
    return this.#segments[0]
  }

  /** Whether feeds are kept waiting. */
  get isFull(): boolean {
    return this.#waiting.length > 0
  }

  /** How many more messages fit when a segment of `bytesMax` bytes does; an empty window takes any segment. */
  roomFor(bytesMax: number): number {
    if (this.isEmpty) return this.limits.messagesMax
    if (this.#bytes + bytesMax > this.limits.bytesMax) return 0
    return this.limits.messagesMax - this.#messages
  }

  /** Resolves when it is worth asking for room again. */
  change(): Promise<void> {
    return new Promise((resolve) => this.#waiting.push(resolve))
  }

  push(segment: Segment): void {
    this.#segments.push(segment)
    this.#bytes += segment.bytes.length
    this.#messages += segment.records.length
    this.#events.pushed()
  }

  /** The next segment to hand to the wire. */
  takeUnsent(): Segment | undefined {
    const segment = this.#segments[this.#unsentFrom]
    if (segment === undefined) return undefined
    this.#unsentFrom++
    return segment
  }

  /** Everything up to and including this segment is delivered. */
  confirm(last: Segment): void {
    const count = this.#segments.indexOf(last) + 1
    const delivered = this.#segments.splice(0, count)
    this.#unsentFrom = Math.max(0, this.#unsentFrom - count)
    for (const segment of delivered) this.#confirmed(segment, segment.records.length)
    this.wakeFeeds()
  }

  /** The oldest so many messages are delivered; all of them were handed to the wire. */
  confirmMessages(count: number): void {
    for (let rest = count; rest > 0; ) {
      const [segment] = this.#segments
      if (segment === undefined || this.#unsentFrom === 0)
        throw new RangeError(`${rest} messages were confirmed that were not sent`)
      const to = Math.min(segment.records.length, segment.confirmed + rest)
      rest -= to - segment.confirmed
      if (to === segment.records.length) {
        this.#segments.shift()
        this.#unsentFrom--
      }
      this.#confirmed(segment, to)
    }
    this.wakeFeeds()
  }

  /** Everything unconfirmed goes out again, from the oldest on. */
  rewind(): void {
    this.#unsentFrom = 0
    this.#keep((segment) => !segment.feed.revoked)
  }

  /** The feed was taken away: what was not sent yet is its new owner's. What was sent stays until it is confirmed or rewound. */
  forget(feed: Feed): void {
    feed.revoked = true
    this.#keep((segment, index) => segment.feed !== feed || index < this.#unsentFrom)
  }

  /** Lets waiting feeds look again. */
  wakeFeeds(): void {
    const waiting = this.#waiting
    this.#waiting = []
    for (const wake of waiting) wake()
  }

  #keep(isKept: (segment: Segment, index: number) => boolean): void {
    const kept: Segment[] = []
    this.#segments.forEach((segment, index) => {
      if (isKept(segment, index)) kept.push(segment)
      else this.#release(segment, segment.records.length)
    })
    this.#segments = kept
    this.wakeFeeds()
  }

  #confirmed(segment: Segment, to: number): void {
    const from = segment.confirmed
    this.#release(segment, to)
    segment.confirmed = to
    this.#events.confirmed(segment, from, to)
  }

  /** Gives back the room of a segment's messages from the first unconfirmed one up to, not with, `to`. */
  #release(segment: Segment, to: number): void {
    this.#bytes -= messagesIn(segment, segment.confirmed, to).length
    this.#messages -= to - segment.confirmed
  }
}
