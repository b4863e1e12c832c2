/** How much waits for each agent, for the table: measured at most once in a while, whoever looks. */

import type { Clock } from '@siem-relay/common'
import type { AgentLag, Control } from '@siem-relay/control'

const freshMs = 5_000

export class Backlog {
  readonly #control: Pick<Control, 'lag'>
  readonly #clock: Pick<Clock, 'monotonicMs'>
  #measured: { readonly atMs: number; readonly lags: Promise<ReadonlyMap<string, AgentLag>> } | undefined

  constructor(control: Pick<Control, 'lag'>, clock: Pick<Clock, 'monotonicMs'>) {
    this.#control = control
    this.#clock = clock
  }

  /** By agent; without what cannot be known at this moment. */
  async all(): Promise<ReadonlyMap<string, AgentLag>> {
    const nowMs = this.#clock.monotonicMs()
    if (this.#measured === undefined || nowMs - this.#measured.atMs > freshMs) {
      const lags = this.#control.lag({ windowMs: 0 }).then(
        (all) => new Map(all.map((lag) => [lag.agent, lag])),
        () => new Map<string, AgentLag>(),
      )
      this.#measured = { atMs: nowMs, lags }
    }
    return this.#measured.lags
  }
}
