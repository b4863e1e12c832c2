import { mkdtempSync, rmSync } from 'node:fs'
import { request as httpRequest, type IncomingMessage } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Bus, type NewRecord, openSqliteBus } from '@siem-relay/bus'
import { type AgentDefinition, agentSchema, deadLettersTopic, outTopic, rawTopic } from '@siem-relay/common'
import { LocalControl } from '@siem-relay/control'
import { systemClock } from '@siem-relay/service-kit'
import { testWorld } from '@siem-relay/service-kit/testing'
import type { FastifyInstance } from 'fastify'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import type { PortalContext } from '../context.ts'
import type { Caller } from '../server/route.ts'
import { admin, testApi, viewer } from '../testing/api.ts'
import { addDeadLetterRoutes } from './dead-letter-routes.ts'
import { addHealthRoutes } from './health-routes.ts'
import { addPreviewRoutes } from './preview-routes.ts'
import { addReplayRoutes } from './replay-routes.ts'
import { addTapRoute } from './tap-route.ts'
import { addTestMessageRoute } from './test-message-route.ts'

const folder = mkdtempSync(join(tmpdir(), 'siem-relay-operate-'))
const agents: readonly AgentDefinition[] = [
  agentSchema.parse({
    id: 'siem',
    syslog: { host: 'siem.example', port: 6514, protocol: 'tls', tls: { caFile: '/etc/ca.pem' } },
  }),
]
const sources = [{ id: 'contoso', type: 'defender' }]
const raw = rawTopic('contoso', 'alerts')
let bus: Bus

beforeAll(async () => {
  bus = await openSqliteBus({ path: join(folder, 'log'), clock: systemClock, freeBytesMin: 1_000_000 })
  await bus.ensureTopics([raw, outTopic('siem'), deadLettersTopic])
})
afterAll(async () => {
  await bus[Symbol.asyncDispose]()
  rmSync(folder, { recursive: true, force: true })
})

function contextOf(more: Partial<PortalContext> = {}): PortalContext {
  const control = new LocalControl({
    bus,
    clock: systemClock,
    config: () => ({ agents, sources }),
    version: '1.2.3',
    hostName: 'relay-host',
  })
  const world = { ...testWorld({ bus }), clock: systemClock }
  return {
    control,
    world,
    agents: {
      definitions: () => agents,
      draft: (definition: object) => agentSchema.parse({ id: 'draft', ...definition }),
    },
    sources: () => sources,
    config: {},
    ...more,
  } as unknown as PortalContext
}

function apiOf(
  add: (server: FastifyInstance, context: PortalContext) => void,
  caller: Caller = admin,
  more: Partial<PortalContext> = {},
) {
  return testApi((server) => add(server, contextOf(more)), caller)
}

async function write(...records: readonly NewRecord[]): Promise<void> {
  await using writer = await bus.writer('test')
  await writer.commit({ records })
}

let alerts = 0
function alert(title: string, severity = 2): NewRecord {
  const id = (++alerts).toString(16).padStart(24, '0')
  const value = {
    _id: id,
    timestamp: 1_700_000_000_000 + alerts,
    title,
    severityValue: severity,
    entities: [{ type: 'account', id: 'megan@contoso.com', label: 'Megan Bowen' }],
    idValue: 15_795_163,
    statusValue: 0,
  }
  return {
    topic: raw.name,
    key: id,
    value: Buffer.from(JSON.stringify(value)),
    headers: { source: 'contoso', tenant: 'contoso', kind: 'alert' },
  }
}

describe('/filter-reference', () => {
  test('names fields, operators and values of every data type', async () => {
    await using api = await apiOf(addPreviewRoutes, viewer)
    const { body } = await api.call('GET', '/filter-reference')
    expect(body).toMatchObject({
      alert: expect.arrayContaining([expect.objectContaining({ field: 'severity' })]),
      activity: expect.any(Array),
      discovery: expect.any(Array),
      operators: expect.arrayContaining([expect.objectContaining({ operator: 'eq' })]),
    })
  })
})

describe('/preview', () => {
  const draft = { name: 'A draft', syslog: { host: 'siem.example', port: 514 } }

  test('shows lines of the last records, and the clause that left one out', async () => {
    await write(alert('Low one', 0), alert('High one', 2))
    await using api = await apiOf(addPreviewRoutes)
    const definition = { ...draft, alerts: { filter: { severity: { eq: [2] } } } }
    const { body, status } = await api.call('POST', '/preview', { definition, kind: 'alert', limit: 2 })
    expect(status).toBe(200)
    expect(body).toMatchObject({ counts: { sent: 1, leftOut: 1, deadLetter: 0 } })
    const { records } = body as { records: readonly Record<string, unknown>[] }
    const sent = records.find(({ outcome }) => outcome === 'sent')
    expect(sent).toMatchObject({ tenant: 'contoso', source: 'contoso', line: expect.stringContaining('|High one|') })
    expect(records.find(({ outcome }) => outcome === 'left-out')).toMatchObject({
      clauses: [expect.objectContaining({ passed: false, decides: true, path: 'severity.eq' })],
    })
  })

  test('names what is wrong with a draft by its place', async () => {
    await using api = await apiOf(addPreviewRoutes)
    const { body, status } = await api.call('POST', '/preview', {
      definition: { ...draft, syslog: { host: 'x', port: 0 } },
    })
    expect(status).toBe(400)
    expect(body).toMatchObject({ error: { code: 'invalid', problems: [{ path: ['definition', 'syslog', 'port'] }] } })
  })

  test('is for admins: records are shown as they are', async () => {
    await using api = await apiOf(addPreviewRoutes, viewer)
    expect((await api.call('POST', '/preview', { definition: draft })).status).toBe(403)
  })
})

describe('/agents/test-message', () => {
  const definition = { syslog: { host: 'siem.example', port: 514 } }
  const answer = { ok: true, line: 'line', bytes: 4, steps: [] }

  test('is sent by the rules for addresses, and noted', async () => {
    const testMessage = vi.fn(async (_: AgentDefinition, refuses: (address: string) => string | undefined) => ({
      ...answer,
      line: ['10.0.0.1', '127.0.0.1', '169.254.169.254'].map((address) => refuses(address) === undefined).join(),
    }))
    await using api = await apiOf(addTestMessageRoute, admin, { testMessage })
    const { body } = await api.call('POST', '/agents/test-message', { definition })
    expect(body).toMatchObject({ ok: true, line: 'true,false,false' })
    expect(api.notes).toEqual([
      expect.objectContaining({ action: 'agent.test-message', actor: 'ada', detail: 'siem.example: ok' }),
    ])
  })

  test('one at a time for each caller', async () => {
    const sending = Promise.withResolvers<typeof answer>()
    await using api = await apiOf(addTestMessageRoute, admin, { testMessage: () => sending.promise })
    const first = api.call('POST', '/agents/test-message', { definition })
    await vi.waitFor(async () =>
      expect((await api.call('POST', '/agents/test-message', { definition })).status).toBe(429),
    )
    sending.resolve(answer)
    expect((await first).status).toBe(200)
    expect((await api.call('POST', '/agents/test-message', { definition })).status).toBe(200)
  })

  test('not for viewers', async () => {
    await using api = await apiOf(addTestMessageRoute, viewer, { testMessage: async () => answer })
    expect((await api.call('POST', '/agents/test-message', { definition })).status).toBe(403)
  })
})

describe('/replays', () => {
  test('are counted, started, listed and cancelled; who did it is noted', async () => {
    await write({ topic: outTopic('siem').name, key: 'one', value: Buffer.from('CEF:0|x'), headers: {} })
    await using api = await apiOf(addReplayRoutes)
    const times = { agent: 'siem', fromMs: 0, toMs: Date.now() + 60_000 }
    const counted = await api.call('POST', '/replays/count', times)
    expect(counted).toMatchObject({ status: 200, body: { records: 1, source: 'out' } })
    const started = await api.call('POST', '/replays', times)
    expect(started).toMatchObject({ status: 201, body: { state: 'running', agent: 'siem' } })
    const { id } = started.body as { id: string }
    expect(await api.call('GET', '/replays')).toMatchObject({ body: { replays: [{ job: { id }, share: 0 }] } })
    expect(await api.call('DELETE', `/replays/${id}`)).toMatchObject({ body: { job: { state: 'cancelled' } } })
    expect(await api.call('DELETE', `/replays/${id}`)).toMatchObject({
      status: 400,
      body: { error: { code: 'RELAY_USAGE' } },
    })
    expect(api.notes.map(({ action, subject }) => [action, subject])).toEqual([
      ['replay.start', id],
      ['replay.cancel', id],
    ])
  })

  test('viewers may count, and start nothing', async () => {
    await using api = await apiOf(addReplayRoutes, viewer)
    const times = { agent: 'siem', fromMs: 0, toMs: 1_000 }
    expect((await api.call('POST', '/replays/count', times)).status).toBe(200)
    expect((await api.call('POST', '/replays', times)).status).toBe(403)
    expect((await api.call('DELETE', '/replays/some-job')).status).toBe(403)
    expect((await api.call('POST', '/replays/count', { agent: '../x', fromMs: 0, toMs: 1 })).status).toBe(400)
  })
})

describe('/dead-letters', () => {
  const letter = (key: string): NewRecord => ({
    topic: deadLettersTopic.name,
    key,
    value: Buffer.from('<script>secret of Megan'),
    headers: {
      stage: 'formatter',
      agent: 'siem',
      code: 'RELAY_RECORD_INVALID',
      reason: 'the record is not JSON',
      'origin-topic': raw.name,
      'origin-partition': '0',
      'origin-offset': '0',
    },
  })

  test('viewers see that there are some, not what is in them', async () => {
    await write(letter('a'), letter('b'))
    await using api = await apiOf(addDeadLetterRoutes, viewer)
    const { body } = await api.call('GET', '/dead-letters?agent=siem')
    expect(body).toMatchObject({ letters: [{ code: 'RELAY_RECORD_INVALID', preview: '', bytes: 23 }, { preview: '' }] })
    expect(JSON.stringify(body)).not.toContain('Megan')
    const { id } = (body as { letters: readonly { id: string }[] }).letters[0] ?? { id: '' }
    expect((await api.call('GET', `/dead-letters/${id}`)).status).toBe(403)
    for (const action of ['retry', 'drop'])
      expect((await api.call('POST', `/dead-letters/${action}`, { ids: [id] })).status).toBe(403)
  })

  test('admins read, drop and retry them, and each is noted', async () => {
    await write(letter('c'))
    await using api = await apiOf(addDeadLetterRoutes)
    const list = await api.call('GET', '/dead-letters?limit=1')
    expect(list.body).toMatchObject({ next: expect.any(String) })
    const { id } = (list.body as { letters: readonly { id: string }[] }).letters[0] ?? { id: '' }
    const whole = await api.call('GET', `/dead-letters/${id}`)
    expect(Buffer.from((whole.body as { value: string }).value, 'base64').toString()).toContain('Megan')
    const dropped = await api.call('POST', '/dead-letters/drop', { ids: [id, '0-99999'] })
    expect(dropped.body).toMatchObject({ done: [id], refused: [{ id: '0-99999' }] })
    expect((await api.call('POST', '/dead-letters/retry', { ids: [id] })).body).toMatchObject({
      done: [],
      refused: [{ id }],
    })
    expect(api.notes.map(({ action }) => action)).toEqual(['dead-letter.read', 'dead-letter.drop'])
    const all = await api.call('GET', '/dead-letters?all=true')
    expect(JSON.stringify(all.body)).toContain('"state":"dropped"')
  })

  test.each(['/dead-letters?before=x', '/dead-letters?agent=A', '/dead-letters/../x', '/dead-letters/1'])(
    '%s is refused',
    async (path) => {
      await using api = await apiOf(addDeadLetterRoutes)
      expect((await api.call('GET', path)).status).toBeOneOf([400, 404])
    },
  )
})

describe('/sources and /lag', () => {
  test('answer for who is signed in', async () => {
    await using api = await apiOf(addHealthRoutes, viewer)
    expect(await api.call('GET', '/sources')).toMatchObject({
      body: { sources: [{ id: 'contoso', reported: 'never' }] },
    })
    expect(await api.call('GET', '/lag?agent=siem')).toMatchObject({
      body: { agents: [{ agent: 'siem', enabled: true }] },
    })
    expect((await api.call('GET', '/lag?agent=nobody')).status).toBe(400)
  })
})

describe('/tap', () => {
  interface Events extends AsyncDisposable {
    readonly status: number | undefined
    readonly headers: IncomingMessage['headers']
    /** The next event of a name. */
    next(name: string): Promise<Record<string, unknown>>
    readonly ended: Promise<void>
    pause(): void
    resume(): void
  }

  async function open(server: FastifyInstance, query: string): Promise<Events> {
    const address = server.server.address()
    const port = typeof address === 'object' && address !== null ? address.port : 0
    const request = httpRequest({ host: '127.0.0.1', port, path: `/api/v1/tap?${query}`, agent: false })
    const response = await new Promise<IncomingMessage>((resolve, reject) =>
      request.on('response', resolve).on('error', reject).end(),
    )
    let text = ''
    const ended = new Promise<void>((resolve) => response.on('close', () => resolve()))
    response.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk
    })
    response.on('error', () => {})
    return {
      status: response.statusCode,
      headers: response.headers,
      next: (name) =>
        vi.waitFor(
          () => {
            const found = new RegExp(`event: ${name}\\ndata: (.*)\\n\\n`).exec(text)
            if (found === null) throw new Error(`no event ${name} in ${text}`)
            text = text.slice(found.index + found[0].length)
            return JSON.parse(found[1] ?? '')
          },
          { timeout: 10_000, interval: 10 },
        ),
      ended,
      pause: () => void response.pause(),
      resume: () => void response.resume(),
      [Symbol.asyncDispose]: async () => {
        request.destroy()
        await ended
      },
    }
  }

  async function listening(caller: () => Caller | undefined, notes: unknown[] = []) {
    const api = await testApi((server) => {
      server.guard.callerOf = () => caller()
      server.guard.note = (entry) => void notes.push(entry)
      addTapRoute(server, contextOf())
    })
    await api.server.listen({ host: '127.0.0.1', port: 0 })
    return api
  }

  test('shows what comes from now on, masked', async () => {
    await using api = await listening(() => viewer)
    await using events = await open(api.server, 'stage=raw&tenant=contoso&kind=alert')
    expect(events.headers).toMatchObject({
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-store',
    })
    expect(await events.next('started')).toEqual({ topics: [raw.name] })
    await write(alert('New one'))
    const record = await events.next('record')
    expect(record).toMatchObject({ stage: 'raw', topic: raw.name, isCut: false })
    expect(JSON.stringify(record)).not.toContain('Megan')
  })

  test('as they are for admins only, and noted', async () => {
    const notes: unknown[] = []
    await using api = await listening(() => admin, notes)
    {
      await using events = await open(api.server, 'stage=raw&masked=false')
      await events.next('started')
      await write(alert('Another one'))
      expect(JSON.stringify(await events.next('record'))).toContain('Megan')
    }
    expect(notes).toEqual([expect.objectContaining({ action: 'tap.unmasked', actor: 'ada', subject: 'raw' })])
    await using other = await listening(() => viewer)
    await using refused = await open(other.server, 'stage=raw&masked=false')
    expect(refused.status).toBe(403)
  })

  test('what comes faster than it is read is counted, and waits nowhere', async () => {
    await using api = await listening(() => viewer)
    await using events = await open(api.server, 'stage=raw')
    await events.next('started')
    events.pause()
    for (let n = 0; n < 10; n++) await write(...Array.from({ length: 500 }, () => alert('x'.repeat(8_000))))
    events.resume()
    const { count } = await events.next('dropped')
    expect(count).toBeGreaterThan(0)
  })

  test('what nothing can come of is an answer, not a stream', async () => {
    await using api = await listening(() => viewer)
    for (const query of ['stage=out&agent=nobody', 'stage=nowhere', 'stage=raw&tenant=A%0A']) {
      await using events = await open(api.server, query)
      expect(events.status).toBe(400)
    }
  })

  test('ends with the session', async () => {
    let caller: Caller | undefined = viewer
    await using api = await listening(() => caller)
    await using events = await open(api.server, 'stage=raw')
    await events.next('started')
    caller = undefined
    expect(await events.next('end')).toEqual({ reason: 'the session has ended' })
    await events.ended
  })

  test('ends when the portal closes', async () => {
    const api = await listening(() => viewer)
    await using events = await open(api.server, 'stage=raw')
    await events.next('started')
    await api[Symbol.asyncDispose]()
    expect(await events.next('end')).toEqual({ reason: 'the portal is closing' })
  })

  test('no more than a few for each caller; one that leaves makes room', async () => {
    await using api = await listening(() => viewer)
    await using many = new AsyncDisposableStack()
    const opened: Events[] = []
    for (let n = 0; n < 5; n++) opened.push(many.use(await open(api.server, 'stage=raw')))
    expect(many.use(await open(api.server, 'stage=raw')).status).toBe(429)
    await opened[0]?.[Symbol.asyncDispose]()
    await vi.waitFor(async () => expect(many.use(await open(api.server, 'stage=raw')).status).toBe(200), {
      timeout: 10_000,
    })
  })
})
