/** What reaches a portal that nobody wrote in good faith. Each ends in 4xx or a closed connection: no 5xx, no hang, no growing memory, no
 *  change, and the portal answers afterwards. */
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type PortalClient, setUpPortal } from '../testing/browser.ts'
import { startTestPortal, type TestPortal } from '../testing/portal.ts'

let made: TestPortal
let ada: PortalClient
beforeAll(async () => {
  // As the real ones, and sooner.
  const limits = { requestTimeoutMs: 2_000, headersTimeoutMs: 1_000, connectionTimeoutMs: 3_000, checkEveryMs: 100 }
  made = await startTestPortal({ limits })
  ada = await setUpPortal(made.portal)
})
afterAll(async () => {
  const failed = made.world.entries.filter(({ msg }) => msg === 'a request failed')
  await made[Symbol.asyncDispose]()
  expect(failed).toEqual([])
})

const answersMax = 1_048_576

/** Sends bytes as they are. @returns what came back until the connection closed, or all was quiet. */
async function raw(parts: readonly (string | Buffer)[], { end = true } = {}): Promise<string> {
  const socket = connect(made.portal.port, '127.0.0.1')
  socket.on('error', () => undefined)
  let text = ''
  socket.on('data', (chunk) => {
    if (text.length < answersMax) text += chunk.toString('latin1')
  })
  await once(socket, 'connect')
  const closed = new Promise((resolve) => socket.once('close', resolve))
  for (const part of parts) await write(socket, part)
  if (end) socket.end()
  await closed
  return text
}

function write(socket: Socket, part: string | Buffer): Promise<void> {
  return new Promise((resolve) => {
    if (socket.destroyed) return resolve()
    socket.once('close', () => resolve())
    socket.write(part, 'latin1', () => resolve())
  })
}

const statusesOf = (text: string): readonly number[] =>
  [...text.matchAll(/^HTTP\/1\.1 (\d{3})/gm)].map((match) => Number(match[1]))

function expectRefused(text: string, allowed: readonly number[] = []): void {
  for (const status of statusesOf(text))
    expect(allowed.includes(status) || (status >= 400 && status < 500), text.slice(0, 300)).toBe(true)
}

async function expectWell(): Promise<void> {
  expect((await ada.call('GET', '/session')).body).toMatchObject({ state: 'signed-in' })
}

/** While all connections are taken, nobody is answered. */
async function expectWellOrBusy(): Promise<void> {
  await ada.call('GET', '/session').catch(() => undefined)
}

const host = 'Host: 127.0.0.1\r\n'
const get = (path: string, more = ''): string => `GET ${path} HTTP/1.1\r\n${host}${more}Connection: close\r\n\r\n`
const postHead = (more: string): string =>
  `POST /api/v1/session HTTP/1.1\r\n${host}Content-Type: application/json\r\n${more}\r\n`

describe('HTTP', () => {
  test.each<[string, readonly (string | Buffer)[]]>([
    ['1 no Host', ['GET /api/v1/session HTTP/1.1\r\nConnection: close\r\n\r\n']],
    [
      '3 Content-Length and Transfer-Encoding',
      [postHead('Content-Length: 4\r\nTransfer-Encoding: chunked\r\n'), '0\r\n\r\nGET / HTTP/1.1\r\n\r\n'],
    ],
    ['4 two Content-Length', [postHead('Content-Length: 4\r\nContent-Length: 5\r\n'), '{}']],
    ['5 a chunk size that overflows', [postHead('Transfer-Encoding: chunked\r\n'), 'FFFFFFFFFFFFFFFFF\r\n']],
    ['6 a chunk extension of 1 MB', [postHead('Transfer-Encoding: chunked\r\n'), `1;${'x'.repeat(1_048_576)}\r\n`]],
    ['7 bare LF', [`GET /api/v1/accounts HTTP/1.1\n${host}\n\n`]],
    ['7 folded headers', [get('/api/v1/accounts', 'X-A: b\r\n c\r\n')]],
    ['8 a header of 64 KB', [get('/api/v1/session', `X-A: ${'a'.repeat(65_536)}\r\n`)]],
    ['9 2,000 headers', [get('/api/v1/session', Array.from({ length: 2_000 }, (_, n) => `X-${n}: y\r\n`).join(''))]],
    ['10 an address of 1 MB', [get(`/${'a'.repeat(1_048_576)}`)]],
    ['12 a path with parameters', [get('//evil/..;/')]],
    ['13 CONNECT', [`CONNECT 127.0.0.1:22 HTTP/1.1\r\n${host}\r\n`]],
    ['13 TRACE', [`TRACE / HTTP/1.1\r\n${host}Connection: close\r\n\r\n`]],
    ['14 a method with NUL', [`GET\u0000 / HTTP/1.1\r\n${host}\r\n`]],
    ['19 the preface of HTTP/2', ['PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n']],
    ['20 TLS to a plain port', [Buffer.from('16030100a5010000a10303', 'hex'), Buffer.alloc(64, 1)]],
    [
      '24 a body over the limit, chunked',
      [
        postHead('Transfer-Encoding: chunked\r\nConnection: close\r\n'),
        '200000\r\n',
        'x'.repeat(2_097_152),
        '\r\n0\r\n\r\n',
      ],
    ],
    [
      '24 a body over the limit, announced',
      [postHead('Content-Length: 2000000\r\nConnection: close\r\n'), 'x'.repeat(20_000)],
    ],
    ['25 a body that ends before its length', [postHead('Content-Length: 1000\r\n'), '{"name":']],
    [
      '29 CRLF in a parameter',
      [get('/api/v1/oidc/callback?state=%0d%0aSet-Cookie:%20x=y', 'Accept: application/json\r\n')],
    ],
  ])('%s', async (_, parts) => {
    const text = await raw(parts)
    expectRefused(text, [302])
    expect(text).not.toMatch(/^set-cookie: x=y/im)
    await expectWell()
  })

  test('2 two Host headers end before any route', async () => {
    expectRefused(await raw([`GET /api/v1/accounts HTTP/1.1\r\nHost: a\r\nHost: b\r\nConnection: close\r\n\r\n`]))
  })

  test.each([
    ['/api/v1/agents/%00'],
    ['/assets/%2e%2e%2f%2e%2e%2fpackage.json'],
    ['/assets/..%5c..%5cpackage.json'],
    ['/assets/%c0%ae%c0%ae/package.json'],
    ['/..%2f..%2fetc%2fpasswd'],
    ['/assets/../../package.json'],
    ['/api/v1/agents/%'],
    ['http://evil.example/api/v1/accounts'],
    ['/api/v1/agents?a[__proto__][x]=1'],
  ])('11 %s leads nowhere', async (path) => {
    const text = await raw([get(path)])
    expectRefused(text)
    expect(text).not.toContain('"name":')
    await expectWell()
  })

  test('21 thousands of requests on one connection are answered or cut off', async () => {
    const text = await raw([get('/nothing').replace('Connection: close\r\n', '').repeat(3_000)])
    expectRefused(text)
    await expectWell()
  })

  test('23 an upgrade to nothing is an ordinary request', async () => {
    const text = await raw([
      `GET /api/v1/accounts HTTP/1.1\r\n${host}Connection: Upgrade, close\r\nUpgrade: junk\r\n\r\n`,
    ])
    expectRefused(text)
    await expectWell()
  })

  test('15, 16, 22 what never comes to its end is cut off in time', { timeout: 40_000 }, async () => {
    const texts = await Promise.all([
      raw([`GET / HTTP/1.1\r\n${host}X-Slow: `], { end: false }),
      raw([postHead('Content-Length: 100\r\n'), '{'], { end: false }),
      raw([postHead('Content-Length: 100\r\nExpect: 100-continue\r\n')], { end: false }),
    ])
    for (const text of texts) expectRefused(text.replace('HTTP/1.1 100 Continue', ''))
    await expectWell()
  })

  test('18 idle connections are bounded, and are let go', { timeout: 40_000 }, async () => {
    const closed: Promise<unknown>[] = []
    // Fewer at a time than the kernel keeps for us to accept: it forgets the others without telling them.
    for (let batch = 0; batch < 12; batch++) {
      const sockets = Array.from({ length: 100 }, () => connect(made.portal.port, '127.0.0.1'))
      closed.push(...sockets.map((socket) => new Promise((resolve) => socket.once('close', resolve))))
      for (const socket of sockets) socket.on('error', () => undefined).resume()
      await Promise.all(
        sockets.map((socket) => new Promise((resolve) => socket.once('connect', resolve).once('close', resolve))),
      )
      await expectWellOrBusy()
    }
    await Promise.all(closed)
    await expectWell()
  })

  test.each([['gzip'], ['br'], ['deflate'], ['x']])('26 a body in %s is refused as it comes', async (encoding) => {
    const answer = await fetch(`${made.portal.url}/api/v1/session`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'content-encoding': encoding },
      body: gzipSync(Buffer.alloc(10_485_760)),
    }).catch(() => undefined)
    if (answer !== undefined) expect(answer.status).toBe(415)
    await expectWell()
  })

  test('28 JSON is UTF-8', async () => {
    const answer = await ada.call(
      'POST',
      '/agents/check',
      { definition: {} },
      { 'content-type': 'application/json; charset=utf-7' },
    )
    expect(answer.status).toBe(415)
  })

  test('32 cookies: long ones, twice the same, somebody else’s', async () => {
    const session = ada.cookie.split('=')[1]
    for (const cookie of [
      `x=${'a'.repeat(8_192)}`,
      `siem_relay_session=x; siem_relay_session=${'A'.repeat(43)}`,
      'siem_relay_session',
      `__Host-siem_relay_session=${session}`,
    ])
      expect((await fetch(`${made.portal.url}/api/v1/accounts`, { headers: { cookie } })).status).toBe(401)
  })

  test('34 passwords: a megabyte, NUL', async () => {
    for (const password of ['x'.repeat(1_000_000), 'nul\u0000nul nul nul'])
      expect((await ada.call('POST', '/session', { name: 'ada', password })).status).toBeGreaterThanOrEqual(400)
    await expectWell()
  })
})

describe('JSON', () => {
  const send = async (body: string | Buffer): Promise<number> => {
    const answer = await fetch(`${made.portal.url}/api/v1/agents/check`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', cookie: ada.cookie, 'x-csrf-token': ada.csrfToken },
      body,
    })
    await answer.arrayBuffer()
    return answer.status
  }

  test.each<[string, string | Buffer]>([
    ['35 cut off', '{'],
    ['36 nested 100,000 deep', '['.repeat(100_000)],
    ['36 nested and whole', `{"definition":${'{"a":'.repeat(1_000)}1${'}'.repeat(1_001)}`],
    ['38 __proto__', '{"definition":{},"__proto__":{"x":1}}'],
    ['38 __proto__ within', '{"definition":{"a":[{"__proto__":{"x":1}}]}}'],
    ['38 __proto__ escaped', '{"definition":{"\\u005f_proto__":{"x":1}}}'],
    ['38 constructor.prototype', '{"definition":{"constructor":{"prototype":{"x":1}}}}'],
    ['40 a lone surrogate', '{"definition":{"name":"\\ud800"}}'],
    ['40 NUL', '{"definition":{"name":"\\u0000"}}'],
    ['40 a byte that is no UTF-8', Buffer.from([0x7b, 0xff, 0xfe, 0x7d])],
    ['40 an overlong form', Buffer.from([0x22, 0xc0, 0xaf, 0x22])],
    ['41 a text of 2 MB', `{"definition":{"name":"${'x'.repeat(2_097_152)}"}}`],
    ['43 a list', '[]'],
    ['43 a number', '1'],
    ['43 null', 'null'],
    ['43 an operator for a text', '{"definition":{"$gt":""},"more":1}'],
  ])('%s', async (_, body) => {
    const status = await send(body)
    expect(status).toBeGreaterThanOrEqual(400)
    expect(status).toBeLessThan(500)
    expect(({} as { x?: unknown }).x).toBeUndefined()
  })

  test.each<[string, object]>([
    ['39 numbers at the edge', { syslog: { host: 'h', port: 1e308 } }],
    ['39 minus zero', { syslog: { host: 'h', port: -0 } }],
    ['39 beyond integers', { dedup: { recordIds: 2 ** 53 + 1 } }],
    ['42 many keys', Object.fromEntries(Array.from({ length: 50_000 }, (_, n) => [`k${n}`, 1]))],
    ['45 a pattern', { alerts: { filter: { title: { matches: '(a+)+$' } } } }],
    ['46 a pattern of 500 KB', { alerts: { filter: { title: { eq: 'a|'.repeat(250_000) } } } }],
    [
      '47 a filter of 20,000 terms',
      { alerts: { filter: { severity: { eq: Array.from({ length: 20_000 }, () => 1) } } } },
    ],
    ['47 a filter 20 deep', { alerts: { filter: JSON.parse(`${'{"a":'.repeat(20)}1${'}'.repeat(20)}`) } }],
    ['49 a file for an endpoint', { sentinel: { endpoint: 'file:///etc/passwd', ruleId: 'x', auth: {} } }],
    [
      '50 a private key for an authority',
      {
        syslog: {
          host: 'h',
          port: 6514,
          protocol: 'tls',
          tls: { ca: '-----BEGIN PRIVATE KEY-----\nx\n-----END PRIVATE KEY-----' },
        },
      },
    ],
    [
      '50 a certificate that is none',
      {
        syslog: {
          host: 'h',
          port: 6514,
          protocol: 'tls',
          tls: { ca: '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----' },
        },
      },
    ],
    ['51 markup', { name: `<img src=x onerror=alert(1)>{{7*7}}\${env}\u202e` }],
    ['51 10,000 faces', { name: '😀'.repeat(10_000) }],
  ])('%s is no agent', async (_, definition) => {
    const check = await ada.call('POST', '/agents/check', { definition: { id: 'x', ...definition } })
    expect(check.status).toBeLessThan(500)
    if (check.status === 200) expect(check.body.problems).not.toEqual([])
    const made = await ada.call('POST', '/agents', { definition: { id: 'x', ...definition } })
    expect([400, 413]).toContain(made.status)
    expect((await ada.call('GET', '/agents')).body.agents).toEqual([])
  })

  test('37 of two keys with one name the last counts, as JSON.parse has it', async () => {
    expect(await send('{"definition":{"id":"a"},"definition":{"id":"b"}}')).toBe(200)
  })

  test('44 times beyond any calendar', async () => {
    for (const before of ['275761', '-1', '0000', '9'.repeat(30), 'x'])
      expect((await ada.call('GET', `/audit?before=${before}`)).status).toBeLessThan(500)
  })

  test('52 names of agents lead to no file', async () => {
    for (const id of ['..%2f..%2fetc', '%2e%2e', 'a/b', 'constructor', '__proto__'])
      expect((await ada.call('GET', `/agents/${id}`)).status).toBe(404)
  })
})

test('an agent with markup for a name is stored and told as the text it is', async () => {
  const name = `<img src=x onerror=alert(1)> {{7*7}} \${env} ';--`
  const definition = { name, syslog: { host: '10.0.0.1', port: 514 } }
  const answer = await ada.call('POST', '/agents', { definition })
  expect(answer).toMatchObject({ status: 201, body: { agent: { name } } })
  expect(answer.headers.get('content-type')).toBe('application/json; charset=utf-8')
  expect((await ada.call('DELETE', `/agents/${answer.body.agent.id}`, { revision: 1, name })).status).toBe(204)
})

test('whatever JSON comes, no route answers 5xx, and memory stays', { timeout: 60_000 }, async () => {
  const routes = [
    ['POST', '/agents'],
    ['POST', '/agents/check'],
    ['PUT', '/agents/x'],
    ['PATCH', '/agents/x/enabled'],
    ['DELETE', '/agents/x'],
    ['POST', '/accounts'],
    ['PATCH', '/accounts/ada'],
    ['PUT', '/password'],
  ] as const
  const before = process.memoryUsage().rss
  const definition = fc.dictionary(
    fc.constantFrom('id', 'name', 'syslog', 'alerts', 'header', 'dedup', 'sentinel', 'tenants', 'x'),
    fc.jsonValue({ maxDepth: 4 }),
  )
  const body = fc.oneof(fc.jsonValue(), fc.record({ definition, revision: fc.jsonValue(), name: fc.jsonValue() }))
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...routes), body, async ([method, path], value) => {
      const { status } = await ada.call(method, path, value)
      expect(status).toBeLessThan(500)
    }),
    { numRuns: 400 },
  )
  expect(process.memoryUsage().rss - before).toBeLessThan(200_000_000)
  await expectWell()
})
