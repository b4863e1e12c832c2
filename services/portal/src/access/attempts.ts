/** Who tries to sign in too often waits, twice as long each time: by address and by account. An attempt counts when it begins, so that
 *  many at once are no way around it, and is forgiven when it succeeds. */
import { isIPv6 } from 'node:net'
import type { Clock } from '@siem-relay/common'
import { ApiError } from '../server/errors.ts'

interface Tries {
  readonly count: number
  /** Nobody is let try before. */
  readonly untilMs: number
  readonly lastMs: number
}

export interface AttemptLimits {
  /** Without a wait. */
  readonly free: number
  readonly waitSecondsMax: number
}

/** An account's wait stays short: who locks out its owner must not do so for long. */
export const accountLimits: AttemptLimits = { free: 5, waitSecondsMax: 60 }
export const addressLimits: AttemptLimits = { free: 20, waitSecondsMax: 900 }

/** Of each kind; those that were quiet longest are forgotten first. */
const keysMax = 10_000
const forgetMs = 3_600_000

export class Attempts {
  readonly #clock: Pick<Clock, 'monotonicMs'>
  readonly #limits: AttemptLimits
  /** Oldest first. */
  readonly #tries = new Map<string, Tries>()

  constructor(clock: Pick<Clock, 'monotonicMs'>, limits: AttemptLimits) {
    this.#clock = clock
    this.#limits = limits
  }

  get size(): number {
    return this.#tries.size
  }

  /** How long a key has to wait now; 0 when it may try. */
  waitSeconds(key: string): number {
    const tries = this.#tries.get(key)
    return tries === undefined ? 0 : Math.max(0, Math.ceil((tries.untilMs - this.#clock.monotonicMs()) / 1_000))
  }

  begin(key: string): void {
    const nowMs = this.#clock.monotonicMs()
    const before = this.#tries.get(key)
    const count = before === undefined || nowMs - before.lastMs > forgetMs ? 1 : before.count + 1
    const { free, waitSecondsMax } = this.#limits
    const waitSeconds = count < free ? 0 : Math.min(waitSecondsMax, 2 ** Math.min(count - free, 20))
    this.#tries.delete(key)
    this.#tries.set(key, { count, untilMs: nowMs + waitSeconds * 1_000, lastMs: nowMs })
    if (this.#tries.size > keysMax) this.#tries.delete(this.#tries.keys().next().value ?? '')
  }

  succeeded(key: string): void {
    this.#tries.delete(key)
  }
}

/** Both limits of a sign-in. */
export class SignInAttempts {
  readonly #addresses: Attempts
  readonly #accounts: Attempts

  constructor(clock: Pick<Clock, 'monotonicMs'>) {
    this.#addresses = new Attempts(clock, addressLimits)
    this.#accounts = new Attempts(clock, accountLimits)
  }

  /** @throws {ApiError} `too_many` while either has to wait. */
  begin(address: string, account: string): void {
    const place = placeOf(address)
    const seconds = Math.max(this.#addresses.waitSeconds(place), this.#accounts.waitSeconds(account))
    if (seconds > 0)
      throw new ApiError('too_many', 'too many attempts to sign in', {
        nextMove: `Wait ${seconds} s.`,
        retryAfterSeconds: seconds,
      })
    this.#addresses.begin(place)
    this.#accounts.begin(account)
  }

  succeeded(address: string, account: string): void {
    this.#addresses.succeeded(placeOf(address))
    this.#accounts.succeeded(account)
  }
}

/** A network of IPv6 is one place: its holder has all of its addresses. */
export function placeOf(address: string): string {
  if (!isIPv6(address) || address.startsWith('::ffff:')) return address
  const [head = '', tail] = address.split('::')
  const left = head === '' ? [] : head.split(':')
  const right = tail === undefined || tail === '' ? [] : tail.split(':')
  const middle = tail === undefined ? [] : Array.from({ length: 8 - left.length - right.length }, () => '0')
  return `${[...left, ...middle, ...right].slice(0, 4).join(':')}::/64`
}
