/** Defender for Cloud Apps' list routes: one call is one page, or one error that says what to do. How a request is made is
 *  ../api-client.ts; where the page belongs in a sweep is the stream's business. */
import { type Page, splitPage } from '@siem-relay/common'
import type { Answer } from '../../http/exchange.ts'
import { ApiClient, type ApiClientParts } from '../api-client.ts'
import { problemOf } from '../problem.ts'
import type { ListQuery, StreamKind } from './paging.ts'

export { PermissionError } from '../api-client.ts'

export type Listed =
  | { readonly type: 'page'; readonly page: Page; readonly serverMs: number | undefined }
  /** The API understood and refused the query: 400, or 200 with an error in it. */
  | { readonly type: 'refused'; readonly status: number; readonly problem: string }

export class DefenderClient {
  readonly #url: string
  readonly #api: ApiClient

  constructor(parts: ApiClientParts) {
    this.#url = parts.url.replace(/\/+$/, '')
    this.#api = new ApiClient(parts)
  }

  /**
   * Reads one page.
   * @param priority in the tenant's budget, lower first.
   * @throws {RelayError} what `ApiClient.ask` throws; `RELAY_SOURCE_RESPONSE` for what is no page of the API.
   */
  async list(kind: StreamKind, query: ListQuery, priority: number, signal: AbortSignal): Promise<Listed> {
    const url = new URL(`${this.#url}/api/v1/${kind}/`)
    const answer = await this.#api.ask({ kind, url, body: JSON.stringify(query), priority }, signal)
    if (answer.status === 200) return this.#readPage(kind, answer)
    return { type: 'refused', status: answer.status, problem: problemOf(answer.body) ?? 'no reason given' }
  }

  #readPage(kind: StreamKind, answer: Answer): Listed {
    let page: Page
    try {
      page = splitPage(answer.body)
    } catch (error) {
      this.#api.count(kind, 'bad_answer')
      throw error
    }
    this.#api.count(kind, page.problem === undefined ? 'ok' : 'refused')
    if (page.problem !== undefined) return { type: 'refused', status: 200, problem: page.problem }
    return { type: 'page', page, serverMs: answer.dateMs }
  }
}
