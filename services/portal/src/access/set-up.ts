/** The first account: no default password exists, so whoever can read this machine's terminal or the data directory makes it, by a link
 *  that works once. While there is no account, every start makes a new link. */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'
import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { ApiError } from '../server/errors.ts'

export class SetUp {
  readonly #path: string
  #hash: Buffer | undefined
  #token: string | undefined

  constructor(directory: string) {
    this.#path = join(directory, 'set-up-link')
  }

  get isOpen(): boolean {
    return this.#hash !== undefined
  }

  /** Where the link is kept for who did not see the terminal. */
  get path(): string {
    return this.#path
  }

  open(): void {
    this.#token = randomBytes(32).toString('base64url')
    this.#hash = hashOf(this.#token)
  }

  /** The link, once; its file has it until it is used. @param base the portal's address. */
  publish(base: string): string | undefined {
    if (this.#token === undefined) return undefined
    // Behind the #, so that it stands in no proxy's log.
    const link = `${base}/setup#token=${this.#token}`
    this.#token = undefined
    rmSync(this.#path, { force: true })
    writeFileSync(this.#path, `${link}\n`, { mode: 0o600, flag: 'wx' })
    return link
  }

  /** @throws {ApiError} `forbidden` for any token but the link's. */
  check(token: string): void {
    const isRight = this.#hash !== undefined && timingSafeEqual(this.#hash, hashOf(token))
    if (!isRight)
      throw new ApiError('forbidden', 'this set-up link does not work', {
        nextMove: 'Take the link that the relay printed at its last start; it works once.',
      })
  }

  close(): void {
    this.#hash = undefined
    this.#token = undefined
    rmSync(this.#path, { force: true })
  }
}

function hashOf(token: string): Buffer {
  return createHash('sha256').update(token).digest()
}
