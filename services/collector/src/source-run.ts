/** One source over its lives: runs while its tenant is held here, and begins again after somebody else took its place in the
 *  log and nobody took its tenant. What a source does while it runs is sources/. */
import { describeError, RelayError } from '@siem-relay/common'
import { backoffMs, isSameConfig, type World } from '@siem-relay/service-kit'
import type { SourceConfig } from './config.ts'
import type { Source, SourceStatus, StatusError } from './sources/source.ts'

/** Another instance may be at work: long enough to let it, short enough not to leave a source alone. */
const reclaimPolicy = { minMs: 5_000, maxMs: 5 * 60_000 }

export interface SourceRunParts {
  readonly config: SourceConfig
  readonly world: World
  /** @throws {RelayError} `RELAY_CONFIG_INVALID` */
  readonly open: () => Source
  /** The source cannot go on and will not try again. */
  readonly onFailed: (error: unknown) => void
}

export class SourceRun {
  readonly #parts: SourceRunParts
  #source: Source
  /** A source runs once; another life needs another one. */
  #isUsed = false
  #stopping: AbortController | undefined
  #running: Promise<void> = Promise.resolve()
  #unregister: (() => void) | undefined
  /** Why it does not run although it should. */
  #trouble: StatusError | undefined

  /** @throws {RelayError} `RELAY_CONFIG_INVALID` for settings that only show themselves wrong now. */
  constructor(parts: SourceRunParts) {
    this.#parts = parts
    this.#source = parts.open()
  }

  get id(): string {
    return this.#parts.config.id
  }

  get isRunning(): boolean {
    return this.#stopping !== undefined
  }

  isFor(config: SourceConfig): boolean {
    return isSameConfig(this.#parts.config, config)
  }

  status(): SourceStatus {
    const status = this.#source.status()
    return this.#trouble === undefined ? status : { ...status, state: 'waiting', lastError: this.#trouble }
  }

  start(): void {
    if (this.#stopping !== undefined) return
    this.#stopping = new AbortController()
    this.#unregister = this.#parts.world.health.register(`collector/${this.id}`, () => this.#unreadyReason())
    this.#running = this.#run(this.#stopping.signal).catch((error: unknown) => {
      this.#parts.world.log.error({ source: this.id, err: error }, 'source cannot go on')
      this.#parts.onFailed(error)
    })
  }

  /** Resolves when its last commit is through. Idempotent. */
  async stop(): Promise<void> {
    this.#unregister?.()
    this.#stopping?.abort(new Error('the source stops'))
    await this.#running
    this.#stopping = undefined
    this.#trouble = undefined
  }

  async #run(signal: AbortSignal): Promise<void> {
    const { clock, random } = this.#parts.world
    for (let failures = 0; !signal.aborted; ) {
      const startedMs = clock.monotonicMs()
      try {
        this.#renew()
        await this.#source.run(signal)
      } catch (error) {
        if (!isPassing(error)) throw error
        failures = clock.monotonicMs() - startedMs > reclaimPolicy.maxMs ? 1 : failures + 1
        const waitMs = reclaimPolicy.minMs + backoffMs(failures, reclaimPolicy, random)
        this.#note(error, waitMs)
        await clock.sleep(waitMs, signal).catch(() => undefined)
      }
    }
  }

  #renew(): void {
    if (this.#isUsed) this.#source = this.#parts.open()
    this.#isUsed = true
    this.#trouble = undefined
  }

  #note(error: RelayError, waitMs: number): void {
    const { clock, log } = this.#parts.world
    const { code, nextMove } = error
    this.#trouble = { code, message: describeError(error), nextMove, atMs: clock.nowMs() }
    log.warn(
      { source: this.id, code, error: describeError(error), nextMove, waitMs },
      'source stopped and begins again',
    )
  }

  /** Ready from the first successful request on; what fails later is for status and metrics. */
  #unreadyReason(): string | undefined {
    const { streams, lastError } = this.status()
    if (streams.some((stream) => stream.hasSucceeded)) return undefined
    return lastError === undefined
      ? 'no request has succeeded yet'
      : `no request has succeeded yet: ${lastError.message}`
  }
}

/** Somebody else has the source's place in the log, or a file of its settings is away at the moment. */
function isPassing(error: unknown): error is RelayError {
  return error instanceof RelayError && (error.code === 'RELAY_BUS_FENCED' || error.code === 'RELAY_CONFIG_INVALID')
}
