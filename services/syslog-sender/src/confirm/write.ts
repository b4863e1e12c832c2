/** confirm: write. Delivered is what the kernel took. Loses what a dying receiver or a broken line had not read: thousands of
 *  messages in one measured crash. Only a connection that was refused right after connecting is seen, by its settle time. */
import type { Segment } from '../segment.ts'
import type { LinkWatch } from '../transports/link-watch.ts'
import type { StreamLink } from '../transports/stream-link.ts'
import type { Confirmation, ConfirmationContext } from './confirmation.ts'

export class WriteTaken implements Confirmation {
  readonly #context: ConfirmationContext
  #link: StreamLink | undefined
  #settledMs = 0
  #written: { readonly segment: Segment; readonly endByte: number }[] = []

  constructor(context: ConfirmationContext) {
    this.#context = context
  }

  begin(link: StreamLink, _watch: LinkWatch, isProven: boolean): void {
    const { settleMs } = this.#context.tuning
    this.#link = link
    this.#settledMs = isProven || !link.isTls ? link.openedMs : link.openedMs + settleMs.tls
    this.#written = []
  }

  mayWrite(): boolean {
    return true
  }

  wrote(segment: Segment): void {
    this.#written.push({ segment, endByte: this.#link?.handedBytes ?? 0 })
  }

  review(): 'stay' {
    if (this.#link?.isOpen !== true || this.#context.clock.monotonicMs() < this.#settledMs) return 'stay'
    const { flushedBytes } = this.#link
    const taken = this.#written.findLastIndex(({ endByte }) => endByte <= flushedBytes)
    const last = this.#written[taken]
    if (last !== undefined) {
      this.#written.splice(0, taken + 1)
      this.#context.window.confirm(last.segment)
    }
    return 'stay'
  }

  nextReviewMs(): number | undefined {
    return this.#written.length > 0 && this.#context.clock.monotonicMs() < this.#settledMs ? this.#settledMs : undefined
  }

  lookEveryMs(): number {
    return this.#context.tuning.lookMs
  }

  wantsNext(): boolean {
    return false
  }
}
