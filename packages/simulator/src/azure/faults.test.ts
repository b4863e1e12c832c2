import { describe, expect, test } from 'vitest'
import type { AzureFault } from './faults.ts'
import { type AzureForTest, receivedMs, rowsOf, ruleId, secretForm, startForTest, stream } from './testing/client.ts'

async function startWith(fault: AzureFault): Promise<AzureForTest> {
  const setup = await startForTest()
  await setup.token()
  setup.azure.faults.add(fault)
  return setup
}

async function statusesOf(setup: AzureForTest, count: number, ...ids: readonly string[]): Promise<readonly number[]> {
  const statuses: number[] = []
  for (let index = 0; index < count; index += 1) statuses.push((await setup.upload(rowsOf(...ids, `r${index}`))).status)
  return statuses
}

describe('the script', () => {
  test('uses entries in their order, each so many times, after so many that go well', async () => {
    await using setup = await startForTest()
    const first = setup.azure.faults.add({ type: 'throttle' }, { times: 2 })
    setup.azure.faults.add({ type: 'server-error', status: 503 }, { after: 1 })
    expect(await statusesOf(setup, 5)).toEqual([429, 429, 204, 503, 204])
    expect(first.used).toBe(2)
    expect(setup.azure.faults.waiting).toBe(0)
  })

  test('keeps a fault for a time, by the clock of the simulator', async () => {
    let nowMs = receivedMs
    await using setup = await startForTest({ nowMs: () => nowMs })
    setup.azure.faults.add({ type: 'forbidden' }, { forMs: 600_000 })
    expect(await statusesOf(setup, 2)).toEqual([403, 403])
    nowMs += 599_999
    expect(await statusesOf(setup, 1)).toEqual([403])
    nowMs += 1
    expect(setup.azure.faults.waiting).toBe(0)
    expect(await statusesOf(setup, 1)).toEqual([204])
  })

  test('hits a part of the requests, the same ones for the same seed, and leaves the others to the next entry', async () => {
    const run = async (seed: number): Promise<readonly number[]> => {
      await using setup = await startForTest({ seed })
      setup.azure.faults.add({ type: 'server-error' }, { share: 0.5 })
      setup.azure.faults.add({ type: 'throttle' }, { share: 0.5 })
      return await statusesOf(setup, 40)
    }
    const statuses = await run(7)
    expect(new Set(statuses)).toEqual(new Set([204, 429, 500]))
    expect(await run(7)).toEqual(statuses)
    expect(await run(8)).not.toEqual(statuses)
  })

  test('meets one stream, one rule or the token endpoint only', async () => {
    await using setup = await startForTest()
    setup.azure.faults.add({ type: 'server-error' }, { stream: 'Custom-Other' })
    setup.azure.faults.add({ type: 'server-error' }, { ruleId: `dcr-${'e'.repeat(32)}` })
    setup.azure.faults.add({ type: 'server-error', status: 502 }, { route: 'token', after: 1 })
    expect(await statusesOf(setup, 1)).toEqual([204])
    expect((await setup.askToken(secretForm())).status).toBe(502)
    setup.azure.faults.add({ type: 'throttle' }, { stream, ruleId })
    expect(await statusesOf(setup, 1)).toEqual([429])
    expect(setup.azure.faults.waiting).toBe(2)
    setup.azure.faults.clear()
    expect(setup.azure.faults.waiting).toBe(0)
  })

  test('an entry can be taken back', async () => {
    await using setup = await startForTest()
    const storm = setup.azure.faults.add({ type: 'throttle' }, { times: Number.POSITIVE_INFINITY })
    expect(await statusesOf(setup, 2)).toEqual([429, 429])
    storm.remove()
    expect(await statusesOf(setup, 1)).toEqual([204])
  })

  test('takes 10,000 entries and refuses the next', async () => {
    await using setup = await startForTest()
    for (let count = 0; count < 10_000; count += 1) setup.azure.faults.add({ type: 'throttle' })
    expect(() => setup.azure.faults.add({ type: 'throttle' })).toThrow(/clear\(\)/)
  })

  test('a predicate that throws is said, so that its writer sees it', async () => {
    await using setup = await startForTest()
    setup.azure.faults.add({
      type: 'poison',
      row: () => {
        throw new Error('a mistake')
      },
    })
    const { status, text } = await setup.upload(rowsOf('a'))
    expect(status).toBe(500)
    expect(text).toContain('a mistake')
  })
})

describe('another answer', () => {
  test.each<readonly [AzureFault, number, string | undefined, string | undefined]>([
    [{ type: 'throttle', retryAfterSeconds: 7 }, 429, 'TooManyRequests', '7'],
    [{ type: 'throttle' }, 429, 'TooManyRequests', undefined],
    [{ type: 'server-error' }, 500, 'ServiceError', undefined],
    [{ type: 'server-error', status: 408 }, 408, 'ServiceError', undefined],
    [{ type: 'server-error', status: 503, retryAfterSeconds: 5 }, 503, 'ServiceError', '5'],
    [{ type: 'proxy-page', status: 502 }, 502, undefined, undefined],
    [{ type: 'proxy-page', status: 200 }, 200, undefined, undefined],
    [{ type: 'too-large' }, 413, 'ContentLengthLimitExceeded', undefined],
    [{ type: 'bad-request' }, 400, 'InvalidRequestContent', undefined],
    [{ type: 'forbidden' }, 403, 'OperationFailed', undefined],
    [{ type: 'not-found' }, 404, 'NotFound', undefined],
  ])('%j: nothing is stored', async (fault, status, code, retryAfter) => {
    await using setup = await startWith(fault)
    const reply = await setup.upload(rowsOf('a'))
    expect({ status: reply.status, code: reply.code }).toEqual({ status, code })
    expect(reply.headers['retry-after']).toBe(retryAfter)
    expect(reply.headers['x-ms-error-code']).toBe(code)
    // What is in between has no name for Azure's requests.
    expect(reply.headers['x-ms-request-id']).toEqual(fault.type === 'proxy-page' ? undefined : expect.any(String))
    expect(setup.azure.stored()).toEqual([])
    expect(setup.azure.requests).toMatchObject([{ status, stored: 0, wireBytes: 77 }])
    expect((await setup.upload(rowsOf('a'))).status).toBe(204)
  })

  test('401 ends the life of the token presented; another one is good', async () => {
    await using setup = await startWith({ type: 'token-expired' })
    expect(await statusesOf(setup, 2)).toEqual([401, 401])
    const { access_token: token } = JSON.parse((await setup.askToken(secretForm())).text) as { access_token: string }
    expect((await setup.upload(rowsOf('a'), { token })).status).toBe(204)
    expect(setup.azure.totals.statuses).toEqual({ 204: 1, 401: 2 })
  })

  test('another status of success: the rows are stored', async () => {
    await using setup = await startWith({ type: 'accepted', status: 202 })
    expect((await setup.upload(rowsOf('a'))).status).toBe(202)
    expect([...setup.azure.ids.keys()]).toEqual(['a'])
  })

  test('204, and the rows are lost', async () => {
    await using setup = await startWith({ type: 'lose' })
    expect((await setup.upload(rowsOf('a', 'b'))).status).toBe(204)
    expect(setup.azure.stored()).toEqual([])
    expect(setup.azure.requests[0]).toMatchObject({ status: 204, rows: 2, stored: 0, lost: 2 })
    expect(setup.azure.totals).toMatchObject({ stored: 0, lost: 2 })
  })
})

describe('a poisonous row', () => {
  test('has every upload that holds it refused, as often as it comes, and no other', async () => {
    await using setup = await startForTest()
    const poison = setup.azure.faults.add({ type: 'poison', row: (row) => row.RecordId === 'bad' })
    expect(await statusesOf(setup, 2, 'bad')).toEqual([400, 400])
    expect(await statusesOf(setup, 2, 'good')).toEqual([204, 204])
    expect(poison.used).toBe(2)
    expect(setup.azure.ids.has('bad')).toBe(false)
    expect(setup.azure.requests[0]).toMatchObject({ status: 400, rows: 2, stored: 0 })
  })

  test('does not hold up the faults that wait behind it', async () => {
    await using setup = await startForTest()
    setup.azure.faults.add({ type: 'poison', row: (row) => row.RecordId === 'bad' })
    setup.azure.faults.add({ type: 'throttle' })
    expect(await statusesOf(setup, 2, 'bad')).toEqual([429, 400])
  })
})

describe('on the wire', () => {
  test.each(['before-reading', 'while-reading'] as const)('a connection reset %s: nothing is stored', async (at) => {
    await using setup = await startWith({ type: 'reset', at })
    await expect(setup.upload(Buffer.alloc(900_000, ' '))).rejects.toMatchObject({
      code: expect.stringMatching(/ECONNRESET|EPIPE|UND_ERR_SOCKET/),
    })
    expect(setup.azure.totals).toMatchObject({ uploads: 1, statuses: { 0: 1 }, stored: 0, storedUnanswered: 0 })
    const { wireBytes = 0 } = setup.azure.requests[0] ?? {}
    if (at === 'before-reading') expect(wireBytes).toBe(0)
    else expect(wireBytes).toBeGreaterThanOrEqual(450_000)
    expect((await setup.upload(rowsOf('a'))).status).toBe(204)
  })

  test('a connection reset after storing: the rows are there and nobody was told', async () => {
    await using setup = await startWith({ type: 'reset', at: 'after-storing' })
    await expect(setup.upload(rowsOf('a', 'b'))).rejects.toMatchObject({ code: 'ECONNRESET' })
    expect(setup.azure.stored()).toHaveLength(2)
    expect(setup.azure.requests[0]).toMatchObject({ status: 0, stored: 2 })
    expect(setup.azure.totals).toMatchObject({ stored: 2, storedUnanswered: 2 })
    await setup.upload(rowsOf('a', 'b'))
    expect([...setup.azure.ids]).toEqual([
      ['a', 2],
      ['b', 2],
    ])
    expect(setup.azure.totals.storedUnanswered).toBe(2)
  })

  test.each([
    ['before-reading', 0],
    ['after-storing', 1],
  ] as const)('silence %s, until the client gives up: %d rows stored', async (at, stored) => {
    await using setup = await startWith({ type: 'hang', at })
    const abort = new AbortController()
    const upload = expect(setup.upload(rowsOf('a'), { signal: abort.signal })).rejects.toThrow('aborted')
    await expect.poll(() => setup.azure.totals.statuses[0]).toBe(1)
    abort.abort()
    await upload
    expect(setup.azure.totals).toMatchObject({ stored, storedUnanswered: stored })
    expect((await setup.upload(rowsOf('b'))).status).toBe(204)
  })

  test('stopping the simulator ends requests that hang', async () => {
    const setup = await startWith({ type: 'hang', at: 'before-reading' })
    const upload = expect(setup.upload(rowsOf('a'))).rejects.toThrow()
    await expect.poll(() => setup.azure.totals.uploads).toBe(1)
    await setup.azure.stop()
    await upload
    await setup.azure.stop()
    await setup[Symbol.asyncDispose]()
  })

  test('an answer that is late: a client that has left by then was not told', async () => {
    await using setup = await startForTest()
    await setup.token()
    setup.azure.faults.add({ type: 'latency', ms: 1 })
    expect((await setup.upload(rowsOf('a'))).status).toBe(204)
    setup.azure.faults.add({ type: 'latency', ms: 3_600_000 })
    const abort = new AbortController()
    const upload = expect(setup.upload(rowsOf('b'), { signal: abort.signal })).rejects.toThrow('aborted')
    await expect.poll(() => setup.azure.ids.has('b')).toBe(true)
    abort.abort()
    await upload
    await expect.poll(() => setup.azure.totals.statuses[0]).toBe(1)
    expect(setup.azure.totals.storedUnanswered).toBe(1)
  })

  test('a body that is taken slowly is stored as a whole', async () => {
    await using setup = await startWith({ type: 'slow-request', everyMs: 1 })
    const rows = rowsOf(...Array.from({ length: 5000 }, (_, index) => `r${index}`))
    expect((await setup.upload(rows)).status).toBe(204)
    expect(setup.azure.ids.size).toBe(5000)
  })

  test('an answer that comes byte by byte is the right one in the end', async () => {
    await using setup = await startForTest()
    await setup.token()
    setup.azure.faults.add({ type: 'slow-response', everyMs: 0 }, { times: 2 })
    const good = await setup.upload(rowsOf('a'))
    expect(good).toMatchObject({ status: 204, text: '', headers: { connection: 'close' } })
    const bad = await setup.upload('no JSON')
    expect(bad).toMatchObject({ status: 400, code: 'InvalidRequestContent' })
    expect(setup.azure.totals.statuses).toEqual({ 204: 1, 400: 1 })
  })
})

describe('the token endpoint', () => {
  test.each<readonly [AzureFault, number, string]>([
    [{ type: 'secret-expired' }, 401, 'AADSTS7000222'],
    [{ type: 'throttle', retryAfterSeconds: 3 }, 429, 'AADSTS90055'],
    [{ type: 'server-error', status: 504 }, 504, 'AADSTS90033'],
    [{ type: 'server-error' }, 500, 'temporarily_unavailable'],
    [{ type: 'proxy-page', status: 502 }, 502, '<!DOCTYPE html>'],
  ])('%j', async (fault, status, text) => {
    await using setup = await startForTest()
    setup.azure.faults.add(fault, { route: 'token' })
    const refused = await setup.askToken(secretForm())
    expect(refused.status).toBe(status)
    expect(refused.text).toContain(text)
    expect(refused.headers['retry-after']).toBe(fault.type === 'throttle' ? '3' : undefined)
    expect((await setup.askToken(secretForm())).status).toBe(200)
  })

  test.each(['before-reading', 'after-storing'] as const)('a connection reset %s', async (at) => {
    await using setup = await startForTest()
    setup.azure.faults.add({ type: 'reset', at }, { route: 'token' })
    await expect(setup.askToken(secretForm())).rejects.toMatchObject({
      code: expect.stringMatching(/ECONNRESET|UND_ERR_SOCKET/),
    })
  })

  test('does not meet what only uploads can meet, and uploads do not meet an expired secret', async () => {
    await using setup = await startForTest()
    setup.azure.faults.add({ type: 'forbidden' }, { route: 'any' })
    setup.azure.faults.add({ type: 'secret-expired' }, { route: 'any' })
    expect(await (await setup.askToken(secretForm())).text).toContain('AADSTS7000222')
    expect(await statusesOf(setup, 2)).toEqual([403, 204])
  })
})

test('paths that are none of Azure’s are not found, with a request id', async () => {
  await using setup = await startForTest()
  const reply = await setup.ask('/somewhere', { method: 'POST', body: 'x' })
  expect(reply).toMatchObject({ status: 404, code: 'NotFound' })
  expect(reply.headers['x-ms-request-id']).toEqual(expect.any(String))
})
