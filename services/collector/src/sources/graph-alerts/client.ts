/** Graph's alerts_v2: one call is one page, or one error that says what to do. How a request is made is ../api-client.ts; what is
 *  asked is query.ts. */
import { type ODataPage, RelayError, splitODataPage } from '@siem-relay/common'
import { ApiClient, type ApiClientParts } from '../api-client.ts'
import { problemOf } from '../problem.ts'

export interface Listed {
  readonly page: ODataPage
  readonly serverMs: number | undefined
}

/** Documented for "List alerts_v2"; SecurityAlert.ReadWrite.All would do as well, and is more than is needed. */
const permission = 'SecurityAlert.Read.All'
/** Without it Graph hides the names of serviceSource that came after the first ones. */
const headers = { prefer: 'include-unknown-enum-members' }

export class GraphAlertsClient {
  readonly #api: ApiClient

  constructor(parts: ApiClientParts) {
    this.#api = new ApiClient(parts)
  }

  /**
   * Reads one page.
   * @param priority in the tenant's budget, lower first.
   * @throws {RelayError} what `ApiClient.ask` throws; `RELAY_SOURCE_REQUEST` for 400; `RELAY_SOURCE_RESPONSE` for what is no page.
   */
  async list(url: URL, priority: number, signal: AbortSignal): Promise<Listed> {
    const answer = await this.#api.ask({ kind: 'alerts', url, priority, headers, permission }, signal)
    if (answer.status === 400)
      throw new RelayError(
        'RELAY_SOURCE_REQUEST',
        `${url.host} refused the query for alerts (400): ${problemOf(answer.body) ?? 'no reason given'}`,
      )
    try {
      const page = splitODataPage(answer.body)
      this.#api.count('alerts', 'ok')
      return { page, serverMs: answer.dateMs }
    } catch (error) {
      this.#api.count('alerts', 'bad_answer')
      throw error
    }
  }
}
