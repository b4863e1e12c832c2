/** The life around the connections of a transport: one round of connecting and sending after another, with back-off after a
 *  failure and patience after a close. What a connection carries and proves is its transport's business. */
import { RelayError } from '@siem-relay/common'
import { Bell } from '@siem-relay/delivery'
import type { TransportContext } from '../transport.ts'
import type { Tuning } from '../tuning.ts'
import { ReconnectDelay } from './reconnect.ts'

/** A connection that lived this long while idle was a good one. */
const goodIdleMs = 10_000
const idleReopenMsMax = 30_000

export class ConnectionLoop {
  /** Wakes whoever uses the connection. */
  readonly bell: Bell
  readonly #context: TransportContext
  readonly #tuning: Tuning
  readonly #delay: ReconnectDelay
  readonly #closing = new AbortController()
  #isDraining = false
  #idleCloses = 0

  constructor(context: TransportContext, tuning: Tuning) {
    this.#context = context
    this.#tuning = tuning
    this.bell = new Bell(context.clock)
    this.#delay = new ReconnectDelay(context.random, tuning.slowRetryMs)
  }

  /** Aborted once the transport is to let go of everything. */
  get signal(): AbortSignal {
    return this.#closing.signal
  }

  get isDraining(): boolean {
    return this.#isDraining
  }

  /** Draining, and nothing is left to send. */
  get isDone(): boolean {
    return this.#isDraining && this.#context.window.isEmpty
  }

  drain(): void {
    this.#isDraining = true
    this.bell.ring()
  }

  close(): void {
    this.#closing.abort()
    this.bell.ring()
  }

  /** Something was confirmed: the next failure is the first again. */
  noteProgress(): void {
    this.#idleCloses = 0
    this.#delay.reset()
  }

  /** Runs rounds until closed. A round returns how long to wait before the next; what it throws is reported, and tried again. */
  async run(round: () => Promise<number>): Promise<void> {
    const { signal } = this
    while (!signal.aborted) {
      let waitMs: number
      try {
        waitMs = await round()
      } catch (error) {
        if (signal.aborted) break
        waitMs = this.#noteFailure(error)
      }
      // Rejects only when closed meanwhile, which the loop sees.
      if (waitMs > 0) await this.#context.clock.sleep(waitMs, signal).catch(() => {})
    }
    this.bell.close()
  }

  /** The receiver closed an idle connection: nothing is lost and nothing failed; open again, sooner if there is something to send. */
  async afterIdleClose(openedMs: number): Promise<number> {
    const { clock } = this.#context
    const { idleReopenMs } = this.#tuning
    this.#idleCloses = clock.monotonicMs() - openedMs >= goodIdleMs ? 1 : this.#idleCloses + 1
    return this.untilNeeded(Math.min(idleReopenMsMax, idleReopenMs * 2 ** Math.min(this.#idleCloses - 1, 10)))
  }

  /** Waits for something to send, at most so long; when all is done, until closed. */
  async untilNeeded(waitMs: number | undefined): Promise<number> {
    const { clock, window } = this.#context
    const dueMs = waitMs === undefined ? undefined : clock.monotonicMs() + waitMs
    while (!this.signal.aborted && !window.hasUnsent) {
      const untilMs = this.#isDraining ? undefined : dueMs
      if (untilMs !== undefined && clock.monotonicMs() >= untilMs) break
      await this.bell.wait(untilMs)
    }
    return 0
  }

  /** Makes everything unconfirmed go out again; returns how long to wait before. */
  #noteFailure(error: unknown): number {
    const failure =
      error instanceof RelayError
        ? error
        : new RelayError('RELAY_RECEIVER_CLOSED', 'the connection failed; sending again', { cause: error })
    this.#context.window.rewind()
    const waitMs = this.#delay.after(failure)
    this.#context.report.failed(failure, waitMs)
    return waitMs
  }
}
