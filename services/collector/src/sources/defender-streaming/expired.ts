/** The times whose messages the other side's log removed before they were read: nobody can read them again. Pure but for its
 *  memory, which is committed with the place in the log behind them. */
import type { State, StateChange } from '@siem-relay/bus'
import { RelayError } from '@siem-relay/common'
import { addGap, type Gap, gapsSchema, withoutOld } from '../gaps.ts'

const key = 'gaps'

export class Expired {
  #gaps: readonly Gap[] = []
  #isChanged = false

  /** @throws {RelayError} `RELAY_LOG_CORRUPT` with disposition stop. */
  restore(state: State): void {
    const value = state.get(key)
    if (value === undefined) return
    try {
      this.#gaps = gapsSchema.parse(JSON.parse(value.toString()))
    } catch (cause) {
      throw new RelayError(
        'RELAY_LOG_CORRUPT',
        `the gaps under ${key} are not readable; stopped, since going on would forget what is missing`,
        { disposition: 'stop', cause },
      )
    }
  }

  /** @param fromMs when the last message that was read was appended. @param toMs when the first that is left was, or later. */
  note(fromMs: number, toMs: number, nowMs: number): Gap {
    // Clocks of brokers differ; a gap of no length would not be told.
    const gap: Gap = {
      fromMs: Math.min(fromMs, toMs - 1),
      toMs,
      reason: 'expired',
      state: 'unverifiable',
      sinceMs: nowMs,
    }
    this.#gaps = addGap(withoutOld(this.#gaps, nowMs), gap)
    this.#isChanged = true
    return gap
  }

  gaps(nowMs: number): readonly Gap[] {
    return withoutOld(this.#gaps, nowMs)
  }

  /** What to commit; the same again until `committed`. */
  changes(): readonly StateChange[] {
    return this.#isChanged ? [{ key, value: Buffer.from(JSON.stringify(this.#gaps)) }] : []
  }

  committed(): void {
    this.#isChanged = false
  }
}
