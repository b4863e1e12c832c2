/** Pages of Graph's cloudAppDiscovery: one call is one page, or one error that says what to do. How a request is made is
 *  ../api-client.ts; which page to ask for, and whether to ask again, is the reader's business. */
import { type Fields, RelayError, splitODataPage } from '@siem-relay/common'
import { ApiClient, type ApiClientParts } from '../api-client.ts'
import { problemOf } from '../problem.ts'

export interface GraphPage {
  readonly items: readonly Fields[]
  readonly next: URL | undefined
  readonly serverMs: number | undefined
}

export interface GraphRequest {
  readonly url: URL
  /** What it is for, in the words of an error. */
  readonly subject: string
  /** In the tenant's budget, lower first. */
  readonly priority: number
}

const kind = 'discovery'
const permission = 'CloudApp-Discovery.Read.All'
/** Without it Graph may hide the names of categories that came after the first ones. */
const headers = { prefer: 'include-unknown-enum-members' }

export class DiscoveryClient {
  readonly #api: ApiClient

  constructor(parts: ApiClientParts) {
    this.#api = new ApiClient(parts)
  }

  /**
   * Reads one page.
   * @throws {RelayError} what `ApiClient.ask` throws; `RELAY_SOURCE_REQUEST` for 400; `RELAY_SOURCE_RESPONSE` for what is no page of
   *   Graph, or one that leads away from it.
   */
  async read({ url, subject, priority }: GraphRequest, signal: AbortSignal): Promise<GraphPage> {
    const answer = await this.#api.ask({ kind, url, subject, priority, headers, permission }, signal)
    if (answer.status === 400)
      throw new RelayError(
        'RELAY_SOURCE_REQUEST',
        `${url.host} refused the request for ${subject} (400): ${problemOf(answer.body) ?? 'no reason given'}`,
      )
    try {
      const { records, nextLink } = splitODataPage(answer.body)
      const page = {
        items: records.map(({ fields }) => fields),
        next: nextLink === undefined ? undefined : linkFrom(url, nextLink, subject),
        serverMs: answer.dateMs,
      }
      this.#api.count(kind, 'ok')
      return page
    } catch (error) {
      this.#api.count(kind, 'bad_answer')
      throw error
    }
  }
}

/** The token goes along with the next request: it stays where it belongs. */
function linkFrom({ host, origin }: URL, link: string, subject: string): URL {
  const next = URL.canParse(link) ? new URL(link) : undefined
  if (next?.origin === origin) return next
  throw new RelayError(
    'RELAY_SOURCE_RESPONSE',
    `${host} says that the next page of ${subject} is at ${next?.host ?? 'no URL'}; not followed, since credentials would go along`,
  )
}
