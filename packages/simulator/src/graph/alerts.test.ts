import { describe, expect, test } from 'vitest'
import { defenderResource, graphResource } from '../entra/token-endpoint.ts'
import type { Simulator } from '../simulator.ts'
import { oauth, startForTest } from '../test-support.ts'
import type { GraphAlertRecord } from './alert-store.ts'

interface Reply {
  readonly value: readonly GraphAlertRecord[]
  readonly '@odata.nextLink'?: string
  readonly '@odata.count'?: number
}

const second = (n: number, digits = '0000000'): string => `2026-01-15T12:00:${String(n).padStart(2, '0')}.${digits}Z`

const graphAlert = (id: string, n: number, fields: Partial<GraphAlertRecord> = {}): GraphAlertRecord => ({
  id,
  createdDateTime: second(n),
  lastUpdateDateTime: second(n),
  serviceSource: 'microsoftDefenderForIdentity',
  severity: 'medium',
  ...fields,
})

async function tokenFor(simulator: Simulator, resource: string): Promise<string> {
  const body = new URLSearchParams({
    grant_type: 'client_credentials',
    client_id: oauth.clientId,
    client_secret: oauth.clientSecret,
    scope: `${resource}/.default`,
  })
  const response = await fetch(simulator.tokenUrl, { method: 'POST', body })
  return ((await response.json()) as { access_token: string }).access_token
}

/** A simulator with so many alerts, a second apart, and a way to ask it. */
async function startWith(count: number, options: Parameters<typeof startForTest>[0] = {}) {
  const simulator = await startForTest({ oauth, graphRequestsPerMinute: Number.POSITIVE_INFINITY, ...options })
  for (let n = 1; n <= count; n += 1) simulator.store.addGraphAlert(graphAlert(`a${n}`, n))
  const authorization = `Bearer ${await tokenFor(simulator, graphResource)}`
  const get = (link: string): Promise<Response> => fetch(link, { headers: { authorization } })
  const list = (query: Readonly<Record<string, string>> = {}): Promise<Response> =>
    get(`${simulator.url}/v1.0/security/alerts_v2?${new URLSearchParams(query)}`)
  const reply = async (query: Readonly<Record<string, string>> = {}): Promise<Reply> =>
    (await (await list(query)).json()) as Reply
  const ids = async ($filter: string): Promise<readonly string[]> =>
    (await reply({ $filter })).value.map(({ id }) => id).toSorted()
  return Object.assign(simulator, { list, get, reply, ids })
}

describe('alerts_v2', () => {
  test('lists alerts as they were added, the most recent first', async () => {
    await using simulator = await startWith(3)
    const { value } = await simulator.reply()
    expect(value.map(({ id }) => id)).toEqual(['a3', 'a2', 'a1'])
    expect(value[2]).toEqual(graphAlert('a1', 1))
  })

  test('leads to the next page by the name it was asked under, as in a container', async () => {
    await using simulator = await startWith(3)
    const byName = simulator.url.replace('127.0.0.1', 'localhost')
    const answer = await simulator.get(`${byName}/v1.0/security/alerts_v2?$top=2`)
    expect(((await answer.json()) as Reply)['@odata.nextLink']).toMatch(new RegExp(`^${byName}/`))
  })

  test.each(['skiptoken', 'skip'] as const)('leads from page to page by %s until none is left', async (linkBy) => {
    await using simulator = await startWith(7, { graphAlerts: { pageMax: 3, linkBy } })
    let page = await simulator.reply({ $top: '999', $filter: `lastUpdateDateTime ge ${second(2)}`, $count: 'true' })
    expect(page['@odata.count']).toBe(6)
    const seen = page.value.map(({ id }) => id)
    for (let pages = 1; page['@odata.nextLink'] !== undefined; pages += 1) {
      expect(pages).toBeLessThan(3)
      const link = new URL(page['@odata.nextLink'])
      expect([link.origin, link.pathname]).toEqual([new URL(simulator.url).origin, '/v1.0/security/alerts_v2'])
      expect(link.searchParams.has(`$${linkBy}`)).toBe(true)
      page = (await (await simulator.get(link.href)).json()) as Reply
      seen.push(...page.value.map(({ id }) => id))
    }
    expect(seen).toEqual(['a7', 'a6', 'a5', 'a4', 'a3', 'a2'])
  })

  test('alerts that arrive between two pages neither hide nor repeat others', async () => {
    await using simulator = await startWith(4)
    const first = await simulator.reply({ $top: '2' })
    simulator.store.addGraphAlert(graphAlert('new', 59))
    const rest = (await (await simulator.get(first['@odata.nextLink'] ?? '')).json()) as Reply
    expect(rest.value.map(({ id }) => id)).toEqual(['a2', 'a1'])
  })

  test('an update moves lastUpdateDateTime and nothing else', async () => {
    const nowMs = Date.UTC(2026, 0, 15, 13)
    await using simulator = await startWith(2, { nowMs: () => nowMs })
    expect(simulator.store.updateGraphAlert('a1', { status: 'inProgress' })).toBe(true)
    expect(simulator.store.updateGraphAlert('nobody', {})).toBe(false)
    const { value } = await simulator.reply({ $filter: 'lastUpdateDateTime ge 2026-01-15T13:00:00Z' })
    expect(value).toEqual([
      {
        ...graphAlert('a1', 1),
        status: 'inProgress',
        lastUpdateDateTime: expect.stringMatching(/13:00:00\.000\d{4}Z$/),
      },
    ])
  })
})

describe('$filter', () => {
  test.each<readonly [filter: string, ids: readonly string[]]>([
    [`lastUpdateDateTime ge ${second(2)}`, ['a2', 'a3']],
    [`lastUpdateDateTime gt ${second(2)}`, ['a3']],
    [`lastUpdateDateTime lt ${second(2, '0000001')}`, ['a1', 'a2']],
    [`lastUpdateDateTime le ${second(1)} or lastUpdateDateTime ge ${second(3)}`, ['a1', 'a3']],
    [`lastUpdateDateTime ge ${second(2)} and (serviceSource eq 'microsoftDefenderForIdentity')`, ['a2', 'a3']],
    ["serviceSource eq 'microsoftDefenderForCloudApps' or serviceSource eq 'x'", []],
    ["(severity ne 'low' and severity eq 'medium')", ['a1', 'a2', 'a3']],
  ])('%s', async (filter, ids) => {
    await using simulator = await startWith(3)
    expect(await simulator.ids(filter)).toEqual(ids)
  })

  test('tells times apart by a ten-millionth of a second', async () => {
    await using simulator = await startWith(0)
    simulator.store.addGraphAlert(graphAlert('early', 1, { lastUpdateDateTime: second(1, '1234567') }))
    simulator.store.addGraphAlert(graphAlert('late', 1, { lastUpdateDateTime: second(1, '1234568') }))
    expect(await simulator.ids(`lastUpdateDateTime ge ${second(1, '1234568')}`)).toEqual(['late'])
  })

  test.each([
    'lastUpdateDateTime',
    'lastUpdateDateTime ge yesterday',
    "title eq 'x'",
    "severity gt 'low'",
    '(severity eq',
    "severity eq 'low' xor",
    'severity eq "low"',
  ])('%s is refused with an error that says so', async (filter) => {
    await using simulator = await startWith(1)
    const response = await simulator.list({ $filter: filter })
    expect(response.status).toBe(400)
    expect(await response.json()).toMatchObject({ error: { code: 'BadRequest', message: expect.any(String) } })
  })

  test.each([
    ['$orderby', 'lastUpdateDateTime'],
    ['$top', 'many'],
    ['$skiptoken', 'nonsense'],
  ])('so is %s=%s', async (name, value) => {
    await using simulator = await startWith(1)
    expect((await simulator.list({ [name]: value })).status).toBe(400)
  })

  test('a $skip beyond the bound is refused', async () => {
    await using simulator = await startWith(3, { graphAlerts: { skipMax: 1 } })
    expect((await simulator.list({ $skip: '1' })).status).toBe(200)
    expect((await simulator.list({ $skip: '2' })).status).toBe(400)
  })
})

describe('the gateway', () => {
  const ask = (simulator: Simulator, authorization?: string): Promise<Response> =>
    fetch(`${simulator.url}/v1.0/security/alerts_v2`, authorization === undefined ? {} : { headers: { authorization } })

  test('lets in a token for Graph only, as long as it lives', async () => {
    let nowMs = 1_000_000
    await using simulator = await startForTest({ oauth, nowMs: () => nowMs })
    const token = await tokenFor(simulator, graphResource)
    const other = await tokenFor(simulator, defenderResource)
    expect((await ask(simulator)).status).toBe(401)
    expect((await ask(simulator, `Bearer ${other}`)).status).toBe(401)
    expect((await ask(simulator, `Bearer ${token}`)).status).toBe(200)
    nowMs += 3_599_000
    const response = await ask(simulator, `Bearer ${token}`)
    expect([response.status, await response.json()]).toEqual([
      401,
      {
        error: {
          code: 'InvalidAuthenticationToken',
          message: expect.stringContaining('expired'),
          innerError: expect.anything(),
        },
      },
    ])
  })

  test('a token without the role is refused with its name', async () => {
    await using simulator = await startForTest({ oauth: { ...oauth, graphRoles: ['User.Read.All'] } })
    const response = await ask(simulator, `Bearer ${await tokenFor(simulator, graphResource)}`)
    expect(response.status).toBe(403)
    expect(await response.text()).toContain('SecurityAlert.Read.All')
  })

  test('allows so many requests a minute, and says how long to wait for the next', async () => {
    let nowMs = 1_000_000
    await using simulator = await startForTest({ oauth, graphRequestsPerMinute: 2, nowMs: () => nowMs })
    const authorization = `Bearer ${await tokenFor(simulator, graphResource)}`
    for (let count = 0; count < 2; count += 1) expect((await ask(simulator, authorization)).status).toBe(200)
    nowMs += 20_000
    const response = await ask(simulator, authorization)
    expect([response.status, response.headers.get('retry-after')]).toEqual([429, '40'])
    nowMs += 40_000
    expect((await ask(simulator, authorization)).status).toBe(200)
    expect(simulator.violations).toEqual([])
  })
})

describe('faults of alerts_v2', () => {
  const always = { route: 'graph-alerts', times: Number.POSITIVE_INFINITY } as const

  test("errors are worded as Graph's, with and without a Retry-After", async () => {
    await using simulator = await startWith(1)
    simulator.faults.add({ type: 'throttle' }, { route: 'graph-alerts' })
    simulator.faults.add({ type: 'throttle', retryAfter: { seconds: 7 } }, { route: 'graph-alerts' })
    simulator.faults.add({ type: 'server-error' }, { route: 'graph-alerts' })
    const answers = [await simulator.list(), await simulator.list(), await simulator.list()]
    expect(answers.map(({ status, headers }) => [status, headers.get('retry-after')])).toEqual([
      [429, null],
      [429, '7'],
      [500, null],
    ])
    expect(await answers[2]?.json()).toMatchObject({ error: { code: 'InternalServerError' } })
  })

  test('a foreign link waits for a page that has one', async () => {
    await using simulator = await startWith(3)
    simulator.faults.add({ type: 'foreign-link', host: 'evil.example' }, { route: 'graph-alerts' })
    expect(await simulator.reply()).not.toHaveProperty('@odata.nextLink')
    expect((await simulator.reply({ $top: '2' }))['@odata.nextLink']).toMatch(/^http:\/\/evil\.example/)
    expect((await simulator.reply({ $top: '2' }))['@odata.nextLink']).toContain(simulator.url)
  })

  test('a broken page is any that holds the alert, and no other', async () => {
    await using simulator = await startWith(3)
    simulator.faults.add({ type: 'broken-page', ids: ['a2'] }, always)
    expect((await simulator.list()).status).toBe(500)
    expect((await simulator.list({ $filter: `lastUpdateDateTime eq ${second(2)}` })).status).toBe(500)
    expect(await simulator.ids(`lastUpdateDateTime ne ${second(2)}`)).toEqual(['a1', 'a3'])
  })

  test('late alerts are missing for a while, then they are there', async () => {
    let nowMs = Date.UTC(2026, 0, 15, 12, 0, 20)
    await using simulator = await startWith(20, { nowMs: () => nowMs })
    simulator.faults.add({ type: 'late', upToMs: 600_000 }, always)
    const early = (await simulator.reply()).value.length
    nowMs += 300_000
    const later = (await simulator.reply()).value.length
    nowMs += 300_000
    expect((await simulator.reply()).value).toHaveLength(20)
    expect([early < later, later < 20]).toEqual([true, true])
  })

  test('nulls and unknown values leave id and lastUpdateDateTime', async () => {
    await using simulator = await startWith(1)
    simulator.faults.add({ type: 'nulls' }, { route: 'graph-alerts' })
    simulator.faults.add({ type: 'unknown-enums' }, { route: 'graph-alerts' })
    const whole = graphAlert('a1', 1)
    const nulls = { createdDateTime: null, serviceSource: null, severity: null }
    expect((await simulator.reply()).value).toEqual([{ ...whole, ...nulls }])
    const unknown = { serviceSource: 'unknownFutureValue', severity: 'unknownFutureValue' }
    expect((await simulator.reply()).value).toEqual([{ ...whole, ...unknown }])
  })
})
