/** confirm: checkpoint. After some messages or seconds we half-close the connection and wait for the receiver to close its
 *  side: it does so when it has read up to our end, so everything sent is delivered (measured on rsyslog and syslog-ng, plain
 *  and TLS). The next connection is written to only after that, so the order per partition holds across connections.
 *
 *  Two things could make a close look like a confirmation, and are ruled out before the half-close: a receiver that refuses
 *  us and closes while our bytes are still travelling (they must be acknowledged by its kernel first, where Linux shows it;
 *  a close with unread bytes is then a reset), and one that reads a little before it refuses (the first connection must have
 *  lived for the settle time). */
import { type Clock, RelayError, type SyslogDestination } from '@siem-relay/common'
import type { Segment } from '../segment.ts'
import type { LinkWatch } from '../transports/link-watch.ts'
import type { StreamLink } from '../transports/stream-link.ts'
import type { Confirmation, ConfirmationContext } from './confirmation.ts'

/** How long a connection may be missing from the kernel's table before we go on without that evidence. */
const unseenGraceMs = 2_000
/** Longest pause between looks while waiting for the last acknowledgement. */
const flushLookMsMax = 50

type Phase =
  | { readonly name: 'writing' }
  /** Nothing more is written; waiting until the receiver's kernel has it all. */
  | { readonly name: 'flushing'; readonly sinceMs: number }
  /** Half-closed; waiting for the receiver's side. */
  | { readonly name: 'closing'; readonly sinceMs: number; readonly deadlineMs: number }

export type CheckpointSettings = Pick<
  SyslogDestination,
  'checkpointMessages' | 'checkpointSeconds' | 'windowBytesMax' | 'confirmTimeoutMs'
>

export class Checkpoint implements Confirmation {
  readonly #settings: CheckpointSettings
  readonly #context: ConfirmationContext
  readonly #onDone: (seconds: number) => void
  readonly #clock: Clock
  #link: StreamLink | undefined
  #watch: LinkWatch | undefined
  #settledMs = 0
  /** Messages until the next checkpoint: halved by every connection that broke, so that even a receiver that keeps dying makes
   *  progress and gets few messages twice; doubled by every confirmed one up to the setting. */
  #amount: number
  #phase: Phase = { name: 'writing' }
  #messages = 0
  #bytes = 0
  #firstWriteMs = 0
  #last: Segment | undefined

  constructor(settings: CheckpointSettings, context: ConfirmationContext, onDone: (seconds: number) => void) {
    this.#settings = settings
    this.#amount = settings.checkpointMessages
    this.#context = context
    this.#onDone = onDone
    this.#clock = context.clock
  }

  begin(link: StreamLink, watch: LinkWatch, isProven: boolean): void {
    const { settleMs } = this.#context.tuning
    this.#link = link
    this.#watch = watch
    this.#settledMs = isProven ? link.openedMs : link.openedMs + (link.isTls ? settleMs.tls : settleMs.tcp)
    if (this.#last !== undefined) this.#amount = Math.max(1, Math.floor(this.#amount / 2))
    this.#phase = { name: 'writing' }
    this.#messages = 0
    this.#bytes = 0
    this.#last = undefined
  }

  /** While a new connection settles, the rest of the window may follow, unless its receiver has been breaking off. */
  mayWrite(): boolean {
    if (this.#phase.name !== 'writing') return false
    const isSettling = this.#clock.monotonicMs() < this.#settledMs && this.#amount === this.#settings.checkpointMessages
    return isSettling || !this.#isFilled()
  }

  wrote(segment: Segment): void {
    if (this.#last === undefined) this.#firstWriteMs = this.#clock.monotonicMs()
    this.#messages += segment.records.length
    this.#bytes += segment.bytes.length
    this.#last = segment
  }

  review(): 'stay' | 'rotate' {
    const nowMs = this.#clock.monotonicMs()
    if (this.#phase.name === 'writing' && this.#isDue(nowMs)) this.#phase = { name: 'flushing', sinceMs: nowMs }
    if (this.#phase.name === 'flushing' && this.#isFlushed()) {
      this.#link?.halfClose()
      this.#phase = { name: 'closing', sinceMs: nowMs, deadlineMs: nowMs + this.#settings.confirmTimeoutMs }
    }
    return this.#phase.name === 'closing' ? this.#awaitClose(nowMs, this.#phase) : 'stay'
  }

  nextReviewMs(): number | undefined {
    if (this.#last === undefined) return undefined
    if (this.#phase.name === 'closing') return this.#phase.deadlineMs
    // Looks and write callbacks ring while bytes are on their way.
    if (this.#phase.name === 'flushing') return undefined
    const byTimeMs = this.#firstWriteMs + this.#settings.checkpointSeconds * 1_000
    return this.#isDueByAmount() ? this.#settledMs : Math.max(this.#settledMs, byTimeMs)
  }

  lookEveryMs(): number {
    if (this.#phase.name !== 'flushing') return this.#context.tuning.lookMs
    const waitedMs = this.#clock.monotonicMs() - this.#phase.sinceMs
    return waitedMs <= 0 ? 0 : Math.min(flushLookMsMax, 1 + waitedMs / 2)
  }

  wantsNext(): boolean {
    if (this.#context.isDraining()) return false
    const isHalfway = this.#messages * 2 >= this.#amount || this.#bytes * 4 >= this.#settings.windowBytesMax
    return isHalfway || this.#phase.name !== 'writing'
  }

  #isDue(nowMs: number): boolean {
    if (this.#last === undefined || nowMs < this.#settledMs) return false
    return this.#isDueByAmount() || nowMs >= this.#firstWriteMs + this.#settings.checkpointSeconds * 1_000
  }

  #isDueByAmount(): boolean {
    const { window, isDraining } = this.#context
    return this.#isFilled() || (!window.hasUnsent && (window.isFull || isDraining()))
  }

  /** At most half a window of bytes, so that the other half can be filled while this one is confirmed. */
  #isFilled(): boolean {
    return this.#messages >= this.#amount || this.#bytes * 2 >= this.#settings.windowBytesMax
  }

  #isFlushed(): boolean {
    if (this.#link?.isOpen !== true || this.#link.pendingBytes > 0) return false
    return this.#watch?.canSee(unseenGraceMs) ? this.#watch.allAcknowledged : true
  }

  #awaitClose(nowMs: number, { sinceMs, deadlineMs }: Phase & { name: 'closing' }): 'stay' | 'rotate' {
    if (this.#link?.closedInOrder) {
      if (this.#last !== undefined) this.#context.window.confirm(this.#last)
      this.#last = undefined
      this.#amount = Math.min(this.#settings.checkpointMessages, this.#amount * 2)
      this.#onDone((nowMs - sinceMs) / 1_000)
      return 'rotate'
    }
    if (nowMs >= deadlineMs && this.#link?.error === undefined)
      throw new RelayError(
        'RELAY_RECEIVER_UNCONFIRMED',
        `${this.#link?.target.name} did not close within ${this.#settings.confirmTimeoutMs} ms of our half-close; ${this.#messages} messages will be sent again`,
      )
    return 'stay'
  }
}
