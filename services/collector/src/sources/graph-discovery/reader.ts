/** Reads lists of cloudAppDiscovery to their end, however long it takes: waits while the log is full, while the API wants a pause and
 *  while credentials are refused, and tries a failed page a few times. What it gives up is for the sweep to judge. */
import { dispositionOf, RelayError } from '@siem-relay/common'
import { backoffMs, type World } from '@siem-relay/service-kit'
import { PermissionError } from '../api-client.ts'
import type { Hold } from '../hold.ts'
import type { StreamReport } from '../report.ts'
import { untilAllowed } from '../room.ts'
import type { DiscoveryClient, GraphPage, GraphRequest } from './client.ts'

export interface ReaderParts {
  readonly world: World
  readonly client: DiscoveryClient
  readonly hold: Hold
  readonly report: StreamReport
  /** A page came. */
  readonly onPage: () => void
  readonly signal: AbortSignal
}

const backoff = { minMs: 1_000, maxMs: 60_000 }
const attemptsMax = 4
/** No list is this long; one that seems to be goes in circles. */
const pagesMax = 10_000

export class Reader {
  readonly #parts: ReaderParts

  constructor(parts: ReaderParts) {
    this.#parts = parts
  }

  /** The pages of a list, one after another. @throws {RelayError} what `page` throws, and `RELAY_SOURCE_NO_PROGRESS`. */
  async *pages(first: GraphRequest): AsyncGenerator<GraphPage, void> {
    const asked = new Set<string>()
    let request: GraphRequest | undefined = first
    while (request !== undefined) {
      if (asked.has(request.url.href) || asked.size >= pagesMax)
        throw new RelayError(
          'RELAY_SOURCE_NO_PROGRESS',
          `the pages of ${first.subject} go in circles; left for the next sweep`,
        )
      asked.add(request.url.href)
      const page: GraphPage = await this.#page(request)
      yield page
      request = page.next === undefined ? undefined : { ...first, url: page.next }
    }
  }

  /** @throws {RelayError} after some attempts, or at once when another one is of no use. */
  async #page(request: GraphRequest): Promise<GraphPage> {
    const { world, client, hold, report, onPage, signal } = this.#parts
    const { clock, random } = world
    for (let failures = 0, throttles = 0; ; ) {
      await untilAllowed(this.#parts, this.#parts.signal)
      try {
        const page = await client.read(request, signal)
        hold.passed()
        onPage()
        return page
      } catch (error) {
        signal.throwIfAborted()
        const code = error instanceof RelayError ? error.code : undefined
        if (code === 'RELAY_SOURCE_AUTH' && !(error instanceof PermissionError)) {
          hold.refused(error)
          continue
        }
        // The gate keeps the pause of the API for everybody; that of the token endpoint is ours.
        if (code === 'RELAY_SOURCE_THROTTLED') {
          report.trouble('waiting', error)
          await clock.sleep(backoffMs(++throttles, backoff, random), signal)
          continue
        }
        failures++
        if (dispositionOf(error) === 'stop' || failures >= attemptsMax) throw error
        report.trouble('waiting', error)
        const askedMs = error instanceof RelayError ? (error.retryAfterMs ?? 0) : 0
        await clock.sleep(Math.max(backoffMs(failures, backoff, random), askedMs), signal)
      }
    }
  }
}
