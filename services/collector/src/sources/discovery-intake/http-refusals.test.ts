/** Requests of which nothing is taken: refused, malformed, too long, too slow or broken off. */
import { once } from 'node:events'
import { request as httpRequest, type IncomingMessage } from 'node:http'
import { gzipSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { IntakeBench, ndjson, rowOf, token } from '../../testing/intake-bench.ts'
import { rawRequest, requestHead } from '../../testing/raw-request.ts'

describe('a request that is not taken', () => {
  test.each([
    ['another token', { authorization: 'Bearer another-token-0123456789' }, 401, 'unauthorized'],
    ['a token that only begins like it', { authorization: `Bearer ${token.slice(0, -1)}` }, 401, 'unauthorized'],
    ['another scheme', { authorization: `Basic ${token}` }, 401, 'unauthorized'],
    ['another type', { 'content-type': 'text/plain' }, 415, 'unsupported'],
    ['another charset', { 'content-type': 'text/csv; charset=windows-1252' }, 415, 'unsupported'],
    ['another encoding', { 'content-encoding': 'br' }, 415, 'unsupported'],
  ])('with %s gets %j: %i', async (_, headers, status, result) => {
    await using bench = await IntakeBench.http()
    const answer = await bench.post(ndjson(rowOf(1)), headers as unknown as Record<string, string>)
    expect(answer.status).toBe(status)
    expect(Object.keys((await answer.json()) as object)).toEqual(['error'])
    expect(await bench.numbers()).toEqual([])
    expect(await bench.metric('siem_relay_intake_requests_total', { result })).toBe(1)
  })

  test('has no token, asks for another place, or with another method', async () => {
    await using bench = await IntakeBench.http()
    const none = await fetch(bench.url, { method: 'POST', body: '' })
    expect([none.status, none.headers.get('www-authenticate')]).toEqual([401, 'Bearer'])
    const authorization = `Bearer ${token}`
    const elsewhere = await fetch(new URL('/', bench.url), { method: 'POST', body: '', headers: { authorization } })
    expect(elsewhere.status).toBe(404)
    const get = await fetch(bench.url, { headers: { authorization } })
    expect([get.status, get.headers.get('allow')]).toEqual([405, 'POST'])
    expect(JSON.stringify(bench.world.entries)).not.toContain(token)
  })

  test.each([
    ['a list that is cut short', 'application/json', '[{}', 'it ends in the middle, at the row with index 1'],
    ['a table without a header', 'text/csv', '1,2\n', /^line 1: a header line is expected/],
    [
      'a quote that stays open',
      'text/csv',
      'TimeGenerated,AppName\n2026-11-24T10:00:00Z,Box\n"',
      'line 3: the quote opened here is never closed',
    ],
  ])('is %s: nothing of it is taken, and the answer says where', async (_, type, body, error) => {
    await using bench = await IntakeBench.http()
    const answer = await bench.post(body, { 'content-type': type })
    expect(answer.status).toBe(400)
    expect(((await answer.json()) as { error: string }).error).toMatch(error)
    expect(await bench.numbers()).toEqual([])
  })

  test('is gzip that ends too early, or none', async () => {
    await using bench = await IntakeBench.http()
    const whole = gzipSync(ndjson(rowOf(1), rowOf(2)))
    for (const body of [whole.subarray(0, -9), Buffer.from(ndjson(rowOf(1)))]) {
      const answer = await bench.post(body, { 'content-encoding': 'gzip' })
      expect([answer.status, await answer.json()]).toEqual([
        400,
        { error: expect.stringMatching(/^the body is not whole gzip data: /) },
      ])
    }
    expect(await bench.numbers()).toEqual([])
    expect(await bench.metric('siem_relay_intake_requests_total', { result: 'bad_body' })).toBe(2)
  })

  test('is too long: as announced, as sent in chunks, or as expanded', async () => {
    await using bench = await IntakeBench.http({ maxBodyBytes: 2_000 })
    expect((await bench.post(' '.repeat(2_001))).status).toBe(413)
    const bomb = gzipSync(Buffer.alloc(1_000_000, '\n'))
    expect(bomb.length).toBeLessThan(2_000)
    expect((await bench.post(bomb, { 'content-encoding': 'gzip' })).status).toBe(413)
    const outgoing = httpRequest(bench.url, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/x-ndjson' },
    })
    outgoing.write(' '.repeat(1_500))
    outgoing.end(' '.repeat(1_500))
    const [answer] = (await once(outgoing, 'response')) as [IncomingMessage]
    expect(answer.statusCode).toBe(413)
    answer.resume()
    // It still serves.
    expect((await bench.post(ndjson(rowOf(1)))).status).toBe(200)
  })

  test('is refused before its body is sent, where the client waits for that', async () => {
    await using bench = await IntakeBench.http()
    const refused = await rawRequest(bench.url, requestHead(10, 'Expect: 100-continue\r\n').replace(token, 'wrong'))
    await bench.until(() => refused.answer() !== '' && refused.socket.closed)
    expect(refused.answer()).toMatch(/^HTTP\/1.1 401 /)
    const body = ndjson(rowOf(1))
    const { socket, answer } = await rawRequest(bench.url, requestHead(body.length, 'Expect: 100-continue\r\n'))
    await bench.until(() => answer().startsWith('HTTP/1.1 100 '))
    socket.write(body)
    await bench.until(() => answer().includes('"accepted":1'))
    socket.destroy()
  })

  test('is sent too slowly, or with endless headers: the connection ends and the place is free', async () => {
    await using bench = await IntakeBench.http(
      {},
      { requestTimeout: 200, headersTimeout: 200, connectionsCheckingInterval: 20 },
    )
    const slow = await rawRequest(bench.url, `${requestHead(1_000)}{`)
    const silent = await rawRequest(bench.url, 'POST /v1/discovery HTTP/1.1\r\nHost: x\r\n')
    await bench.until(() => slow.socket.closed && silent.socket.closed)
    expect([slow.answer(), silent.answer()]).toEqual([
      expect.stringMatching(/^HTTP\/1.1 408 /),
      expect.stringMatching(/^HTTP\/1.1 408 /),
    ])
    const endless = await rawRequest(bench.url, `POST /v1/discovery HTTP/1.1\r\nX: ${'x'.repeat(20_000)}\r\n\r\n`)
    await bench.until(() => endless.socket.closed)
    expect(endless.answer()).toMatch(/^HTTP\/1.1 431 /)
    expect(await bench.metric('siem_relay_intake_requests_total', { result: 'aborted' })).toBe(1)
    expect((await bench.post(ndjson(rowOf(1)))).status).toBe(200)
  })

  test('is broken off: nothing of it is taken', async () => {
    await using bench = await IntakeBench.http()
    const body = ndjson(rowOf(1), rowOf(2))
    const { socket } = await rawRequest(bench.url, requestHead(body.length) + body.slice(0, -1))
    socket.end()
    let aborted = 0
    await bench.until(() => {
      void bench.metric('siem_relay_intake_requests_total', { result: 'aborted' }).then((value) => {
        aborted = value
      })
      return aborted === 1
    })
    expect(await bench.numbers()).toEqual([])
  })

  test('comes while four bodies are being read: later', async () => {
    await using bench = await IntakeBench.http()
    const body = ndjson(rowOf(1))
    const open = await Promise.all([0, 1, 2, 3].map(() => rawRequest(bench.url, requestHead(body.length))))
    let refused: Response | undefined
    // The four are on their way.
    while (refused === undefined) {
      const answer = await bench.post(ndjson(rowOf(2)))
      if (answer.status === 429) refused = answer
    }
    expect(refused.headers.get('retry-after')).toBe('1')
    for (const { socket } of open) socket.write(body)
    await bench.until(() => open.every(({ answer }) => answer().includes('200 OK')))
    expect((await bench.post(ndjson(rowOf(3)))).status).toBe(200)
    for (const { socket } of open) socket.destroy()
  })
})
