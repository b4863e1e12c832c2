/** What the simulated tenant has, what the receiver printed, and the difference. */
import { tenantToken } from '../../app/src/demo/tenant.ts'
import { type PortalClient, setUpPortal, signInTo } from '../../services/portal/src/testing/browser.ts'
import { idOf } from '../faults/ledger.ts'
import type { Compose } from './compose.ts'

interface Page {
  readonly data: readonly { readonly _id: string }[]
  readonly hasNext: boolean
  readonly nextQueryFilters?: object
}

/** Everything the tenant has by now. The API's budget of requests is shared with the collector: few and large ones. */
export async function recordIds(simulatorUrl: string): Promise<ReadonlySet<string>> {
  const ids = new Set<string>()
  const take = ({ data }: Page): void => {
    for (const { _id } of data) ids.add(_id)
  }
  // In scan mode the API gives the filters of the next page.
  let filters: object | undefined = {}
  while (filters !== undefined) {
    const page = await list(`${simulatorUrl}/api/v1/activities/`, { filters, isScan: true, limit: 5_000 })
    take(page)
    filters = page.hasNext ? page.nextQueryFilters : undefined
  }
  for (let skip = 0, hasNext = true; hasNext; skip += 100) {
    const page = await list(`${simulatorUrl}/api/v1/alerts/`, {
      sortField: 'date',
      sortDirection: 'asc',
      skip,
      limit: 100,
    })
    take(page)
    hasNext = page.hasNext
  }
  return ids
}

async function list(url: string, query: object): Promise<Page> {
  for (;;) {
    const answer = await fetch(url, {
      method: 'POST',
      headers: { authorization: `Token ${tenantToken}`, 'content-type': 'application/json' },
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

  /** The container goes now, and its log with it: what it has printed is kept. */
  async keep(): Promise<readonly string[]> {
    this.#earlier = await this.ids()
    return this.#earlier
  }

  async #current(): Promise<readonly string[]> {
    const log = await this.#compose.logs('receiver')
    return log
      .split('\n')
      .filter((line) => line.includes('CEF:'))
      .map(idOf)
  }
}

/** The portal, asked by its first admin. Its port is another one after every start. */
export class Portal {
  readonly #compose: Compose
  #isSetUp = false

  constructor(compose: Compose) {
    this.#compose = compose
  }

  async get<T>(path: string): Promise<T> {
    const { status, body } = await (await this.#signedIn()).call('GET', path)
    if (status !== 200) throw new Error(`${path}: ${status} ${JSON.stringify(body)}`)
    return body as T
  }

  /** Ids of the alerts an agent did not get, since it got them from the other product. */
  async leftOut(agent: string): Promise<ReadonlySet<string>> {
    const ids = new Set<string>()
    for (let next: string | undefined = ''; next !== undefined; ) {
      const page: { duplicates: readonly { leftOut: { id: string } }[]; next?: string } = await this.get(
        `/duplicates?agent=${agent}&limit=500${next === '' ? '' : `&before=${next}`}`,
      )
      for (const { leftOut } of page.duplicates) ids.add(leftOut.id)
      next = page.next
    }
    return ids
  }

  async #signedIn(): Promise<PortalClient> {
    const url = await this.#compose.url('portal', 8080)
    if (this.#isSetUp) return signInTo(url, 'ada')
    const [, setUpLink] = /(http\S+\/setup#\S+)/.exec(await this.#compose.logs('portal')) ?? []
    const client = await setUpPortal({ url, setUpLink })
    this.#isSetUp = true
    return client
  }
}

export function repeatedIn(ids: readonly string[]): readonly string[] {
  const seen = new Set<string>()
  return ids.filter((id) => seen.has(id) || !seen.add(id))
}

/** Ids that came again between two looks: more often than once, and than they had come before. */
export function repeatedSince(before: readonly string[], after: readonly string[]): readonly string[] {
  const had = new Map<string, number>()
  for (const id of before) had.set(id, (had.get(id) ?? 0) + 1)
  const seen = new Map<string, number>()
  return after.filter((id) => {
    const count = (seen.get(id) ?? 0) + 1
    seen.set(id, count)
    return count > Math.max(1, had.get(id) ?? 0)
  })
}
