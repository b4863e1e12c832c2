/** Wakes one loop: anything may ring, the loop waits. A ring while nobody waits is kept, so nothing is missed between
 *  looking and waiting. Also an alarm on the clock, for loops that wait for a time as well as for a fact. */
import type { Clock } from '@siem-relay/common'

export class Bell {
  readonly #clock: Clock
  #rung = false
  #wake: (() => void) | undefined
  #alarmAtMs: number | undefined
  #cancelAlarm: (() => void) | undefined

  constructor(clock: Clock) {
    this.#clock = clock
  }

  ring(): void {
    this.#rung = true
    this.#wake?.()
  }

  /** Resolves at the next ring, at once if one was missed, or at `untilMs` of the monotonic clock. For one caller at a time. */
  async wait(untilMs?: number): Promise<void> {
    if (!this.#rung) {
      this.#setAlarm(untilMs)
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
      this.#wake = undefined
    }
    this.#rung = false
  }

  /** Forgets the alarm; the loop has ended. */
  close(): void {
    this.#setAlarm(undefined)
  }

  #setAlarm(atMs: number | undefined): void {
    if (atMs === this.#alarmAtMs) return
    this.#cancelAlarm?.()
    this.#alarmAtMs = atMs
    this.#cancelAlarm =
      atMs === undefined
        ? undefined
        : this.#clock.after(Math.max(0, atMs - this.#clock.monotonicMs()), () => {
            this.#alarmAtMs = undefined
            this.ring()
          })
  }
}

/** The earliest of some times, where undefined means never. */
export function earliest(...timesMs: readonly (number | undefined)[]): number | undefined {
  let first: number | undefined
  for (const timeMs of timesMs) if (timeMs !== undefined && (first === undefined || timeMs < first)) first = timeMs
  return first
}
