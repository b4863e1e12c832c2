/** When gaps of a stream are read again: later after each try that did not get to its end, and only so often when the list goes
 *  on ending before what the API counts. */
import { slowRetryMs } from '../hold.ts'

/** What ends short this often when it is read again, with nothing new, is all the API has: its counts mean something else. */
const shortReadsMax = 3

export class RereadPace {
  #atMs = Number.NEGATIVE_INFINITY
  /** Since the last that got to its end. */
  #brokenOff = 0
  /** In a row. */
  #shortReads = 0
  #areCountsTrusted = true

  /** Until a gap may be read, by a clock that is never set; negative: it may. */
  waitMs(monotonicMs: number): number {
    return this.#atMs - monotonicMs
  }

  get areCountsTrusted(): boolean {
    return this.#areCountsTrusted
  }

  /** @param hasNew the list that ended short brought records nevertheless. */
  isShortAccepted(hasNew: boolean): boolean {
    return !hasNew && this.#shortReads + 1 >= shortReadsMax
  }

  brokeOff(monotonicMs: number): void {
    this.#brokenOff++
    this.#atMs = monotonicMs + slowRetryMs(this.#brokenOff)
  }

  /** The list ended short, and will be read again. */
  endedShort(monotonicMs: number): void {
    this.#shortReads++
    this.brokeOff(monotonicMs)
  }

  /** A gap is whole. @param isShort as far as the API lists it: its counts are left aside from now on. */
  ended(isShort: boolean): void {
    this.#brokenOff = 0
    this.#shortReads = 0
    if (isShort) this.#areCountsTrusted = false
  }
}
