import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Bus, type NewRecord, openSqliteBus } from '@siem-relay/bus'
import { discardedTopic, rawTopic } from '@siem-relay/common'
import { systemClock } from '@siem-relay/service-kit'
import { testWorld } from '@siem-relay/service-kit/testing'
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import type { PortalContext } from '../context.ts'
import { testApi } from '../testing/api.ts'
import { csvLine } from './csv.ts'
import { addDiscoveryRoutes } from './routes.ts'
import { startViews, type Views } from './views.ts'

const folder = mkdtempSync(join(tmpdir(), 'siem-relay-views-'))
const raw = rawTopic('contoso', 'discovery')
let bus: Bus
let nextDirectory = 0
let directory: string

beforeAll(async () => {
  bus = await openSqliteBus({ path: join(folder, 'log'), clock: systemClock, freeBytesMin: 1_000_000 })
  await bus.ensureTopics([raw, discardedTopic])
})
afterAll(async () => {
  await bus[Symbol.asyncDispose]()
  rmSync(folder, { recursive: true, force: true })
})
beforeEach(() => {
  directory = join(folder, `portal-${nextDirectory++}`)
})

const world = () => ({ ...testWorld({ bus }), clock: systemClock })

function start(more: { readonly bus?: Bus } = {}): Views {
  const tenants = () => ['contoso']
  const limits = { retentionDays: 90, discoveryRowsMax: 100_000 }
  return startViews({ directory, limits, world: { ...world(), ...more }, tenants })
}

let written = 0
async function write(...rows: readonly object[]): Promise<void> {
  await using writer = await bus.writer('test')
  const records = rows.map((row): NewRecord => {
    const key = `row-${written++}`
    const value = { TimeGenerated: new Date().toISOString(), AppName: 'Box', TotalEvents: 1, ...row, RecordId: key }
    return { topic: raw.name, key, value: Buffer.from(JSON.stringify(value)), headers: {} }
  })
  await writer.commit({ records })
}

const week = () => {
  const today = Math.floor(Date.now() / 86_400_000)
  return { fromDay: today - 6, toDay: today + 1 }
}
const eventsAre = (views: Views, events: number) =>
  vi.waitFor(async () => expect((await views.summary(week())).events).toBe(events), { timeout: 15_000, interval: 20 })

describe('views', () => {
  test('hold what was there before them, follow what comes, and go on after a restart', async () => {
    await write({}, { UserName: 'ada' })
    const before = written
    {
      await using views = start()
      await eventsAre(views, before)
      await write({ UserName: 'bob' })
      await eventsAre(views, before + 1)
    }
    await write({})
    await using again = start()
    await eventsAre(again, before + 2)
  })

  test('belong to no group: nothing in the log waits for them', async () => {
    await write({})
    await using views = start()
    await eventsAre(views, written)
    const standing = await bus.positions.of('portal.views', [raw])
    expect(standing.map(({ committed }) => committed)).toEqual([undefined, undefined, undefined])
  })

  test('a topic that cannot be read holds up no other', async () => {
    await write({})
    const broken = {
      ...bus,
      positions: bus.positions,
      read: (topic: typeof raw, partition: number, from: number) => {
        if (topic.name === discardedTopic.name) throw new Error('no rights')
        return bus.read(topic, partition, from)
      },
    } as Bus
    await using views = start({ bus: broken })
    await eventsAre(views, written)
  })

  test('a log that is shorter than what was read is another one: they are made anew', async () => {
    {
      await using views = start()
      await eventsAre(views, written)
    }
    const otherPath = join(folder, 'other-log')
    await using other = await openSqliteBus({ path: otherPath, clock: systemClock, freeBytesMin: 1_000_000 })
    await using views = start({ bus: other })
    await eventsAre(views, 0)
  })
})

describe('routes', () => {
  const context = (views: Views) => ({ views, world: world() }) as unknown as PortalContext

  test('answer by the contract, with filters', async () => {
    await using views = start()
    await write({ AppName: 'Dropbox', AppTags: ['unsanctioned'], UserName: 'ada', UploadedBytes: 10 })
    await eventsAre(views, written)
    await using api = await testApi((server) => addDiscoveryRoutes(server, context(views)))
    const apps = await api.call('GET', '/discovery/apps?tag=unsanctioned&search=DROP')
    expect(apps.body).toMatchObject({
      total: 1,
      apps: [{ name: 'Dropbox', tenant: 'contoso', users: 1, uploadedBytes: 10 }],
    })
    for (const path of ['summary', 'usage', 'users', 'ip-addresses'])
      expect((await api.call('GET', `/discovery/${path}?user=ada`)).status).toBe(200)
    expect((await api.call('GET', '/duplicates')).body).toEqual({ duplicates: [], total: 0 })
    expect((await api.call('GET', '/discovery/apps?sort=drop')).status).toBe(400)
    expect((await api.call('GET', '/discovery/apps?fromMs=0')).status).toBe(400)
    expect((await api.call('GET', '/discovery/apps?fromMs=2000000000000&toMs=1')).status).toBe(400)
  })

  test('are for who is signed in', async () => {
    await using views = start()
    await using api = await testApi((server) => addDiscoveryRoutes(server, context(views)))
    expect(api.server.operations.map(({ access }) => access)).toEqual(new Array(9).fill('viewer'))
  })

  test('CSV is the whole list, and what looks like a formula is text', async () => {
    await using views = start()
    await write({ AppName: '=cmd|"/c calc"!A1', AppTags: ['a', 'b'] })
    await write(...Array.from({ length: 2_500 }, (_, n) => ({ AppName: `App ${n}` })))
    await eventsAre(views, written)
    await using api = await testApi((server) => addDiscoveryRoutes(server, context(views)))
    const { body, headers, status } = await api.call('GET', '/discovery/apps.csv?search=app')
    expect(status).toBe(200)
    expect(headers['content-disposition']).toBe('attachment; filename="discovered-apps.csv"')
    expect(String(body).trimEnd().split('\r\n')).toHaveLength(1 + 2_500)
    const formula = await api.call('GET', '/discovery/apps.csv?search=cmd')
    expect(formula.body).toContain(`\r\n"'=cmd|""/c calc""!A1",`)
  })
})

describe('csvLine', () => {
  test.each([
    ['=1+1', `"'=1+1"`],
    ['  @SUM(A1)', `"'  @SUM(A1)"`],
    ['-2', `"'-2"`],
    ['\uff1dHYPERLINK()', `"'\uff1dHYPERLINK()"`],
    ['\t=1', '\ufffd=1'],
    ['a,b', '"a,b"'],
    ['two\r\nlines', 'two\ufffd\ufffdlines'],
    ['say "hi"', '"say ""hi"""'],
    ['plain', 'plain'],
  ])('%j', (text, expected) => expect(csvLine([text])).toBe(`${expected}\r\n`))

  test('numbers stay numbers, also negative ones', () => expect(csvLine([-5, undefined])).toBe('-5,\r\n'))
})
