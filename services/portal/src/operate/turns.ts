/** Work that costs: one at a time for each caller, and no more than so many in all. */
import { ApiError } from '../server/errors.ts'

export class Turns {
  readonly #what: string
  readonly #perCaller: number
  readonly #inAll: number
  readonly #running = new Map<string, number>()

  constructor(what: string, { perCaller, inAll }: { readonly perCaller: number; readonly inAll: number }) {
    this.#what = what
    this.#perCaller = perCaller
    this.#inAll = inAll
  }

  /** @throws {ApiError} `too_many` */
  async take<T>(caller: string, work: () => Promise<T>): Promise<T> {
    const own = this.#running.get(caller) ?? 0
    const all = [...this.#running.values()].reduce((sum, count) => sum + count, 0)
    if (own >= this.#perCaller || all >= this.#inAll)
      throw new ApiError('too_many', `as many of ${this.#what} as may be are under way`, {
        nextMove: 'Wait until one is done.',
        retryAfterSeconds: 2,
      })
    this.#running.set(caller, own + 1)
    try {
      return await work()
    } finally {
      const left = (this.#running.get(caller) ?? 1) - 1
      if (left === 0) this.#running.delete(caller)
      else this.#running.set(caller, left)
    }
  }
}
