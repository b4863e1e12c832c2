import { gunzipSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import type { Simulator } from '../simulator.ts'
import { activity, authorized, list, listIds, oauth, post, startForTest } from '../test-support.ts'
import type { Fault } from './fault.ts'

/** A simulator with six activities, the next request for which meets `fault`. */
async function startWith(fault: Fault, options: { readonly nowMs?: () => number } = {}): Promise<Simulator> {
  const simulator = await startForTest(options)
  for (let time = 1; time <= 6; time += 1) {
    simulator.store.addActivity(activity(`r${time}`, time, { description: 'größer 東京' }))
  }
  simulator.faults.add(fault)
  return simulator
}

const allIds = ['r6', 'r5', 'r4', 'r3', 'r2', 'r1']

describe('the script', () => {
  test('uses entries in their order, each so many times, then all is well', async () => {
    await using simulator = await startWith({ type: 'server-error' })
    simulator.faults.add({ type: 'unavailable' }, { times: 2 })
    const statuses: number[] = []
    for (let count = 0; count < 4; count += 1) statuses.push((await post(simulator, 'activities')).status)
    expect(statuses).toEqual([500, 503, 503, 200])
    expect(simulator.requests.map((request) => request.status)).toEqual(statuses)
    expect(simulator.faults.waiting).toBe(0)
  })

  test('meets only the requests it is for, after as many as it was told to let pass, until cleared', async () => {
    await using simulator = await startForTest()
    simulator.faults.add({ type: 'server-error' }, { route: 'alerts', after: 1, times: Number.POSITIVE_INFINITY })
    expect((await post(simulator, 'activities')).status).toBe(200)
    expect((await post(simulator, 'alerts')).status).toBe(200)
    expect((await post(simulator, 'alerts')).status).toBe(500)
    expect((await post(simulator, 'alerts')).status).toBe(500)
    expect((await post(simulator, 'activities')).status).toBe(200)
    simulator.faults.clear('alerts')
    expect((await post(simulator, 'alerts')).status).toBe(200)
  })

  test('takes 10,000 entries and refuses the next', async () => {
    await using simulator = await startForTest()
    for (let count = 0; count < 10_000; count += 1) simulator.faults.add({ type: 'null' })
    expect(() => simulator.faults.add({ type: 'null' })).toThrow(/clear\(\)/)
  })
})

describe('another answer', () => {
  test.each<readonly [Fault, number, string, string | RegExp]>([
    [{ type: 'server-error' }, 500, 'application/json', '{"detail":"Internal server error"}'],
    [{ type: 'bad-gateway' }, 502, 'text/html; charset=utf-8', /^<!DOCTYPE html>/],
    [{ type: 'unavailable' }, 503, 'application/json', '{"detail":"Service unavailable"}'],
    [{ type: 'html' }, 200, 'text/html; charset=utf-8', /Sign in to your account/],
    [{ type: 'null' }, 200, 'application/json', 'null'],
    [{ type: 'empty-object' }, 200, 'application/json', '{}'],
    [{ type: 'empty-body' }, 200, 'application/json', ''],
    [{ type: 'body-error' }, 200, 'application/json', /^\{"filters":\[\{"error":.*\],"error":true\}$/],
  ])('%j', async (fault, status, type, body) => {
    await using simulator = await startWith(fault)
    const response = await post(simulator, 'activities')
    expect(response.status).toBe(status)
    expect(response.headers.get('content-type')).toBe(type)
    expect(response.headers.get('date')).toMatch(/ GMT$/)
    const text = await response.text()
    if (typeof body === 'string') expect(text).toBe(body)
    else expect(text).toMatch(body)
    expect(await listIds(simulator, 'activities')).toEqual(allIds)
  })

  test.each<readonly [Fault, string | null]>([
    [{ type: 'throttle', retryAfter: { seconds: 7 } }, '7'],
    [{ type: 'throttle', retryAfter: { dateInSeconds: 30 } }, 'Thu, 01 Jan 1970 00:00:31 GMT'],
    [{ type: 'throttle', retryAfter: { text: 'in a while' } }, 'in a while'],
    [{ type: 'throttle' }, null],
  ])('%j', async (fault, retryAfter) => {
    await using simulator = await startWith(fault, { nowMs: () => 1000 })
    const response = await post(simulator, 'activities')
    expect(response.status).toBe(429)
    expect(response.headers.get('retry-after')).toBe(retryAfter)
    expect(await response.json()).toHaveProperty('detail')
  })

  test('an expired token is refused from then on, a new one is accepted', async () => {
    await using simulator = await startForTest({ oauth })
    const newToken = async (): Promise<string> => {
      const fields = {
        grant_type: 'client_credentials',
        client_id: oauth.clientId,
        client_secret: oauth.clientSecret,
        scope: '05a65629-4c1b-48c1-a78b-804c4abdd4af/.default',
      }
      const response = await fetch(simulator.tokenUrl, { method: 'POST', body: new URLSearchParams(fields) })
      return ((await response.json()) as { access_token: string }).access_token
    }
    const ask = async (token: string): Promise<number> =>
      (await fetch(`${simulator.url}/api/v1/activities/`, { headers: { authorization: `Bearer ${token}` } })).status
    const first = await newToken()
    simulator.faults.add({ type: 'token-expired' }, { route: 'activities', after: 1 })
    expect([await ask(first), await ask(first), await ask(first)]).toEqual([200, 401, 401])
    const second = await newToken()
    expect(second).not.toBe(first)
    expect(await ask(second)).toBe(200)
  })

  test('the token endpoint can fail too', async () => {
    await using simulator = await startForTest({ oauth })
    simulator.faults.add({ type: 'unavailable' }, { route: 'token' })
    expect((await fetch(simulator.tokenUrl, { method: 'POST' })).status).toBe(503)
  })
})

describe('a wrong page', () => {
  test('the same one comes for ever, whatever is asked, with hasNext', async () => {
    await using simulator = await startWith({ type: 'null' })
    simulator.faults.clear()
    simulator.faults.add({ type: 'endless' }, { times: Number.POSITIVE_INFINITY })
    for (const skip of [0, 2, 4, 6]) {
      const page = await list(simulator, 'activities', { skip, limit: 2 })
      expect(page).toMatchObject({ hasNext: true, data: [{ _id: 'r6' }, { _id: 'r5' }] })
    }
    const filters = { created: { gte: 3 } }
    const scanned = await list(simulator, 'activities', { isScan: true, filters })
    expect(scanned).toMatchObject({ hasNext: true, nextQueryFilters: filters })
  })

  test('hasNext without nextQueryFilters', async () => {
    await using simulator = await startWith({ type: 'no-next-filters' })
    const page = await list(simulator, 'activities', { isScan: true, limit: 2 })
    expect(page.hasNext).toBe(true)
    expect(page).not.toHaveProperty('nextQueryFilters')
  })

  test('ids twice within a page', async () => {
    await using simulator = await startWith({ type: 'duplicate-ids' })
    expect(await listIds(simulator, 'activities')).toEqual(['r6', 'r6', 'r5', 'r4', 'r3', 'r3', 'r2', 'r1'])
  })

  test('records in another order, none missing', async () => {
    await using simulator = await startWith({ type: 'shuffle' })
    const ids = await listIds(simulator, 'activities')
    expect(ids).not.toEqual(allIds)
    expect([...ids].sort().reverse()).toEqual(allIds)
  })

  test('a list that ends after half of what it counts', async () => {
    await using simulator = await startWith({ type: 'short-list' })
    const page = await list(simulator, 'activities')
    expect(page).toMatchObject({ hasNext: false, total: 6 })
    expect(page.data.map(({ _id }) => _id)).toEqual(allIds.slice(0, 3))
  })

  test('waits for a request that gets a page', async () => {
    await using simulator = await startWith({ type: 'duplicate-ids' })
    await fetch(`${simulator.url}/api/v1/activities/r1/`, { headers: authorized })
    expect(simulator.faults.waiting).toBe(1)
    await list(simulator, 'activities')
    expect(simulator.faults.waiting).toBe(0)
  })
})

describe('on the wire', () => {
  test('JSON cut inside a record, with a Content-Length that fits the cut', async () => {
    await using simulator = await startWith({ type: 'truncate', contentLength: 'correct' })
    const response = await post(simulator, 'activities')
    const text = await response.text()
    expect(Buffer.byteLength(text)).toBe(Number(response.headers.get('content-length')))
    expect(text).toMatch(/\{[^}]+$/)
    expect(() => JSON.parse(text)).toThrow(SyntaxError)
  })

  test('JSON cut, with the Content-Length of the whole: the body ends too early', async () => {
    await using simulator = await startWith({ type: 'truncate', contentLength: 'too-large' })
    const response = await post(simulator, 'activities')
    expect(response.status).toBe(200)
    await expect(response.text()).rejects.toThrow()
  })

  test('a connection reset after half of the body', async () => {
    await using simulator = await startWith({ type: 'reset' })
    await expect(post(simulator, 'activities').then((response) => response.text())).rejects.toThrow()
    expect(await listIds(simulator, 'activities')).toEqual(allIds)
  })

  test.each(['nothing', 'headers'] as const)('silence after %s, until the client gives up', async (after) => {
    await using simulator = await startWith({ type: 'hang', after })
    const abort = new AbortController()
    const request = fetch(`${simulator.url}/api/v1/activities/`, { headers: authorized, signal: abort.signal })
    const outcome = request.then((response) => response.text())
    if (after === 'headers') expect((await request).status).toBe(200)
    else while (simulator.requests.length === 0) await new Promise((resolve) => setImmediate(resolve))
    expect(simulator.requests[0]?.status).toBe(after === 'headers' ? 200 : 0)
    abort.abort()
    await expect(outcome).rejects.toThrow('aborted')
  })

  test('closing the simulator ends requests that hang', async () => {
    const simulator = await startWith({ type: 'hang' })
    const outcome = expect(post(simulator, 'activities')).rejects.toThrow()
    while (simulator.requests.length === 0) await new Promise((resolve) => setImmediate(resolve))
    await simulator.close()
    await outcome
  })

  test('one byte at a time, the whole body in the end', async () => {
    await using simulator = await startWith({ type: 'drip', everyMs: 0 })
    expect(await listIds(simulator, 'activities', { limit: 1 })).toEqual(['r6'])
  })

  test('a gzip body', async () => {
    await using simulator = await startWith({ type: 'gzip' })
    const response = await post(simulator, 'activities')
    expect(response.headers.get('content-encoding')).toBe('gzip')
    expect(await response.json()).toMatchObject({
      total: 6,
      data: [{ _id: 'r6', description: 'größer 東京' }, {}, {}, {}, {}, {}],
    })
  })

  test.each([false, true])('a huge page, gzip %s: valid JSON of the size asked for', async (isGzip) => {
    await using simulator = await startWith({ type: 'huge', bytes: 1_000_000, isGzip })
    const text = await (await post(simulator, 'activities')).text()
    expect(text.length).toBeGreaterThan(1_000_000)
    expect(JSON.parse(text)).toMatchObject({ data: [], hasNext: false })
  })

  test('a gzip bomb is small on the wire', async () => {
    await using simulator = await startWith({ type: 'huge', bytes: 5_000_000, isGzip: true })
    const { request } = await import('node:http')
    const packed = await new Promise<Buffer>((resolve, reject) => {
      const chunks: Buffer[] = []
      const call = request(`${simulator.url}/api/v1/activities/`, { headers: authorized }, (response) => {
        response.on('data', (chunk: Buffer) => chunks.push(chunk)).on('end', () => resolve(Buffer.concat(chunks)))
      })
      call.on('error', reject).end()
    })
    expect(packed.length).toBeLessThan(20_000)
    expect(gunzipSync(packed).length).toBeGreaterThan(5_000_000)
  })

  test('bytes in another encoding than UTF-8', async () => {
    await using simulator = await startWith({ type: 'wrong-charset', encoding: 'latin1' })
    const response = await post(simulator, 'activities')
    expect(response.headers.get('content-type')).toBe('application/json; charset=iso-8859-1')
    const bytes = await response.bytes()
    expect(() => new TextDecoder('utf-8', { fatal: true }).decode(bytes)).toThrow()
  })
})
