import { describe, expect, test } from 'vitest'
import { startSimulator } from '../simulator.ts'
import { activity, alert, authorized, legacyToken, list, oauth, post, startForTest } from '../test-support.ts'

describe('routes', () => {
  test('a path without its trailing slash is not found', async () => {
    await using simulator = await startForTest()
    for (const path of ['/api/v1/alerts', '/api/v1/activities', '/api/v1/alerts/1', '/api/v1/files/']) {
      expect((await fetch(simulator.url + path, { headers: authorized })).status, path).toBe(404)
    }
    expect(simulator.requests.map((request) => request.status)).toEqual([404, 404, 404, 404])
  })

  test('a record is fetched by its id, an unknown id is not found', async () => {
    await using simulator = await startForTest()
    simulator.store.addActivity(activity('1_2_guid', 5))
    simulator.store.addAlert(alert('a1', 6))
    const one = await fetch(`${simulator.url}/api/v1/activities/1_2_guid/`, { headers: authorized })
    expect(await one.json()).toEqual({ _id: '1_2_guid', timestamp: 5, created: 5 })
    const other = await fetch(`${simulator.url}/api/v1/alerts/a1/`, { headers: authorized })
    expect(await other.json()).toEqual({ _id: 'a1', timestamp: 6 })
    expect((await fetch(`${simulator.url}/api/v1/alerts/a2/`, { headers: authorized })).status).toBe(404)
  })

  test('a path prefix stands before every API route', async () => {
    await using simulator = await startForTest({ pathPrefix: '/cas' })
    expect(simulator.url).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/cas$/)
    expect((await post(simulator, 'alerts')).status).toBe(200)
    expect(simulator.requests[0]?.path).toBe('/api/v1/alerts/')
    const bare = await fetch(`${simulator.url.replace('/cas', '')}/api/v1/alerts/`, { headers: authorized })
    expect(bare.status).toBe(404)
  })

  test('every answer has the Date of the service clock, also refusals', async () => {
    await using simulator = await startForTest({ nowMs: () => Date.UTC(2026, 0, 2, 3, 4, 5) })
    for (const path of ['/api/v1/alerts/', '/nothing']) {
      const response = await fetch(simulator.url + path)
      expect(response.headers.get('date')).toBe('Fri, 02 Jan 2026 03:04:05 GMT')
    }
  })
})

describe('parameters', () => {
  test('GET takes them from the query, filters as JSON text', async () => {
    await using simulator = await startForTest()
    for (const time of [1, 2, 3]) simulator.store.addAlert(alert(`a${time}`, time))
    const query = new URLSearchParams({
      filters: '{"date":{"gte":2}}',
      limit: '1',
      sortField: 'date',
      sortDirection: 'asc',
    })
    const response = await fetch(`${simulator.url}/api/v1/alerts/?${query}`, { headers: authorized })
    expect(await response.json()).toEqual({
      data: [{ _id: 'a2', timestamp: 2 }],
      hasNext: true,
      max: 1,
      total: 2,
      moreThanTotal: false,
    })
  })

  test('POST takes them from a form and from multipart too', async () => {
    await using simulator = await startForTest()
    for (const time of [1, 2, 3]) simulator.store.addAlert(alert(`a${time}`, time))
    const form = new FormData()
    form.set('limit', '2')
    for (const body of [new URLSearchParams({ limit: '2' }), form]) {
      const response = await fetch(`${simulator.url}/api/v1/alerts/`, { method: 'POST', headers: authorized, body })
      expect(await response.json()).toMatchObject({ max: 2, data: [{ _id: 'a3' }, { _id: 'a2' }] })
    }
  })

  test('what is not valid is refused with 400 in the words of the service', async () => {
    await using simulator = await startForTest()
    const response = await post(simulator, 'alerts', { filters: { colour: { eq: ['red'] } } })
    expect(response.status).toBe(400)
    expect(await response.json()).toEqual({
      filters: [
        {
          error: 'colour is not valid',
          errorMessageCode: 'CONSOLE_FORMS_NOT_VALID_VALUE',
          errorMessageParams: { value: 'colour' },
        },
      ],
      error: true,
    })
    for (const body of [
      { limit: 0 },
      { skip: -1 },
      { sortField: 'created' },
      { sortDirection: 'up' },
      { filters: [] },
    ]) {
      expect((await post(simulator, 'alerts', body)).status, JSON.stringify(body)).toBe(400)
    }
  })

  test('a body that is not JSON is refused with 400', async () => {
    await using simulator = await startForTest()
    const headers = { ...authorized, 'content-type': 'application/json' }
    for (const body of ['{', '[]', 'null']) {
      const response = await fetch(`${simulator.url}/api/v1/alerts/`, { method: 'POST', headers, body })
      expect(response.status, body).toBe(400)
    }
  })
})

describe('authorization', () => {
  test('without credentials, or with wrong ones, 401 says which', async () => {
    await using simulator = await startForTest()
    const ask = async (authorization?: string) => {
      const response = await fetch(`${simulator.url}/api/v1/alerts/`, {
        headers: authorization ? { authorization } : {},
      })
      return [response.status, await response.json()]
    }
    const absent = { detail: 'Authentication credentials were not provided.' }
    expect(await ask()).toEqual([401, absent])
    expect(await ask('Basic abc')).toEqual([401, absent])
    expect(await ask('Token wrong')).toEqual([401, { detail: 'Invalid token.' }])
    expect(await ask('Bearer wrong')).toEqual([401, { detail: 'Invalid token.' }])
    expect((await ask(`Token ${legacyToken}`))[0]).toBe(200)
    expect(simulator.requests.map((request) => request.authorization)).toEqual([
      'none',
      'other',
      'token',
      'bearer',
      'token',
    ])
  })

  test('no legacy token is accepted where none is set', async () => {
    await using simulator = await startSimulator({ oauth })
    const response = await fetch(`${simulator.url}/api/v1/alerts/`, { headers: { authorization: 'Token undefined' } })
    expect(response.status).toBe(401)
  })
})

describe('request budget', () => {
  test('30 a minute for all routes together by default, then 429 without Retry-After, then room again', async () => {
    let nowMs = 1_000_000
    await using simulator = await startSimulator({ legacyToken, nowMs: () => nowMs })
    for (let count = 0; count < 30; count += 1) {
      nowMs += 1000
      expect((await post(simulator, count % 2 === 0 ? 'alerts' : 'activities')).status).toBe(200)
    }
    const refused = await post(simulator, 'alerts')
    expect(refused.status).toBe(429)
    expect(refused.headers.get('retry-after')).toBeNull()
    // The first of the thirty was 29 s ago.
    expect(await refused.json()).toEqual({ detail: 'Request was throttled. Expected available in 31 seconds.' })
    nowMs += 31_000
    expect((await post(simulator, 'alerts')).status).toBe(200)
    expect((await post(simulator, 'alerts')).status).toBe(429)
  })

  test('a stranger costs nothing', async () => {
    await using simulator = await startSimulator({ legacyToken, requestsPerMinute: 1 })
    await fetch(`${simulator.url}/api/v1/alerts/`)
    expect((await list(simulator, 'alerts')).data).toEqual([])
  })
})
