/** What the simulated tenant has, what the receiver printed, and the difference. */
import { tenantToken } from '../../app/src/demo/tenant.ts'
import { idOf } from '../faults/ledger.ts'
import type { Compose } from './compose.ts'

interface Page {
  readonly data: readonly { readonly _id: string }[]
  readonly hasNext: boolean
}

/** Everything the tenant has by now. The API's budget of requests is shared with the collector: few and large ones. */
export async function recordIds(simulatorUrl: string): Promise<ReadonlySet<string>> {
  const ids = new Set<string>()
  for (const kind of ['activities', 'alerts'] as const) {
    const limit = kind === 'activities' ? 5_000 : 100
    for (let skip = 0, hasNext = true; hasNext; skip += limit) {
      const page = await list(`${simulatorUrl}/api/v1/${kind}/`, {
        ...(kind === 'activities' ? { isScan: true } : {}),
        sortField: 'date',
        sortDirection: 'asc',
        skip,
        limit,
      })
      for (const { _id } of page.data) ids.add(_id)
      hasNext = page.hasNext
    }
  }
  return ids
}

async function list(url: string, query: object): Promise<Page> {
  for (;;) {
    const answer = await fetch(url, {
      method: 'POST',
      headers: { authorization: `Token ${tenantToken}` },
      body: JSON.stringify(query),
    })
    if (answer.ok) return (await answer.json()) as Page
    if (answer.status !== 429) throw new Error(`${url}: ${answer.status} ${await answer.text()}`)
    await answer.body?.cancel()
    await new Promise((resolve) => setTimeout(resolve, Number(answer.headers.get('retry-after') ?? 5) * 1_000))
  }
}

/** The receiver's lines, over all the containers it has had. */
export class Received {
  #earlier: readonly string[] = []
  readonly #compose: Compose

  constructor(compose: Compose) {
    this.#compose = compose
  }

  /** Ids in the order of their lines, repeated ones included. */
  async ids(): Promise<readonly string[]> {
    return [...this.#earlier, ...(await this.#current())]
  }

  /** The container is about to go, and its log with it. */
  async keep(): Promise<void> {
    this.#earlier = await this.ids()
  }

  async #current(): Promise<readonly string[]> {
    const log = await this.#compose.logs('receiver')
    return log
      .split('\n')
      .filter((line) => line.includes('CEF:'))
      .map(idOf)
  }
}

export function repeatedIn(ids: readonly string[]): readonly string[] {
  const seen = new Set<string>()
  return ids.filter((id) => seen.has(id) || !seen.add(id))
}
