import { describe, expect, test } from 'vitest'
import { graphResource } from '../entra/token-endpoint.ts'
import type { SimulatorOptions } from '../simulator.ts'
import { oauth, startForTest } from '../test-support.ts'
import { discoveryRoots } from './discovery-routes.ts'

const dayMs = 86_400_000
const root = discoveryRoots[0]
const apps = (stream: string, period = 'P7D') => `/${stream}/aggregatedAppsDetails(period=duration'${period}')`

interface Reply {
  readonly status: number
  readonly value: readonly Readonly<Record<string, unknown>>[]
  readonly error?: { readonly code: string; readonly message: string }
  readonly '@odata.nextLink'?: string
}

/** A simulator with a stream `s1`, a time the test moves, and a way to ask. */
async function startWith(options: SimulatorOptions = {}) {
  const time = { nowMs: Date.UTC(2026, 0, 15, 12) }
  const simulator = await startForTest({
    oauth: { ...oauth, tokenLifetimeSeconds: (30 * dayMs) / 1_000 },
    nowMs: () => time.nowMs,
    ...options,
  })
  simulator.discovery.addStream({ id: 's1', displayName: 'Marketing Department' })
  const body = new URLSearchParams({
    grant_type: 'client_credentials',
    client_id: oauth.clientId,
    client_secret: oauth.clientSecret,
    scope: `${graphResource}/.default`,
  })
  const answer = await fetch(simulator.tokenUrl, { method: 'POST', body })
  const { access_token: token } = (await answer.json()) as { access_token: string }
  return {
    simulator,
    time,
    async get(path: string): Promise<Reply> {
      const url = path.startsWith('http') ? path : simulator.url + root + path
      const response = await fetch(url, { headers: { authorization: `Bearer ${token}` } })
      return { status: response.status, ...((await response.json()) as Omit<Reply, 'status'>) }
    },
    [Symbol.asyncDispose]: () => simulator.close(),
  }
}

describe('uploaded streams', () => {
  test('are listed as they were given', async () => {
    await using it = await startWith()
    it.simulator.discovery.addStream({ id: 's2', displayName: null, isSnapshotReport: false })
    it.simulator.discovery.addStream({ id: 's1', displayName: 'Renamed' })
    const { value } = await it.get('')
    expect(value).toEqual([
      { id: 's1', displayName: 'Renamed' },
      { id: 's2', displayName: null, isSnapshotReport: false },
    ])
    it.simulator.discovery.removeStream('s1')
    expect((await it.get('')).value).toHaveLength(1)
  })

  test('take no OData query', async () => {
    await using it = await startWith()
    expect(await it.get('?$top=1')).toMatchObject({ status: 400, error: { code: 'BadRequest' } })
  })

  test('are there without /security too, as one page of the reference has it', async () => {
    await using it = await startWith()
    expect((await it.get(it.simulator.url + discoveryRoots[1])).value).toHaveLength(1)
  })

  test('are for tokens with the role only', async () => {
    await using it = await startWith({ oauth: { ...oauth, graphRoles: ['SecurityAlert.Read.All'] } })
    const { status, error } = await it.get('')
    expect([status, error?.message]).toEqual([403, expect.stringContaining('CloudApp-Discovery.Read.All')])
    expect((await fetch(it.simulator.url + root)).status).toBe(401)
  })
})

describe('aggregated apps', () => {
  test('are sums over the period, which slides', async () => {
    await using it = await startWith()
    const { discovery } = it.simulator
    const app = { id: '15600', displayName: 'OneDrive' }
    discovery.addTraffic('s1', app, { uploadedBytes: 5, downloadedBytes: 1, user: 'a', ipAddress: '10.0.0.1' })
    it.time.nowMs += dayMs
    discovery.addTraffic('s1', app, { uploadedBytes: 2, transactions: 3, user: 'a' })
    const sums = async (period: string) => {
      const [first] = (await it.get(apps('s1', period))).value
      return [first?.transactionCount, first?.uploadNetworkTrafficInBytes, first?.userCount, first?.ipAddressCount]
    }
    expect(await sums('P7D')).toEqual([4, 7, 1, 1])
    expect((await it.get(apps('s1'))).value[0]).toMatchObject({
      ...app,
      downloadNetworkTrafficInBytes: 1,
      lastSeenDateTime: '2026-01-16T12:00:00.000Z',
    })
    it.time.nowMs += 6 * dayMs
    expect([await sums('P7D'), await sums('P30D')]).toEqual([
      [3, 2, 1, 0],
      [4, 7, 1, 1],
    ])
    it.time.nowMs += dayMs
    expect((await it.get(apps('s1'))).value).toEqual([])
  })

  test('have the fields of the latest traffic, also in place of a sum', async () => {
    await using it = await startWith()
    it.simulator.discovery.addTraffic('s1', { id: '1', transactionCount: null, tags: ['Sanctioned'], extra: {} })
    expect((await it.get(apps('s1'))).value[0]).toMatchObject({
      transactionCount: null,
      tags: ['Sanctioned'],
      extra: {},
    })
  })

  test('come in pages, and are asked for by either form of the function', async () => {
    await using it = await startWith({ discoveryPageMax: 2 })
    for (let n = 0; n < 5; n += 1) it.simulator.discovery.addTraffic('s1', { id: `app ${n}/` })
    const ids: unknown[] = []
    let link: string | undefined = `/s1/microsoft.graph.security.aggregatedAppsDetails(period=duration'P7D')`
    while (link !== undefined) {
      const page: Reply = await it.get(link)
      ids.push(...page.value.map(({ id }) => id))
      link = page['@odata.nextLink']
    }
    expect(ids).toEqual(['app 0/', 'app 1/', 'app 2/', 'app 3/', 'app 4/'])
    expect((await it.get(`${apps('s1')}?$top=3&$skip=1`)).value.map(({ id }) => id)).toEqual(['app 1/', 'app 2/'])
  })

  test.each([
    ['another period', `/s1/aggregatedAppsDetails(period=duration'P1D')`, 400],
    ['no period', '/s1/aggregatedAppsDetails', 404],
    ['an unknown stream', apps('s9'), 404],
    ['nonsense to skip', `${apps('s1')}?$skip=x`, 400],
    ['an unknown app', `${apps('s1')}/7/users`, 404],
    ['an unknown list', `${apps('s1')}/1/devices`, 404],
    ['more path than there is', `${apps('s1')}/1/users/2`, 404],
  ])('%s is refused', async (_, path, status) => {
    await using it = await startWith()
    it.simulator.discovery.addTraffic('s1', { id: '1' })
    expect(await it.get(path)).toMatchObject({ status, error: { message: expect.any(String) } })
  })

  test('traffic needs its stream', async () => {
    await using it = await startWith()
    expect(() => it.simulator.discovery.addTraffic('s9', { id: '1' })).toThrow('addStream')
  })
})

describe('who used an app', () => {
  test('is a list of names, each once, without sums', async () => {
    await using it = await startWith()
    const { discovery } = it.simulator
    for (const user of ['a', 'b', 'a']) discovery.addTraffic('s1', { id: 'x/1' }, { user, ipAddress: '10.0.0.1' })
    const path = `${apps('s1')}/${encodeURIComponent('x/1')}`
    expect((await it.get(`${path}/users`)).value.map(({ userIdentifier }) => userIdentifier)).toEqual(['a', 'b'])
    for (const list of ['ipAddress', 'ipAddresses'])
      expect((await it.get(`${path}/${list}`)).value).toEqual([
        { '@odata.type': '#microsoft.graph.security.discoveredCloudAppIPAddress', ipAddress: '10.0.0.1' },
      ])
    discovery.removeApp('s1', 'x/1')
    expect((await it.get(`${path}/users`)).status).toBe(404)
  })
})

describe('faults of Cloud Discovery', () => {
  test('meet only requests whose path holds what is told', async () => {
    await using it = await startWith()
    it.simulator.discovery.addStream({ id: 's2' })
    it.simulator.faults.add({ type: 'forbidden' }, { route: 'graph-discovery', path: '/s2/' })
    it.simulator.faults.add({ type: 'not-found' }, { route: 'graph-discovery', path: '/s2/' })
    expect((await it.get(apps('s1'))).status).toBe(200)
    expect(await it.get(apps('s2'))).toMatchObject({ status: 403, error: { code: 'Forbidden' } })
    expect(await it.get(apps('s2'))).toMatchObject({ status: 404, error: { code: 'ResourceNotFound' } })
    expect((await it.get(apps('s2'))).status).toBe(200)
  })

  test('a foreign link waits for a page that has one', async () => {
    await using it = await startWith({ discoveryPageMax: 1 })
    for (const id of ['1', '2']) it.simulator.discovery.addTraffic('s1', { id })
    it.simulator.faults.add({ type: 'foreign-link', host: 'evil.example' }, { route: 'graph-discovery' })
    expect(await it.get('')).not.toHaveProperty('@odata.nextLink')
    expect((await it.get(apps('s1')))['@odata.nextLink']).toMatch(/^http:\/\/evil\.example/)
  })
})
