/** What operators have beside the way of the records, on a real broker as on the embedded log: lag, live views, dead letters, replays
 *  and the portal's pages. The broker's topics were made by hand, with other partitions than the relay gives them. */
import { parseCef } from '@siem-relay/common'
import type { AgentLag } from '@siem-relay/control'
import { Kafka, logLevel } from 'kafkajs'
import { afterAll, beforeAll, describe, expect, inject, test, vi } from 'vitest'
import type { TopView } from '../../app/src/top/view.ts'
import { kafkaLog } from '../faults/kafka/fleet.ts'
import { idOf } from '../faults/ledger.ts'
import { Operated } from './operating/operated.ts'
import { startTenant, type Tenant } from './operating/tenant.ts'

const broker = inject('kafka')
const waiting = { timeout: 40_000, interval: 100 }
const startMs = Date.now()
const partitions = {
  'out.soc': 8,
  'raw.contoso.activities': 5,
  'raw.contoso.discovery': 4,
  discarded: 1,
  'dead-letters': 5,
}

async function makeTopics(prefix: string): Promise<void> {
  const admin = new Kafka({ brokers: [broker as string], logLevel: logLevel.NOTHING }).admin()
  await admin.connect()
  const configEntries = [{ name: 'message.timestamp.type', value: 'LogAppendTime' }]
  await admin.createTopics({
    topics: Object.entries(partitions).map(([name, numPartitions]) => ({
      topic: `${prefix}${name}`,
      numPartitions,
      configEntries,
    })),
  })
  await admin.disconnect()
}

async function busOf(log: string): Promise<object | undefined> {
  if (log !== 'Kafka') return undefined
  const { bus } = kafkaLog({ addresses: [broker as string] }).config
  await makeTopics((bus as { prefix: string }).prefix)
  return bus
}

interface Letter {
  readonly id: string
  readonly atMs: number
  readonly key: string
  readonly agent: string
  readonly code: string
}
interface Job {
  readonly id: string
  readonly state: string
  readonly records: number
  readonly replayed: number
}

const sorted = (ids: readonly string[]): readonly string[] => ids.toSorted()
const sum = (numbers: readonly number[]): number => numbers.reduce((total, one) => total + one, 0)
/** The pages of the portal that are made of topics, as each log had them. */
const pages = new Map<string, object>()

describe.skipIf(broker === undefined).each(['the embedded log', 'Kafka'])('operating on %s', (log) => {
  let tenant: Tenant
  let operated: Operated

  const linesOf = (job?: string): readonly string[] =>
    operated.soc.messages.filter((line) => parseCef(line.slice(line.indexOf('CEF:'))).extension.get('cs6') === job)
  /** Everything the tenant has, each attack once. */
  const wanted = (): number =>
    sum([tenant.activities, tenant.alerts, tenant.twins, tenant.rows].map(({ length }) => length))
  const arrived = (): Promise<void> => vi.waitFor(() => expect(linesOf()).toHaveLength(wanted()), waiting)

  beforeAll(async () => {
    tenant = await startTenant(7, startMs)
    operated = await Operated.start(tenant, await busOf(log))
    for (let wave = 0; wave < 3; wave++) {
      tenant.addActivities(4)
      await arrived()
    }
    tenant.addAlerts(5)
    tenant.addTwins(3)
    tenant.addRows(operated.inbox)
    await arrived()
  })
  afterAll(async () => {
    await operated?.[Symbol.asyncDispose]()
    await tenant?.[Symbol.asyncDispose]()
  })

  test('lag and top count the records that wait, in however many transactions they came', async () => {
    const waits = { soc: [0, 0], narrow: [0, 0], away: [0, tenant.activities.length] }
    await vi.waitFor(async () => {
      const lags = await operated.json<readonly AgentLag[]>('lag', '--over', '1')
      const pending = lags.map(({ agent, formatter, sender }) => [agent, [formatter.pending, sender.pending]])
      expect(Object.fromEntries(pending)).toEqual(waits)
    }, waiting)
    const top = await operated.json<TopView>('top', '--interval', '1')
    expect(
      Object.fromEntries(top.agents.map(({ agent, stages }) => [agent, stages.map((one) => one.pending)])),
    ).toEqual(waits)
    expect(top.sources.map(({ id, state }) => [id, state])).toEqual(
      ['contoso-mda', 'contoso-identity', 'contoso-discovery'].map((id) => [id, 'collecting']),
    )
    const { agents } = await operated.portal<{ agents: readonly AgentLag[] }>('GET', '/lag?agent=away')
    expect(agents).toMatchObject([{ agent: 'away', sender: { pending: tenant.activities.length } }])
  })

  test('live views of each stage show what comes by, without the names in it', async () => {
    using raw = await operated.tap('stage=raw')
    using out = await operated.tap('stage=out&agent=soc')
    using discarded = await operated.tap('stage=discarded')
    using letters = await operated.tap('stage=dead-letters')
    const command = operated.started('tap', 'raw', '--kind', 'activities', '--json', '--limit', '2')
    await command.saying(/^Tapping raw\.contoso\.activities/m)
    const before = tenant.activities.length
    tenant.addActivities(2)
    tenant.addTwins(1)
    tenant.addRows(operated.inbox)
    const activities = sorted(tenant.activities.slice(before))
    const twin = tenant.twins.at(-1) ?? []
    const keys = (tapped: typeof raw): readonly string[] => sorted(tapped.records.map(({ key }) => key))
    await vi.waitFor(() => {
      expect(raw.records).toHaveLength(2 + 2 + 30)
      expect(keys(raw)).toEqual(expect.arrayContaining([...activities, ...twin]))
      expect(out.records).toHaveLength(2 + 1 + 30)
      expect(keys(out)).toEqual(expect.arrayContaining([...activities]))
      expect(twin).toEqual(expect.arrayContaining([...keys(discarded)]))
      expect(discarded.records).toHaveLength(1)
      expect(keys(letters)).toEqual(activities)
    }, waiting)
    const said = await command.result
    expect(said.code).toBe(0)
    const shown = said.out.trimEnd().split('\n')
    expect(sorted(shown.map((line) => (JSON.parse(line) as { key: string }).key))).toEqual(activities)
    await arrived()

    const tapped = [raw, out, discarded, letters].flatMap(({ records }) => records)
    const everything = `${JSON.stringify(tapped)}\n${said.out}`
    const persons = linesOf().flatMap((line) => {
      const { extension } = parseCef(line.slice(line.indexOf('CEF:')))
      return ['suser', 'dvc', 'c6a1'].map((name) => extension.get(name) ?? '')
    })
    const named = [...new Set(persons)].filter((text) => text.length > 3)
    expect(named.length).toBeGreaterThan(20)
    expect(named.filter((text) => everything.includes(text))).toEqual([])
  })

  test('dead letters are listed and shown; one goes out again, once, another is dropped', async () => {
    const list = async (...more: readonly string[]): Promise<readonly Letter[]> =>
      (await operated.json<{ letters: readonly Letter[] }>('dlq', 'list', ...more)).letters
    const letters = await list()
    expect(sorted(letters.map(({ key }) => key))).toEqual(sorted(tenant.activities))
    expect(new Set(letters.map(({ agent, code }) => `${agent} ${code}`))).toEqual(
      new Set(['narrow RELAY_FRAME_TOO_LARGE']),
    )
    const paged: Letter[] = []
    for (let next: string | undefined = ''; next !== undefined; ) {
      const path = `/dead-letters?limit=5${next === '' ? '' : `&before=${next}`}`
      const page: { letters: readonly Letter[]; next?: string } = await operated.portal('GET', path)
      paged.push(...page.letters)
      next = page.next
    }
    expect(paged.map(({ id }) => id)).toEqual(letters.map(({ id }) => id))
    expect(paged.map(({ atMs }) => atMs)).toEqual(paged.map(({ atMs }) => atMs).toSorted((a, b) => b - a))

    const [first, second, third, fourth] = letters as [Letter, Letter, Letter, Letter]
    const { out: raw } = await operated.command('dlq', 'show', first.id, '--raw')
    expect(JSON.parse(raw)).toMatchObject({ _id: first.key })
    const whole = await operated.portal<{ value: string }>('GET', `/dead-letters/${first.id}`)
    expect(Buffer.from(whole.value, 'base64').toString()).toBe(raw)
    expect(await operated.command('dlq', 'retry', first.id)).toMatchObject({
      code: 1,
      err: expect.stringContaining(`${first.id} stays: it still cannot be formatted`),
    })
    expect(operated.narrow.messages).toEqual([])

    await operated.widen()
    expect(await operated.command('dlq', 'retry', first.id)).toMatchObject({ code: 0 })
    const handle = (action: string, ...ids: readonly string[]): Promise<object> =>
      operated.portal('POST', `/dead-letters/${action}`, { ids })
    expect(await handle('retry', first.id, second.id)).toMatchObject({ done: [second.id], refused: [{ id: first.id }] })
    expect(await operated.command('dlq', 'drop', third.id, '--yes')).toMatchObject({ code: 0 })
    expect(await handle('drop', third.id, fourth.id)).toMatchObject({ done: [fourth.id], refused: [{ id: third.id }] })
    const before = tenant.activities.length
    tenant.addActivities(2)
    const expected = sorted([first.key, second.key, ...tenant.activities.slice(before)])
    await vi.waitFor(() => expect(sorted(operated.narrow.messages.map(idOf))).toEqual(expected), waiting)
    await arrived()

    expect((await list()).map(({ id }) => id)).toEqual(letters.slice(4).map(({ id }) => id))
    expect(await list('--all')).toHaveLength(letters.length)
  })

  test('a replay of what was stored, and one of raw records, send each line again, in a log of any partitions', async () => {
    const live = sorted(linesOf().map(idOf))
    const job = await operated.json<Job>('replay', '--agent', 'soc', '--from', '-1h', '--mark')
    expect(job).toMatchObject({ state: 'done', records: wanted(), replayed: wanted() })
    expect(sorted(linesOf(job.id).map(idOf))).toEqual(live)

    const request = { agent: 'soc', fromMs: startMs - 60_000, toMs: Date.now(), source: 'raw', mark: true }
    const records = wanted() + tenant.twins.length
    expect(await operated.portal('POST', '/replays/count', request)).toMatchObject({ records })
    const { id } = await operated.portal<{ id: string }>('POST', '/replays', request)
    await vi.waitFor(async () => {
      const { replays } = await operated.portal<{ replays: readonly { job: Job }[] }>('GET', '/replays')
      expect(replays.find((one) => one.job.id === id)).toMatchObject({ job: { state: 'done' }, replayed: wanted() })
    }, waiting)
    expect(sorted(linesOf(id).map(idOf))).toEqual(live)
    expect(sorted(linesOf().map(idOf))).toEqual(live)
  })

  test('the pages of twins, discovery and recent records show what there is; lost views are made anew', async () => {
    const read = async (): Promise<object> => {
      const { duplicates } = await operated.portal<{
        duplicates: readonly Record<'leftOut' | 'kept', { readonly id: string }>[]
      }>('GET', '/duplicates?limit=100')
      const twins = duplicates.map(({ leftOut, kept }) => sorted([leftOut.id, kept.id]))
      const [summary, apps, users] = await Promise.all(
        ['summary', 'apps', 'users'].map((name) => operated.portal('GET', `/discovery/${name}?limit=100`)),
      )
      return { twins: twins.toSorted(), summary, apps, users }
    }
    const complete = (): Promise<object> =>
      vi.waitFor(async () => {
        const found = await read()
        expect(found).toMatchObject({
          twins: tenant.twins.map(sorted).toSorted(),
          summary: {
            events: sum(tenant.rows.map(({ TotalEvents }) => TotalEvents)),
            uploadedBytes: sum(tenant.rows.map(({ UploadedBytes }) => UploadedBytes)),
            apps: new Set(tenant.rows.map(({ AppName }) => AppName)).size,
          },
        })
        return found
      }, waiting)
    const before = await complete()
    await operated.loseViews()
    expect(await complete()).toEqual(before)

    const definition = { name: 'A draft', syslog: { host: 'siem.example', port: 514 }, activities: { enabled: true } }
    const { records } = await operated.portal<{ records: readonly { id: string; kind: string }[] }>(
      'POST',
      '/preview',
      {
        definition: { ...definition, discovery: { enabled: true } },
        limit: 2,
      },
    )
    const recent = (kind: string) => sorted(records.filter((one) => one.kind === kind).map(({ id }) => id))
    expect(recent('activity')).toEqual(sorted(tenant.activities.slice(-2)))
    expect(recent('alert')).toHaveLength(2)
    expect(recent('discovery')).toHaveLength(2)
    const { err } = await operated.command('preview', '--agent', 'soc', '--limit', '1')
    expect(Number(/^(\d+) would be sent/.exec(err)?.[1])).toBeGreaterThanOrEqual(3)
    pages.set(log, { ...before, activities: recent('activity') })
  })
})

test.skipIf(broker === undefined)('the pages are the same on either log', () => {
  expect(pages.get('the embedded log')).toBeDefined()
  expect(pages.get('Kafka')).toEqual(pages.get('the embedded log'))
})
