/** What the agent API refuses: every bad input is answered alike, changes nothing, and leaves the next good request unharmed. */
import { type AddressInfo, connect } from 'node:net'
import { agentSchema } from '@siem-relay/common'
import { FakeBus } from '@siem-relay/delivery/testing'
import { systemClock, type World } from '@siem-relay/service-kit'
import { testWorld } from '@siem-relay/service-kit/testing'
import type { FastifyInstance } from 'fastify'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { buildServer } from '../server/server.ts'
import { type Gateway, startGateway } from './gateway.ts'

const secret = 'A'.repeat(43)
const good = `sra_siem_${secret}`
const instance = '11111111-1111-1111-1111-111111111111'
const identity = { instance, host: 'siem-host', version: '1' }

let gateway: Gateway
let server: FastifyInstance
let port: number
let world: World
let tokens: Map<string, string>

beforeEach(async () => {
  const base = testWorld({ bus: new FakeBus() })
  world = { ...base, clock: systemClock }
  tokens = new Map([
    [good, 'siem'],
    [`sra_other_${secret}`, 'other'],
  ])
  const agents = ['siem', 'other'].map((id) =>
    agentSchema.parse({ id, remote: true, syslog: { host: '127.0.0.1', port: 514 } }),
  )
  gateway = await startGateway({ agents }, world, {
    verifyToken: (token) => {
      const agent = tokens.get(token)
      return agent === undefined ? undefined : { agent }
    },
  })
  server = await buildServer({
    config: { path: '', trustProxy: [] },
    guard: {
      callerOf: () => undefined,
      checkOrigin: () => undefined,
      checkCsrf: () => undefined,
      note: () => undefined,
    },
    log: base.log,
    version: '0.0.0-test',
    assets: new Map(),
    addApi: () => undefined,
    addAgentApi: (api) => gateway.addRoutes(api),
  })
  await server.listen({ host: '127.0.0.1', port: 0 })
  port = (server.server.address() as AddressInfo).port
})

afterEach(async () => {
  await gateway.stop(0)
  await server.close()
})

type Headers = Record<string, string>

async function ask(request: string, body: unknown, headers: Headers = {}) {
  const answer = await fetch(`http://127.0.0.1:${port}/agent/v1/${request}`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${good}`,
      'content-type': 'application/json',
      'siem-relay-agent-protocol': '1',
      ...headers,
    },
    body: typeof body === 'string' || body instanceof Uint8Array ? body : JSON.stringify(body),
  })
  const text = await answer.text()
  return { status: answer.status, body: text, json: () => JSON.parse(text), headers: answer.headers }
}

const takeLease = async (): Promise<string> => (await ask('lease', identity)).json().lease

describe('tokens', () => {
  const refused: readonly (readonly [string, string | undefined])[] = [
    ['none', undefined],
    ['empty', ''],
    ['Bearer alone', 'Bearer'],
    ['Bearer and a blank', 'Bearer '],
    ['of Basic', `Basic ${Buffer.from(good).toString('base64')}`],
    ['its prefix only', 'Bearer sra_siem_'],
    ['a wrong secret', `Bearer sra_siem_${'B'.repeat(43)}`],
    ['of an agent that is not there', `Bearer sra_gone_${secret}`],
    ['with another agent’s name', `Bearer sra_siem2_${secret}`],
    ['one character longer', `Bearer ${good}A`],
    ['one character shorter', `Bearer ${good.slice(0, -1)}`],
    ['in capitals', `Bearer ${good.toUpperCase()}`],
    ['beyond ASCII', `Bearer sra_siem_${'\u00e9'.repeat(43)}`],
    ['two of them', `Bearer ${good}, Bearer ${good}`],
    ['8 KB of it', `Bearer ${'a'.repeat(8_000)}`],
    ['with a NUL', `Bearer ${good}%00`],
    ['as a formula of a query', "Bearer ' OR 1=1 --"],
    ['as a name every object has', 'Bearer __proto__'],
  ]
  test.each(refused)('a token is refused alike: %s', async (_, authorization) => {
    const before = await ask('hello', {}, { authorization: 'Bearer nonsense' })
    const answer = await ask('hello', {}, authorization === undefined ? { authorization: '' } : { authorization })
    expect(answer.status).toBe(401)
    expect(answer.body).toBe(before.body)
    expect(answer.body).not.toContain('siem_')
  })

  test('a token revoked or regenerated is refused alike, and its lease is over', async () => {
    const lease = await takeLease()
    tokens.delete(good)
    for (const [request, body] of [
      ['hello', {}],
      ['lease', identity],
      ['poll', { lease, after: 0, revision: '', waitMs: 0 }],
      ['release', { lease }],
    ] as const)
      expect((await ask(request, body)).status).toBe(401)
    const renewed = `sra_siem_${'C'.repeat(43)}`
    tokens.set(renewed, 'siem')
    const taken = await ask('lease', { ...identity, instance: '2'.repeat(16) }, { authorization: `Bearer ${renewed}` })
    expect(taken.status).toBe(200)
    expect(taken.json().lease).not.toBe(lease)
  })

  test('an open poll ends within 5 s of its token being revoked', async () => {
    const lease = await takeLease()
    const { revision } = (await ask('poll', { lease, after: 0, revision: 'none', waitMs: 0 })).json().orders
    const poll = ask('poll', { lease, after: 0, revision, waitMs: 25_000 })
    tokens.delete(good)
    expect((await poll).status).toBe(401)
  }, 5_000)

  test('another agent’s token has no part in a lease', async () => {
    const lease = await takeLease()
    const other = { authorization: `Bearer sra_other_${secret}` }
    for (const [request, body] of [
      ['poll', { lease, after: 0, revision: '', waitMs: 0 }],
      ['release', { lease }],
      ['report', { lease, number: 0, feeds: [], taken: [], acknowledged: [], letters: [] }],
    ] as const) {
      const answer = await ask(request, body, other)
      expect(answer.status).toBe(409)
      expect(answer.json().error.code).toBe('lease_lost')
    }
    expect((await ask('poll', { lease, after: 0, revision: '', waitMs: 0 })).status).toBe(200)
  })
})

describe('protocol', () => {
  test.each(['', '2', '0', '1.0', 'one', '-1', ','.repeat(5_000)])(
    'version %# is refused with those it speaks',
    async (version) => {
      const answer = await ask('hello', {}, { 'siem-relay-agent-protocol': version })
      expect(answer.status).toBe(426)
      expect(answer.json().error).toMatchObject({ code: 'unsupported_protocol', message: expect.stringContaining('1') })
    },
  )

  test('says which version it answers in', async () => {
    expect(
      (await ask('hello', {}, { 'siem-relay-agent-protocol': '7, 1' })).headers.get('siem-relay-agent-protocol'),
    ).toBe('1')
  })

  test('hello takes nothing and tells who works', async () => {
    expect((await ask('hello', {})).json()).toEqual({ agent: 'siem', enabled: true, target: 'tcp://127.0.0.1:514' })
    await takeLease()
    expect((await ask('hello', {})).json().holder).toMatchObject({ host: 'siem-host' })
  })

  test('a second process stands by, and is told when to ask again', async () => {
    await takeLease()
    const answer = await ask('lease', { ...identity, instance: '2'.repeat(16) })
    expect(answer.status).toBe(409)
    expect(answer.json().error).toMatchObject({ code: 'lease_held', message: expect.stringContaining('siem-host') })
    expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0)
  })

  test('who asks again gets a new lease, and the one before is over', async () => {
    const first = await takeLease()
    const second = await takeLease()
    expect(second).not.toBe(first)
    expect((await ask('poll', { lease: first, after: 0, revision: '', waitMs: 0 })).status).toBe(409)
    expect((await ask('poll', { lease: second, after: 0, revision: '', waitMs: 0 })).status).toBe(200)
  })

  test('an answer that was never given cannot be confirmed', async () => {
    const lease = await takeLease()
    const answer = await ask('poll', { lease, after: 5, revision: '', waitMs: 0 })
    expect(answer.json().error.code).toBe('lease_lost')
  })

  test('cookies of the pages are nothing here, and no page of another site can ask', async () => {
    const cookies = await ask('hello', {}, { authorization: '', cookie: `__Host-session=${good}` })
    expect(cookies.status).toBe(401)
    const crossSite = await ask('hello', '{}', { 'content-type': 'text/plain', origin: 'https://evil.example' })
    expect(crossSite.status).toBe(415)
  })
})

describe('bodies', () => {
  const base = { number: 0, feeds: [], taken: [], acknowledged: [], letters: [] }
  const deep = `${'['.repeat(50_000)}${']'.repeat(50_000)}`
  const cases: readonly (readonly [string, string, (lease: string) => unknown, number])[] = [
    ['nothing', 'lease', () => '', 400],
    ['half of an object', 'lease', () => '{', 400],
    ['an array', 'lease', () => [], 400],
    ['null', 'lease', () => 'null', 400],
    ['nesting without end', 'lease', () => deep, 400],
    ['a prototype', 'lease', () => `{"__proto__":{"instance":"${instance}"}}`, 400],
    ['keys it does not know', 'lease', () => ({ ...identity, admin: true }), 400],
    ['no UTF-8', 'lease', () => Uint8Array.of(0x7b, 0xff, 0xfe, 0x7d), 400],
    ['half of a character', 'lease', () => `{"instance":"${instance}","version":"1","host":"\\ud800"}`, 400],
    ['an instance with line breaks', 'lease', () => ({ ...identity, instance: 'a\r\nb: c\r\n\r\n' }), 400],
    ['a host without end', 'lease', () => ({ ...identity, host: 'h'.repeat(300) }), 400],
    ['a number as text', 'poll', (lease) => ({ lease, after: '0', revision: '', waitMs: 0 }), 400],
    ['a wait without end', 'poll', (lease) => ({ lease, after: 0, revision: '', waitMs: 1e9 }), 400],
    ['a negative wait', 'poll', (lease) => ({ lease, after: 0, revision: '', waitMs: -1 }), 400],
    ['a number beyond integers', 'poll', (lease) => `{"lease":"${lease}","after":1e400,"revision":"","waitMs":0}`, 400],
    ['an object for a lease', 'poll', () => ({ lease: { $gt: '' }, after: 0, revision: '', waitMs: 0 }), 400],
    ['a lease of nobody', 'poll', () => ({ lease: 'A'.repeat(22), after: 0, revision: '', waitMs: 0 }), 409],
    ['more than it takes', 'report', (lease) => ({ ...base, lease, letters: [], x: 'y'.repeat(200_000) }), 413],
    [
      'too many ranges',
      'report',
      (lease) => ({ ...base, lease, acknowledged: [{ life: 1, ranges: Array(300).fill([0, 0]) }] }),
      400,
    ],
    ['a range of one', 'report', (lease) => ({ ...base, lease, acknowledged: [{ life: 1, ranges: [[0]] }] }), 400],
    [
      'a negative offset',
      'report',
      (lease) => ({ ...base, lease, acknowledged: [{ life: 1, ranges: [[-1, 5]] }] }),
      400,
    ],
    [
      'a record of its own as a letter',
      'report',
      (lease) => ({
        ...base,
        lease,
        letters: [{ life: 1, offset: 0, code: 'X', reason: '', attempts: 1, value: 'forged' }],
      }),
      400,
    ],
    [
      'a status with a time that is none',
      'report',
      (lease) => ({ ...base, lease, status: { nowMs: 1, state: 'connected', sinceMs: 1e20 } }),
      400,
    ],
    [
      'a state there is not',
      'report',
      (lease) => ({ ...base, lease, status: { nowMs: 1, state: 'root', sinceMs: 1 } }),
      400,
    ],
  ]
  test.each(cases)('%s (%s) is refused and the lease stays', async (_, request, bodyOf, status) => {
    const lease = await takeLease()
    const answer = await ask(request, bodyOf(lease))
    expect(answer.status).toBe(status)
    expect(answer.json().error.message).toEqual(expect.any(String))
    expect((await ask('poll', { lease, after: 0, revision: '', waitMs: 0 })).status).toBe(200)
  })

  test('acknowledgements and letters of what was never given have no effect', async () => {
    const lease = await takeLease()
    const answer = await ask('report', {
      ...base,
      lease,
      feeds: [
        { group: 'sender.other', opening: 1 },
        { group: '../../etc', opening: 1 },
      ],
      taken: [[1, 9_007_199_254_740_991]],
      acknowledged: [{ life: 1, ranges: [[0, 9_007_199_254_740_991]] }],
      letters: [{ life: 1, offset: 0, code: '__proto__', reason: '<img onerror=alert(1)>', attempts: 1 }],
    })
    expect(answer.status).toBe(200)
    const counters = await world.metrics.getSingleMetricAsString('siem_relay_messages_delivered_total')
    expect(counters).toContain('siem_relay_messages_delivered_total{agent="siem"} 0')
  })

  test('a compressed body is refused before it is opened', async () => {
    expect((await ask('hello', {}, { 'content-encoding': 'gzip' })).status).toBe(415)
  })

  test.each(['GET', 'PUT', 'DELETE', 'PATCH', 'OPTIONS'] as const)('%s is nothing here', async (method) => {
    const url = `http://127.0.0.1:${port}/agent/v1/lease`
    const answer = await fetch(url, { method, headers: { authorization: `Bearer ${good}` } })
    expect(answer.status).toBe(404)
  })
})

test('the text of another machine is shown as text: controls are replaced, codes and next moves are the relay’s own', async () => {
  const lease = await takeLease()
  const nowMs = 5_000_000
  await ask('report', {
    lease,
    number: 0,
    feeds: [],
    taken: [],
    acknowledged: [],
    letters: [],
    // The agent's clock is decades off; what counts is how long ago.
    status: {
      nowMs,
      state: 'error',
      sinceMs: nowMs - 60_000,
      lastConnectedMs: nowMs - 90_000,
      target: 'siem\u001b[2J:514',
      lastError: { code: 'constructor', message: 'no\u202eroute\n<b>', atMs: nowMs + 99_999_999 },
    },
  })
  const [status] = gateway.status()
  const agoMs = (ms: number | undefined): number => Math.round((Date.now() - (ms ?? 0)) / 10_000)
  expect(status).toMatchObject({
    state: 'error',
    target: 'siem\ufffd[2J:514',
    lastError: { code: 'RELAY_AGENT_TROUBLE', message: 'no\ufffdroute\ufffd<b>' },
    remote: { host: 'siem-host', instance },
  })
  expect([agoMs(status?.sinceMs), agoMs(status?.lastConnectedMs), agoMs(status?.lastError?.atMs)]).toEqual([6, 9, 0])
})

test('a poll whose line breaks is noticed: another may take over soon', async () => {
  const lease = await takeLease()
  const { revision } = (await ask('poll', { lease, after: 0, revision: 'none', waitMs: 0 })).json().orders
  const body = JSON.stringify({ lease, after: 0, revision, waitMs: 25_000 })
  const arrived = new Promise((resolve) => server.server.once('request', resolve))
  const socket = connect({ port, host: '127.0.0.1' })
  socket.write(
    `POST /agent/v1/poll HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${good}\r\nsiem-relay-agent-protocol: 1\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
  )
  await arrived
  // Its answer comes back on another line: the poll waits by then.
  await ask('hello', {})
  socket.destroy()
  await vi.waitFor(
    async () => {
      const answer = await ask('lease', { ...identity, instance: '2'.repeat(16) })
      expect(answer.status).toBe(200)
    },
    { timeout: 10_000, interval: 100 },
  )
})
