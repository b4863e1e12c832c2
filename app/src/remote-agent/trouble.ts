/** What is wrong between this process and the portal: told once, counted, and waited for as long as it is worth. */
import { type Clock, describeError, RelayError } from '@siem-relay/common'
import { backoffMs, type World } from '@siem-relay/service-kit'
import { LeaseLost, type StandBy } from './portal-client.ts'
import type { SessionTuning } from './tuning.ts'

export interface TroubleParts {
  /** The token in force now. */
  readonly token: () => string
  readonly clock: Clock
  readonly random: () => number
  readonly log: World['log']
}

export class Trouble {
  readonly #parts: TroubleParts
  readonly #tuning: SessionTuning
  #hasWorked = false
  #refusals = 0
  #failures = 0
  #reason: string | undefined = 'the portal has not been asked yet'

  constructor(parts: TroubleParts, tuning: SessionTuning) {
    this.#parts = parts
    this.#tuning = tuning
  }

  /** Why nothing can be delivered now; undefined while the portal's lease is held. */
  get reason(): string | undefined {
    return this.#reason
  }

  connected(): void {
    this.#hasWorked = true
    this.#refusals = 0
    this.#failures = 0
    this.#reason = undefined
  }

  stopping(): void {
    this.#reason = 'it is stopping'
  }

  leaseEnded(error: unknown): void {
    const { log } = this.#parts
    this.#reason = describeError(error)
    if (error instanceof LeaseLost) log.warn({ reason: this.#reason }, 'the lease is over; taking a new one')
    else log.error({ error: this.#reason }, 'the conversation with the portal broke off')
  }

  async standBy(error: StandBy, signal: AbortSignal): Promise<void> {
    const { clock, log, random } = this.#parts
    if (this.#reason !== error.message) log.info({ reason: error.message }, 'standing by')
    this.#reason = error.message
    this.#hasWorked = true
    const askedMs = error.retryAfterMs ?? this.#tuning.standByMs
    await clock.sleep(askedMs * (0.75 + random() / 2), signal).catch(() => undefined)
  }

  /** @throws the refusal of a token that never worked, when it comes again and again. */
  async refused(error: RelayError, token: string, signal: AbortSignal): Promise<void> {
    const { clock, log } = this.#parts
    this.#refusals += 1
    this.#reason = error.message
    if (!this.#hasWorked && this.#refusals >= this.#tuning.refusalsMax) throw error
    const waitMs = this.#hasWorked
      ? Math.min(this.#tuning.refusedMsMax, this.#tuning.refusedMsMin * 2 ** Math.min(this.#refusals - 1, 10))
      : this.#tuning.refusedMsMin / 15
    const { code, nextMove } = error
    log.error({ code, error: error.message, nextMove, retryInMs: waitMs }, 'the portal refuses the token')
    const untilMs = clock.monotonicMs() + waitMs
    // A new token in the file is tried at once.
    while (clock.monotonicMs() < untilMs && this.#parts.token() === token && !signal.aborted)
      await clock.sleep(Math.min(this.#tuning.lookMs, waitMs), signal).catch(() => undefined)
  }

  async failed(error: unknown, attempt: number, signal: AbortSignal): Promise<void> {
    const { clock, log, random } = this.#parts
    this.#failures += 1
    const known = error instanceof RelayError ? error : undefined
    this.#reason = describeError(error)
    const ownMs = backoffMs(attempt, this.#tuning.backoff, random)
    const retryInMs = ownMs + (known?.retryAfterMs ?? 0)
    const fields = { code: known?.code, error: this.#reason, nextMove: known?.nextMove, retryInMs }
    if (this.#failures % this.#tuning.manyFailures === 0)
      log.error({ ...fields, failures: this.#failures }, 'Too many critical errors: the portal cannot be used')
    else if (this.#failures === 1) log.warn(fields, 'the portal cannot be used')
    else log.debug(fields, 'the portal cannot be used')
    await clock.sleep(retryInMs, signal).catch(() => undefined)
  }

  recovered(): void {
    if (this.#failures === 0) return
    this.#parts.log.info({ failures: this.#failures }, 'the portal answers again')
    this.#failures = 0
    this.#reason = undefined
  }
}

export function isRefusal(error: unknown): error is RelayError {
  return error instanceof RelayError && error.code === 'RELAY_AGENT_TOKEN'
}

export function isLeaseOver(error: unknown): boolean {
  return error instanceof LeaseLost || isRefusal(error)
}
