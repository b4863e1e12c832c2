import { once } from 'node:events'
import { request as httpRequest, type IncomingMessage } from 'node:http'
import { connect } from 'node:net'
import { gzipSync } from 'node:zlib'
import { RelayError } from '@siem-relay/common'
import { Agent, fetch as undiciFetch } from 'undici'
import { describe, expect, test, vi } from 'vitest'
import { sourcesSchema } from '../../config.ts'
import { Harness } from '../../testing/harness.ts'
import { IntakeBench, ndjson, rowOf, startMs, token } from '../../testing/intake-bench.ts'
import { localhostCertFile, localhostKeyFile, serve } from '../../testing/servers.ts'

const bad = { ...rowOf(9), AppScore: 99 }

/** A request that is written by hand. */
async function raw(url: string, text: string) {
  const socket = connect(Number(new URL(url).port), '127.0.0.1')
  socket.on('error', () => undefined)
  let answer = ''
  socket.on('data', (chunk) => {
    answer += chunk.toString()
  })
  await once(socket, 'connect')
  socket.write(text)
  return { socket, answer: () => answer }
}
const head = (length: number, more = ''): string =>
  `POST /v1/discovery HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${token}\r\nContent-Type: application/x-ndjson\r\n${more}Content-Length: ${length}\r\n\r\n`

describe('rows by HTTP', () => {
  test('are records with their envelope, as received, once the answer comes', async () => {
    await using bench = await IntakeBench.http()
    const text = '{"AppName":"Box", "TimeGenerated":"2026-11-24T10:00:00Z", "RecordId":"r-1"}'
    const answer = await bench.post(text)
    expect([answer.status, await answer.json()]).toEqual([
      200,
      { accepted: 1, repeated: 0, rejected: [], rejectedTotal: 0 },
    ])
    const [record] = await bench.records()
    expect(record?.value.toString()).toBe(text)
    expect(record?.key).toBe('r-1')
    expect(record?.headers).toEqual({
      source: 'contoso',
      tenant: 'contoso',
      kind: 'discovery',
      shape: 'discovery-row',
      'received-ms': String(startMs),
    })
    expect(bench.source.status()).toMatchObject({
      state: 'collecting',
      streams: [{ kind: 'discovery', hasSucceeded: true, watermarkMs: startMs }],
    })
  })

  test.each([
    ['application/x-ndjson', ndjson(rowOf(1), rowOf(2))],
    ['application/ndjson; charset=UTF-8', ndjson(rowOf(1), rowOf(2))],
    ['application/json', JSON.stringify([rowOf(1), rowOf(2)])],
    [
      'text/csv; charset="utf-8"',
      'TimeGenerated,AppName,TotalEvents\n2026-11-24T10:00:00Z,Box,1\n2026-11-24T10:00:00Z,Box,2',
    ],
  ])('come as %s', async (type, body) => {
    await using bench = await IntakeBench.http()
    expect((await bench.post(body, { 'content-type': type })).status).toBe(200)
    expect((await bench.post(gzipSync(body), { 'content-type': type, 'content-encoding': 'gzip' })).status).toBe(200)
    expect(await bench.numbers()).toEqual([1, 2])
  })

  test('that are good are taken beside bad ones, which are named', async () => {
    await using bench = await IntakeBench.http()
    const answer = await bench.post(`${ndjson(rowOf(1), bad)}nonsense\n${ndjson(rowOf(4))}`)
    expect(await answer.json()).toEqual({
      accepted: 2,
      repeated: 0,
      rejected: [
        { line: 2, problems: ['AppScore: expected a whole number from 0 to 10, not 99'] },
        { line: 3, problems: ['the line is not JSON'] },
      ],
      rejectedTotal: 2,
    })
    expect(await bench.numbers()).toEqual([1, 4])
    const list = await bench.post(JSON.stringify([rowOf(1), bad]), { 'content-type': 'application/json' })
    expect(await list.json()).toMatchObject({ accepted: 0, repeated: 1, rejected: [{ index: 1 }] })
    expect(await bench.metric('siem_relay_intake_rejected_rows_total', { reason: 'columns', way: 'http' })).toBe(2)
    expect(await bench.metric('siem_relay_intake_rejected_rows_total', { reason: 'malformed' })).toBe(1)
    expect(await bench.metric('siem_relay_intake_rows_total', { result: 'accepted' })).toBe(2)
    expect(await bench.metric('siem_relay_intake_rows_total', { result: 'repeated' })).toBe(1)
    expect(await bench.metric('siem_relay_records_received_total', { kind: 'discovery' })).toBe(2)
  })

  test('that are bad are listed up to a hundred, and all counted', async () => {
    await using bench = await IntakeBench.http()
    const answer = await bench.post('x\n'.repeat(250))
    const { rejected, rejectedTotal } = (await answer.json()) as { rejected: unknown[]; rejectedTotal: number }
    expect([rejected.length, rejectedTotal]).toEqual([100, 250])
  })

  test('that are too long are named, and the next one is taken', async () => {
    await using bench = await IntakeBench.http({ maxRowBytes: 1_000 })
    const answer = await bench.post(ndjson(rowOf(1, { UserName: 'x'.repeat(2_000) }), rowOf(2)))
    expect(await answer.json()).toMatchObject({
      accepted: 1,
      rejected: [{ line: 1, problems: ['the row is longer than 1000 bytes'] }],
    })
    expect(await bench.metric('siem_relay_intake_rejected_rows_total', { reason: 'too_long' })).toBe(1)
  })

  test('twice in one body, in two, or across a restart are taken once', async () => {
    await using bench = await IntakeBench.http()
    await bench.post(ndjson(rowOf(1), rowOf(1), rowOf(2)))
    await bench.stop()
    await bench.start()
    expect(bench.source.status().streams[0]?.watermarkMs).toBe(startMs)
    const again = await bench.post(ndjson(rowOf(1), rowOf(2), rowOf(3)))
    expect(await again.json()).toMatchObject({ accepted: 1, repeated: 2 })
    expect(await bench.numbers()).toEqual([1, 2, 3])
  })

  test('that say the same are two where their maker gave them two ids', async () => {
    await using bench = await IntakeBench.http()
    const answer = await bench.post(ndjson(rowOf(1, { RecordId: 'a' }), rowOf(1, { RecordId: 'b' })))
    expect(await answer.json()).toMatchObject({ accepted: 2, repeated: 0 })
  })

  test('are remembered for a week', async () => {
    await using bench = await IntakeBench.http()
    await bench.post(ndjson(rowOf(1)))
    await bench.clock.advance(8 * 86_400_000)
    await bench.post(ndjson(rowOf(2)))
    expect(await (await bench.post(ndjson(rowOf(1)))).json()).toMatchObject({ accepted: 1, repeated: 0 })
  })

  test('many of them go through in transactions of limited size', async () => {
    await using bench = await IntakeBench.http()
    const answer = await bench.post(ndjson(...Array.from({ length: 1_200 }, (_, n) => rowOf(n))))
    expect(await answer.json()).toMatchObject({ accepted: 1_200 })
    expect(bench.commits).toBe(3)
  })

  test('posted at the same time by several are each taken once', async () => {
    await using bench = await IntakeBench.http()
    const rows = [0, 1, 2].map((n) => rowOf(n))
    const answers = await Promise.all([0, 1, 2, 3].map(async () => (await bench.post(ndjson(...rows))).json()))
    const sum = (name: 'accepted' | 'repeated') =>
      (answers as Record<string, number>[]).reduce((all, each) => all + Number(each[name]), 0)
    expect([sum('accepted'), sum('repeated')]).toEqual([3, 9])
    expect(await bench.numbers()).toEqual([0, 1, 2])
  })
})

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
    const refused = await raw(bench.url, head(10, 'Expect: 100-continue\r\n').replace(token, 'wrong'))
    await bench.until(() => refused.answer() !== '' && refused.socket.closed)
    expect(refused.answer()).toMatch(/^HTTP\/1.1 401 /)
    const body = ndjson(rowOf(1))
    const { socket, answer } = await raw(bench.url, head(body.length, 'Expect: 100-continue\r\n'))
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
    const slow = await raw(bench.url, `${head(1_000)}{`)
    const silent = await raw(bench.url, 'POST /v1/discovery HTTP/1.1\r\nHost: x\r\n')
    await bench.until(() => slow.socket.closed && silent.socket.closed)
    expect([slow.answer(), silent.answer()]).toEqual([
      expect.stringMatching(/^HTTP\/1.1 408 /),
      expect.stringMatching(/^HTTP\/1.1 408 /),
    ])
    const endless = await raw(bench.url, `POST /v1/discovery HTTP/1.1\r\nX: ${'x'.repeat(20_000)}\r\n\r\n`)
    await bench.until(() => endless.socket.closed)
    expect(endless.answer()).toMatch(/^HTTP\/1.1 431 /)
    expect(await bench.metric('siem_relay_intake_requests_total', { result: 'aborted' })).toBe(1)
    expect((await bench.post(ndjson(rowOf(1)))).status).toBe(200)
  })

  test('is broken off: nothing of it is taken', async () => {
    await using bench = await IntakeBench.http()
    const body = ndjson(rowOf(1), rowOf(2))
    const { socket } = await raw(bench.url, head(body.length) + body.slice(0, -1))
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
    const open = await Promise.all([0, 1, 2, 3].map(() => raw(bench.url, head(body.length))))
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

describe('trouble', () => {
  test('a log that takes nothing: come again; what was told to come again is taken once', async () => {
    await using bench = await IntakeBench.http()
    bench.isOpen = false
    const answer = await bench.post(ndjson(rowOf(1)))
    expect([answer.status, answer.headers.get('retry-after')]).toEqual([503, '10'])
    expect(((await answer.json()) as { error: string }).error).toMatch(/the log takes no records: disk is full/)
    expect(await bench.numbers()).toEqual([])
    bench.isOpen = true
    expect(await (await bench.post(ndjson(rowOf(1)))).json()).toMatchObject({ accepted: 1 })
  })

  test('a commit that fails is made again; the client that waits gets its answer', async () => {
    await using bench = await IntakeBench.http()
    bench.beforeCommit = () => {
      throw new RelayError('RELAY_LOG_WRITE', 'no')
    }
    const waiting = bench.post(ndjson(rowOf(1)))
    await bench.until(() => bench.source.status().state === 'waiting')
    expect(bench.source.status().lastError).toMatchObject({ code: 'RELAY_LOG_WRITE' })
    const other = await bench.post(ndjson(rowOf(2)))
    expect(other.status).toBe(503)
    bench.beforeCommit = () => undefined
    await bench.clock.advance(1_000)
    expect(await (await waiting).json()).toMatchObject({ accepted: 1 })
    expect(bench.source.status().state).toBe('collecting')
    expect(await bench.numbers()).toEqual([1])
  })

  test('a client that waited too long is told to come again, and finds its rows taken', async () => {
    await using bench = await IntakeBench.http()
    await bench.post(ndjson(rowOf(0)))
    await bench.clock.advance(7_000)
    expect(await bench.metric('siem_relay_checkpoint_age_seconds')).toBe(0)
    bench.beforeCommit = () => {
      throw new RelayError('RELAY_LOG_WRITE', 'no')
    }
    const waiting = bench.post(ndjson(rowOf(1)))
    await bench.until(() => bench.source.status().state === 'waiting')
    await bench.clock.advance(30_000)
    expect((await waiting).status).toBe(503)
    expect(bench.source.status().streams[0]?.watermarkMs).toBe(startMs)
    expect(await bench.metric('siem_relay_checkpoint_age_seconds')).toBe(37)
    bench.beforeCommit = () => undefined
    await bench.clock.advance(1_000)
    await bench.until(() => bench.source.status().state === 'collecting')
    expect(await (await bench.post(ndjson(rowOf(1)))).json()).toMatchObject({ accepted: 0, repeated: 1 })
    expect(await bench.numbers()).toEqual([0, 1])
  })

  test('another owner of the place in the log ends this life; clients are told to come again', async () => {
    await using bench = await IntakeBench.http()
    bench.beforeCommit = () => {
      throw new RelayError('RELAY_BUS_FENCED', 'another')
    }
    const answer = await bench.post(ndjson(rowOf(1)))
    expect(answer.status).toBe(503)
    await expect(bench.ended).rejects.toMatchObject({ code: 'RELAY_BUS_FENCED' })
    await expect(fetch(bench.url)).rejects.toThrow()
    expect(await bench.numbers()).toEqual([])
  })

  test('a stop answers who waits, and lets go of the port', async () => {
    await using bench = await IntakeBench.http()
    bench.beforeCommit = () => {
      throw new RelayError('RELAY_LOG_WRITE', 'no')
    }
    const waiting = bench.post(ndjson(rowOf(1)))
    await bench.until(() => bench.source.status().state === 'waiting')
    const slow = await raw(bench.url, head(1_000))
    const refused = await raw(bench.url, head(1_000).replace(token, 'wrong'))
    await bench.stop()
    expect((await waiting).status).toBe(503)
    await bench.until(() => slow.socket.closed && refused.socket.closed)
    await expect(fetch(bench.url)).rejects.toThrow()
    expect(bench.clock.pending).toBe(0)
  })

  test('a port that somebody else has is an error with its next move, and taken once it is free', async () => {
    const other = await serve((_, response) => response.end())
    await using bench = await IntakeBench.open({ http: { listen: `127.0.0.1:${other.port}`, token } })
    expect(bench.source.status()).toMatchObject({
      state: 'error',
      streams: [{ hasSucceeded: false }],
      lastError: {
        code: 'RELAY_LISTEN_FAILED',
        message: expect.stringContaining('another process holds it'),
        nextMove: expect.stringContaining('free port'),
      },
    })
    await other[Symbol.asyncDispose]()
    await bench.clock.advance(2_000)
    await bench.until(() => bench.source.status().state === 'collecting')
    expect((await bench.post(ndjson(rowOf(1)))).status).toBe(200)
  })
})

describe('TLS', () => {
  const tls = { certFile: localhostCertFile, keyFile: localhostKeyFile }

  test('rows come over HTTPS', async () => {
    await using bench = await IntakeBench.http({ tls })
    expect(bench.url).toMatch(/^https:/)
    const dispatcher = new Agent({ connect: { rejectUnauthorized: false } })
    const answer = await undiciFetch(bench.url, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/x-ndjson' },
      body: ndjson(rowOf(1)),
      dispatcher,
    })
    expect(answer.status).toBe(200)
    await dispatcher.destroy()
  })

  test('a certificate that cannot be used is named before anything starts', async () => {
    const settings = { http: { token, tls: { ...tls, keyFile: '/nowhere/key.pem' } } }
    await expect(IntakeBench.open(settings)).rejects.toMatchObject({
      code: 'RELAY_CONFIG_INVALID',
      message: expect.stringMatching(/\/nowhere\/key.pem cannot be used: ENOENT/),
    })
    const swapped = { http: { token, tls: { certFile: tls.keyFile, keyFile: tls.certFile } } }
    await expect(IntakeBench.open(swapped)).rejects.toMatchObject({ code: 'RELAY_CONFIG_INVALID' })
  })
})

test('of two instances the one that holds the tenant listens, then the other', async () => {
  await using harness = await Harness.open()
  const sources = sourcesSchema.parse([
    { id: 'contoso', type: 'discovery-intake', http: { listen: '127.0.0.1:0', token } },
  ])
  const urls = () => harness.world.entries.filter(({ msg }) => msg === 'intake listens').map(({ url }) => String(url))
  const first = await harness.start({ sources })
  await vi.waitFor(() => expect(urls()).toHaveLength(1))
  const second = await harness.start({ sources })
  await harness.pass(60_000)
  expect(urls()).toHaveLength(1)
  const holder = first.status().length === 1 ? first : second
  await holder.stop(1_000)
  await vi.waitFor(() => expect(urls()).toHaveLength(2), { timeout: 20_000 })
  await expect(fetch(urls()[0] as string)).rejects.toThrow()
  expect((await fetch(urls()[1] as string)).status).toBe(401)
})
