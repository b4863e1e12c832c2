/** What is on its way to an agent: one numbered answer with records at a time, given again until the agent says that it arrived. */
import type { WireBatch } from '@siem-relay/common'

export interface Parcel {
  readonly batches: WireBatch[]
  /** Lives that are over. */
  readonly ended: number[]
}

export class Outbox {
  /** Of the last answer that held anything. */
  #number = 0
  /** Undefined once it is known to have arrived. */
  #sent: Parcel | undefined

  /** For a new lease: nothing is known of what the last one had. */
  clear(): void {
    this.#number = 0
    this.#sent = undefined
  }

  /** @returns false when the agent cannot have had the answers it says it has. */
  arrived(after: number): boolean {
    if (after === this.#number) this.#sent = undefined
    else if (after !== this.#number - 1 || this.#sent === undefined) return false
    return true
  }

  /** The answer that has not arrived, else a new one of what is taken, which may be nothing. */
  next(take: () => Parcel): Parcel & { readonly number: number } {
    const parcel = this.#sent ?? take()
    if (this.#sent === undefined && !isEmpty(parcel)) {
      this.#number += 1
      this.#sent = parcel
    }
    return { number: this.#number, ...parcel }
  }
}

export function isEmpty({ batches, ended }: Parcel): boolean {
  return batches.length === 0 && ended.length === 0
}
