/** What is told of a stream: its state and last error for status, log lines when either changes. Decides nothing. */
import { describeError, type RawKind, RelayError } from '@siem-relay/common'
import type { World } from '@siem-relay/service-kit'
import type { Gap } from './gaps.ts'
import type { SourceState, StatusError, StreamStatus } from './source.ts'

interface ReportLabels {
  readonly source: string
  readonly kind: RawKind
  /** Of a stream that comes in several ways: which. */
  readonly way?: string
}

export class StreamReport {
  readonly #world: World
  readonly #labels: ReportLabels
  #state: SourceState = 'starting'
  #hasSucceeded = false
  #lastError: StatusError | undefined
  #backlog: number | undefined

  constructor(world: World, labels: ReportLabels) {
    this.#world = world
    this.#labels = labels
  }

  status(watermarkMs: number | undefined, gaps: readonly Gap[] = []): StreamStatus {
    return {
      kind: this.#labels.kind,
      state: this.#state,
      hasSucceeded: this.#hasSucceeded,
      watermarkMs,
      backlog: this.#backlog,
      lastError: this.#lastError,
      gaps,
    }
  }

  /** @param backlog what the source still holds, as far as it says. */
  success(backlog: number | undefined): void {
    if (this.#state !== 'collecting') this.#world.log.info(this.#labels, 'source is being collected')
    this.#state = 'collecting'
    this.#hasSucceeded = true
    this.#lastError = undefined
    this.#backlog = backlog
  }

  /** The same trouble is logged once, however long it lasts. */
  trouble(state: 'waiting' | 'error', error: unknown): void {
    const known = error instanceof RelayError ? error : undefined
    const message = describeError(error)
    if (this.#lastError?.message !== message)
      this.#world.log.warn({ ...this.#labels, code: known?.code, error: message }, 'source could not be collected')
    this.#lastError = { code: known?.code, message, nextMove: known?.nextMove, atMs: this.#world.clock.nowMs() }
    // Before its first success a source is starting, whatever keeps it from it, unless a person has to act.
    if (state === 'error' || this.#hasSucceeded) this.#state = state
  }

  warn(details: Readonly<Record<string, unknown>>, message: string): void {
    this.#world.log.warn({ ...this.#labels, ...details }, message)
  }
}
