/** The source between the simulator and a real embedded log, in a time that only the test moves. */
import type { Bus, BusRecord, Writer } from '@siem-relay/bus'
import { type DiscoveryRow, normalize, RelayError, readDiscoveryRow } from '@siem-relay/common'
import type { DiscoveryTraffic, Fault, FaultOptions } from '@siem-relay/simulator'
import { describe, expect, test } from 'vitest'
import { createCollectorMetrics } from '../../metrics.ts'
import { TenantGate } from '../../tenant-gate.ts'
import { Harness, type HarnessOptions, oauth, startMs } from '../../testing/harness.ts'
import { serve } from '../../testing/servers.ts'
import { type GraphDiscoverySourceConfig, graphDiscoverySourceSchema } from './config.ts'
import { openGraphDiscoverySource } from './source.ts'

const minuteMs = 60_000
const hourMs = 60 * minuteMs
const dayMs = 24 * hourMs
const marketing = { id: 's1', displayName: 'Marketing Department' }
const oneDrive = { id: '15600', displayName: 'Microsoft OneDrive for Business' }
const slack = { id: '11161', displayName: 'Slack' }
const always = { route: 'graph-discovery', times: Number.POSITIVE_INFINITY } as const

/** A harness whose simulator has one stream; tokens live for the whole test. */
async function opened(options: HarnessOptions = {}): Promise<Harness> {
  const harness = await Harness.open({
    ...options,
    simulator: { oauth: { ...oauth, tokenLifetimeSeconds: 10_000_000 }, ...options.simulator },
  })
  harness.simulator.discovery.addStream(marketing)
  return harness
}

function configOf(harness: Harness, settings: Readonly<Record<string, unknown>> = {}) {
  const auth = { type: 'oauth', ...oauth, tokenUrl: harness.simulator.tokenUrl }
  return harness.config({ type: 'graph-discovery', auth, ...settings })
}

const use = (harness: Harness, traffic: DiscoveryTraffic = {}, app: { readonly id: string } = oneDrive): void =>
  harness.simulator.discovery.addTraffic('s1', app, traffic)

async function rows(harness: Harness): Promise<readonly DiscoveryRow[]> {
  return (await harness.raw('discovery')).map(rowOf)
}

function rowOf(record: BusRecord): DiscoveryRow {
  const reading = readDiscoveryRow(JSON.parse(record.value.toString()))
  if ('problems' in reading) throw new Error(reading.problems.join('; '))
  expect(reading.recordId).toBe(record.key)
  return reading.row
}

type Sum = 'TotalEvents' | 'UploadedBytes' | 'DownloadedBytes'
const sumOf = (all: readonly DiscoveryRow[], column: Sum): number =>
  all.reduce((sum, row) => sum + (row[column] ?? 0), 0)
const usersOf = (all: readonly DiscoveryRow[]): readonly string[] =>
  all.flatMap(({ UserName }) => UserName ?? []).sort()
const asked = (harness: Harness, part: string): number =>
  harness.simulator.requests.filter(({ route, path }) => route === 'graph-discovery' && path.includes(part)).length

describe('a first sweep', () => {
  test('brings the sums of every app at once, and who used it, as rows of the table', async () => {
    await using harness = await opened()
    use(harness, { uploadedBytes: 1_514_874, downloadedBytes: 2_552_911, transactions: 122 })
    use(harness, { user: 'raegan@contoso.example', ipAddress: '127.0.0.1', transactions: 0 }, {
      ...oneDrive,
      category: 'cloudStorage',
      tags: ['Sanctioned'],
      riskScore: 10,
    } as { id: string })
    const running = await harness.start(configOf(harness))
    const shared = {
      SourceSystem: 'Azure',
      TimeGenerated: '2026-01-15T12:00:00.000Z',
      StreamName: 'Marketing Department',
      AppName: 'Microsoft OneDrive for Business',
      AppId: 15_600,
      AppCategory: 'Cloud storage',
      AppTags: ['Sanctioned'],
      AppScore: 10,
      Type: 'McasShadowItReporting',
    }
    const sums = { TotalEvents: 122, UploadedBytes: 1_514_874, TotalBytes: 4_067_785, DownloadedBytes: 2_552_911 }
    const all = await rows(harness)
    expect(all).toHaveLength(3)
    expect(all).toEqual(
      expect.arrayContaining([
        { ...shared, ...sums },
        { ...shared, UserName: 'raegan@contoso.example' },
        { ...shared, IpAddress: '127.0.0.1' },
      ]),
    )
    expect(running.status()[0]).toMatchObject({
      state: 'collecting',
      streams: [{ kind: 'discovery', hasSucceeded: true, watermarkMs: startMs, lastError: undefined }],
    })
  })

  test('leaves records that become events as they are', async () => {
    await using harness = await opened()
    use(harness)
    await harness.start(configOf(harness, { tenant: 'group' }))
    const [record] = await harness.raw('discovery', 'group')
    const { key = '', value = Buffer.alloc(0), headers = {} } = record ?? {}
    expect(headers).toEqual({
      source: 'contoso',
      tenant: 'group',
      kind: 'discovery',
      shape: 'discovery-row',
      'received-ms': String(startMs),
    })
    const event = normalize({
      body: value,
      kind: 'discovery',
      shape: headers.shape,
      tenant: 'group',
      source: 'contoso',
    })
    expect(event).toMatchObject({ kind: 'discovery', id: key, timestampMs: startMs })
  })

  test('asks as the reference says, the sums of all streams before any list', async () => {
    await using harness = await opened()
    harness.simulator.discovery.addStream({ id: 's2' })
    use(harness)
    harness.simulator.discovery.addTraffic('s2', slack)
    await harness.start(configOf(harness))
    const root = '/beta/security/dataDiscovery/cloudAppDiscovery/uploadedStreams'
    const apps = "microsoft.graph.security.aggregatedAppsDetails(period=duration'P7D')"
    const paths = harness.simulator.requests.flatMap(({ route, path }) => (route === 'graph-discovery' ? [path] : []))
    expect(paths).toEqual([root, `${root}/s1/${apps}`, `${root}/s2/${apps}`])
    use(harness, { user: 'a', ipAddress: '10.0.0.1' })
    await harness.pass(hourMs, 10 * minuteMs)
    expect(asked(harness, `${apps}/15600/users`)).toBe(1)
    expect(asked(harness, `${apps}/15600/ipAddresses`)).toBe(1)
  })

  test.each([
    [{ apps: 'aggregatedAppsDetails', ipAddresses: 'ipAddress' }],
    [{ streams: '/beta/dataDiscovery/cloudAppDiscovery/uploadedStreams' }],
  ])('understands that the paths are %j', async (paths) => {
    await using harness = await opened()
    use(harness, { user: 'a', ipAddress: '10.0.0.1' })
    await harness.start(configOf(harness, { paths, period: 'P30D' }))
    expect(await rows(harness)).toHaveLength(3)
  })

  test('takes pages to their end', async () => {
    await using harness = await opened({ simulator: { discoveryPageMax: 40 } })
    for (let n = 0; n < 90; n++) use(harness, {}, { id: `${n}` })
    for (let n = 0; n < 130; n++) use(harness, { user: `user ${n}` })
    await harness.start(configOf(harness))
    await harness.pass(2 * minuteMs)
    const all = await rows(harness)
    expect(usersOf(all)).toHaveLength(130)
    expect(all.filter(({ TotalEvents }) => TotalEvents !== undefined)).toHaveLength(91)
  })

  test('does not read what is not wanted', async () => {
    await using harness = await opened()
    harness.simulator.discovery.addStream({ id: 's2', displayName: 'Sales' })
    harness.simulator.discovery.addTraffic('s2', slack, { user: 'b', ipAddress: '10.0.0.2' })
    use(harness, { user: 'a', ipAddress: '10.0.0.1' })
    await harness.start(configOf(harness, { streams: ['Sales'], users: false }))
    const all = await rows(harness)
    expect(all.map(({ StreamName }) => StreamName)).toEqual(['Sales', 'Sales'])
    expect([usersOf(all), asked(harness, '/users')]).toEqual([[], 0])
  })
})

describe('reading again', () => {
  test('adds nothing, however often', async () => {
    await using harness = await opened()
    use(harness, { user: 'a', ipAddress: '10.0.0.1' })
    use(harness, { user: 'b' }, slack)
    await harness.start(configOf(harness))
    const before = await harness.rawIds('discovery')
    expect(before).toHaveLength(5)
    await harness.pass(5 * hourMs, 10 * minuteMs)
    await harness.restart(configOf(harness))
    await harness.pass(hourMs, 10 * minuteMs)
    expect(asked(harness, 'aggregatedAppsDetails')).toBeGreaterThan(7)
    expect(await harness.rawIds('discovery')).toEqual(before)
    expect(await harness.metric('siem_relay_records_received_total', { kind: 'discovery' })).toBe(0)
  })

  test('adds what came on top, and who is new', async () => {
    await using harness = await opened()
    use(harness, { uploadedBytes: 10, user: 'a' })
    await harness.start(configOf(harness))
    await harness.pass(30 * minuteMs, 10 * minuteMs)
    use(harness, { uploadedBytes: 5, user: 'a' })
    use(harness, { uploadedBytes: 2, user: 'b' })
    await harness.pass(31 * minuteMs, minuteMs)
    const all = await rows(harness)
    expect(all.flatMap(({ UploadedBytes }) => UploadedBytes ?? []).sort()).toEqual([10, 7])
    expect(usersOf(all)).toEqual(['a', 'b'])
    const growth = all.find(({ UploadedBytes }) => UploadedBytes === 7)
    expect(growth).toMatchObject({ TotalEvents: 2, TimeGenerated: '2026-01-15T12:30:00.000Z' })
    expect(await harness.metric('siem_relay_records_received_total', { kind: 'discovery' })).toBe(4)
  })

  test('two growths that say the same are two rows', async () => {
    await using harness = await opened()
    const app = { ...oneDrive, lastSeenDateTime: '2026-01-15T11:00:00Z' }
    use(harness, { uploadedBytes: 5 }, app)
    await harness.start(configOf(harness))
    use(harness, { uploadedBytes: 5 }, app)
    await harness.pass(61 * minuteMs, 10 * minuteMs)
    expect(await rows(harness)).toHaveLength(2)
    expect(new Set(await harness.rawIds('discovery')).size).toBe(2)
  })

  test('tells nothing when sums fall, and counts from the lower ones on', async () => {
    await using harness = await opened()
    use(harness, { atMs: startMs - 7 * dayMs + 30 * minuteMs, uploadedBytes: 100 })
    use(harness, { uploadedBytes: 1 })
    await harness.start(configOf(harness))
    await harness.pass(65 * minuteMs, 5 * minuteMs)
    use(harness, { uploadedBytes: 3 })
    await harness.pass(hourMs, 10 * minuteMs)
    expect((await rows(harness)).flatMap(({ UploadedBytes }) => UploadedBytes ?? []).sort((a, b) => b - a)).toEqual([
      101, 3,
    ])
  })

  test('forgets an app that left the window; when it comes back it is new, with its users', async () => {
    await using harness = await opened()
    use(harness, { uploadedBytes: 4, user: 'a' })
    use(harness, { atMs: startMs + 6 * dayMs }, slack)
    await harness.start(configOf(harness, { pollInterval: 'P1D', ipAddresses: false }))
    await harness.pass(11 * dayMs, 6 * hourMs)
    expect(usersOf(await rows(harness))).toEqual(['a'])
    use(harness, { uploadedBytes: 4, user: 'a' })
    await harness.pass(dayMs, 6 * hourMs)
    const all = (await rows(harness)).filter(({ AppId }) => AppId === 15_600)
    expect([usersOf(all), sumOf(all, 'UploadedBytes'), all.length]).toEqual([['a', 'a'], 8, 4])
    expect(new Set(await harness.rawIds('discovery')).size).toBe((await rows(harness)).length)
  })

  test('with another period tells no growth at first, only what comes after', async () => {
    await using harness = await opened()
    use(harness, { atMs: startMs - 20 * dayMs, uploadedBytes: 100 })
    use(harness, { uploadedBytes: 1 })
    await harness.start(configOf(harness))
    const longer = configOf(harness, { period: 'P30D' })
    await harness.restart(longer)
    use(harness, { uploadedBytes: 2 })
    await harness.pass(hourMs, 10 * minuteMs)
    expect((await rows(harness)).flatMap(({ UploadedBytes }) => UploadedBytes ?? []).sort()).toEqual([1, 2])
  })

  test.each(['app', 'stream'])('one answer without the %s does not make it new', async (what) => {
    await using harness = await opened()
    use(harness, { uploadedBytes: 4, user: 'a', ipAddress: '10.0.0.1' })
    await harness.start(configOf(harness))
    const before = await harness.rawIds('discovery')
    const path = what === 'app' ? "'P7D')" : ''
    harness.simulator.faults.add({ type: 'no-items' }, { route: 'graph-discovery', path })
    await harness.pass(3 * hourMs, 10 * minuteMs)
    expect(harness.simulator.faults.waiting).toBe(0)
    expect(await harness.rawIds('discovery')).toEqual(before)
  })
})

describe('rows of Cloud Discovery', () => {
  test('hold what is known when everything else is null', async () => {
    await using harness = await opened()
    use(harness, { user: 'a' })
    harness.simulator.faults.add({ type: 'nulls' }, { ...always, path: "'P7D')" })
    await harness.start(configOf(harness, { users: false, ipAddresses: false }))
    await harness.pass(2 * hourMs, 10 * minuteMs)
    expect(await rows(harness)).toEqual([
      {
        SourceSystem: 'Azure',
        TimeGenerated: '2026-01-15T12:00:00.000Z',
        StreamName: 'Marketing Department',
        AppName: '15600',
        AppId: 15_600,
        Type: 'McasShadowItReporting',
      },
    ])
  })

  test('survive fields nobody knows, names nobody should have, and ids that are no numbers', async () => {
    await using harness = await opened()
    const long = 'x'.repeat(200_000)
    const users = ['a\r\nCEF:0|evil|', 'b|c=d\\', `${long}1`, `${long}2`, '\u202edcba', '{"a":1}', "O'Neil"]
    harness.simulator.discovery.addStream({ id: '../../s é?#', displayName: 'a\r\nb', unheardOf: { deep: [null] } })
    const app = { id: 'app/1?#', displayName: long, tags: [null, 'own', 7, {}], riskScore: 11, unheardOf: true }
    for (const user of users) harness.simulator.discovery.addTraffic('../../s é?#', app, { user })
    const running = await harness.start(configOf(harness, { ipAddresses: false }))
    const all = await rows(harness)
    expect(usersOf(all)).toHaveLength(users.length)
    for (const user of users.filter((name) => name.length < 1_000)) expect(usersOf(all)).toContain(user)
    expect(all[0]).toMatchObject({ StreamName: 'a\r\nb', AppTags: ['own', '7'] })
    for (const row of all) {
      expect([row.AppId, row.AppScore, row.AppName?.length]).toEqual([undefined, undefined, 1_024])
      expect(Buffer.byteLength(JSON.stringify(row))).toBeLessThan(10_000)
    }
    await harness.pass(2 * hourMs, 10 * minuteMs)
    expect(await rows(harness)).toHaveLength(all.length)
    expect(running.status()[0]?.state).toBe('collecting')
  })

  test('bear the time of last use where it tells more than the time of reading', async () => {
    await using harness = await opened()
    const seen = (lastSeenDateTime: string | null) => ({ ...slack, lastSeenDateTime }) as { id: string }
    use(harness, { uploadedBytes: 1 }, seen('2026-01-14T09:00:00Z'))
    await harness.start(configOf(harness))
    for (const time of ['2026-01-15T12:30:00.5Z', '2026-01-15T09:00:00Z', '2027-01-01T00:00:00Z', null]) {
      use(harness, { uploadedBytes: 1 }, seen(time))
      await harness.pass(hourMs, 10 * minuteMs)
    }
    const times = (await rows(harness)).map(({ TimeGenerated }) => TimeGenerated).sort()
    expect(times).toEqual([
      '2026-01-14T09:00:00.000Z',
      '2026-01-15T12:30:00.500Z',
      '2026-01-15T14:00:00.000Z',
      '2026-01-15T15:00:00.000Z',
      '2026-01-15T16:00:00.000Z',
    ])
  })

  test('name the first 20,000 users of an app and tell that there are more', async () => {
    await using harness = await opened({ simulator: { discoveryPageMax: 5_000 } })
    for (let n = 0; n < 20_003; n++) use(harness, { user: `user ${n}`, transactions: 0 })
    await harness.start(configOf(harness, { ipAddresses: false }))
    await harness.pass(minuteMs)
    const count = (await rows(harness)).length
    expect(count).toBe(20_001)
    const leftOut = await harness.metric('siem_relay_discovery_left_out_total', { subject: 'user' })
    expect(leftOut).toBeGreaterThan(0)
    use(harness, { user: 'user 7', transactions: 0, uploadedBytes: 1 })
    await harness.pass(hourMs, 10 * minuteMs)
    expect((await rows(harness)).length).toBe(count + 1)
  })
})

describe('bounds', () => {
  test('of streams, apps and names are kept, and what is beyond is counted', async () => {
    await using harness = await opened()
    const { discovery } = harness.simulator
    for (const stream of ['s2', 's3']) discovery.addStream({ id: stream })
    for (const stream of ['s1', 's2', 's3'])
      for (let n = 0; n < 4; n++)
        for (const user of ['a', 'b', 'c']) discovery.addTraffic(stream, { id: `${n}` }, { user, uploadedBytes: 1 })
    const auth = { type: 'oauth', ...oauth, tokenUrl: harness.simulator.tokenUrl }
    const config: GraphDiscoverySourceConfig = graphDiscoverySourceSchema.parse({
      id: 'contoso',
      type: 'graph-discovery',
      url: harness.simulator.url,
      auth,
    })
    const { world } = harness
    const metrics = createCollectorMetrics(world.metrics)
    const gate = new TenantGate({ requestsPerMinute: 150, clock: world.clock, random: world.random })
    const context = { world, metrics, gate, env: {}, userAgent: 'test' }
    const limits = { streamsMax: 2, appsMax: 5, namesMax: 2, allNamesMax: 7 }
    const stopping = new AbortController()
    const running = openGraphDiscoverySource(config, context, limits).run(stopping.signal)
    await harness.quiet()
    await harness.pass(2 * hourMs, 10 * minuteMs)
    stopping.abort()
    await running
    const all = await rows(harness)
    expect(new Set(all.map(({ StreamName }) => StreamName))).toEqual(new Set(['Marketing Department', 's2']))
    expect([all.filter(({ TotalEvents }) => TotalEvents === 3).length, usersOf(all).length, all.length]).toEqual([
      5, 7, 12,
    ])
    for (const subject of ['stream', 'app', 'user'])
      expect(await harness.metric('siem_relay_discovery_left_out_total', { subject })).toBeGreaterThan(0)
  })
})

describe('a sweep that is cut off', () => {
  test.each([1, 2, 3, 4, 5, 6])('at any commit loses nothing and repeats nothing (seed %i)', async (seed) => {
    const random = randomOf(seed)
    let isDying = true
    const dying = (commit: () => Promise<void>) => async (): Promise<void> => {
      const fate = isDying ? random() : 1
      if (fate < 0.12) throw new RelayError('RELAY_BUS_FENCED', 'somebody else took over')
      await commit()
      if (fate < 0.24) throw new RelayError('RELAY_BUS_FENCED', 'somebody else took over')
    }
    await using harness = await opened({
      wrapBus: (bus) => withCommits(bus, dying),
      simulator: { discoveryPageMax: 4, graphRequestsPerMinute: 1_000 },
    })
    harness.simulator.discovery.addStream({ id: 's2' })
    const told = new Map<string, number>()
    const users = new Set<string>()
    function useSome(): void {
      for (let n = 0; n < 12; n++) {
        const [stream, app, user] = [
          random() < 0.5 ? 's1' : 's2',
          `${Math.floor(random() * 9)}`,
          `u${Math.floor(random() * 30)}`,
        ]
        const uploadedBytes = Math.floor(random() * 100)
        harness.simulator.discovery.addTraffic(stream, { id: app }, { user, uploadedBytes, transactions: 0 })
        told.set(`${stream} ${app}`, (told.get(`${stream} ${app}`) ?? 0) + uploadedBytes)
        users.add(`${stream} ${app} ${user}`)
      }
    }
    useSome()
    await harness.start(configOf(harness, { pollInterval: 'PT10M', requestsPerMinute: 1_000 }))
    for (let n = 0; n < 12; n++) {
      useSome()
      await harness.pass(10 * minuteMs, 5_000 + Math.floor(random() * 60_000))
    }
    isDying = false
    await harness.pass(30 * minuteMs, minuteMs)
    const all = await rows(harness)
    const stream = (row: DiscoveryRow): string => (row.StreamName === 's2' ? 's2' : 's1')
    const sums = Map.groupBy(all, (row) => `${stream(row)} ${row.AppId}`)
    expect(new Map(Array.from(sums, ([app, of]) => [app, sumOf(of, 'UploadedBytes')]))).toEqual(told)
    const seen = all.flatMap((row) =>
      row.UserName === undefined ? [] : [`${stream(row)} ${row.AppId} ${row.UserName}`],
    )
    expect(seen.sort()).toEqual([...users].sort())
    expect(new Set(await harness.rawIds('discovery')).size).toBe(all.length)
  })

  test('goes on when the process ends without warning in the middle of it', async () => {
    await using harness = await opened({ simulator: { discoveryPageMax: 10, graphRequestsPerMinute: 10 } })
    const config = configOf(harness, { requestsPerMinute: 10, ipAddresses: false })
    for (let n = 0; n < 60; n++) use(harness, { uploadedBytes: 1, user: 'a' }, { id: `${n}` })
    await harness.start(config)
    await harness.pass(3 * minuteMs)
    const before = usersOf(await rows(harness)).length
    expect(before).toBeGreaterThan(5)
    expect(before).toBeLessThan(60)
    await harness.restart(config)
    await harness.pass(10 * minuteMs)
    const all = await rows(harness)
    expect([sumOf(all, 'UploadedBytes'), usersOf(all).length, all.length]).toEqual([60, 60, 120])
  })

  test('waits while the log takes nothing', async () => {
    let isFull = false
    const filling = (commit: () => Promise<void>) => async (): Promise<void> => {
      if (isFull) throw new RelayError('RELAY_LOG_FULL', 'no room')
      await commit()
    }
    await using harness = await opened({ wrapBus: (bus) => withCommits(bus, filling) })
    use(harness, { uploadedBytes: 1 })
    const running = await harness.start(configOf(harness))
    isFull = true
    use(harness, { uploadedBytes: 1 })
    await harness.pass(2 * hourMs, 10 * minuteMs)
    expect(running.status()[0]).toMatchObject({ state: 'waiting', lastError: { code: 'RELAY_LOG_FULL' } })
    isFull = false
    await harness.pass(hourMs, minuteMs)
    expect(sumOf(await rows(harness), 'UploadedBytes')).toBe(2)
    expect(running.status()[0]?.state).toBe('collecting')
  })
})

describe('faults of Graph', () => {
  const cases: readonly (readonly [name: string, fault: Fault, options: FaultOptions])[] = [
    ['500', { type: 'server-error' }, { times: 5 }],
    ['502 with HTML', { type: 'bad-gateway' }, { times: 3 }],
    ['503', { type: 'unavailable' }, { times: 3 }],
    ['200 with HTML', { type: 'html' }, { times: 2 }],
    ['200 with null', { type: 'null' }, { times: 2 }],
    ['200 with {}', { type: 'empty-object' }, { times: 2 }],
    ['200 with nothing', { type: 'empty-body' }, { times: 2 }],
    ['JSON cut short', { type: 'truncate', contentLength: 'correct' }, { times: 3, after: 1 }],
    ['a body shorter than announced', { type: 'truncate', contentLength: 'too-large' }, { times: 3, after: 2 }],
    ['a reset in the body', { type: 'reset' }, { times: 3 }],
    ['a gzip body', { type: 'gzip' }, { times: 6 }],
    ['apps twice in a page', { type: 'duplicate-ids' }, { times: 6 }],
    ['pages out of order', { type: 'shuffle' }, { times: 6 }],
    ['a link to another host', { type: 'foreign-link', host: 'evil.example' }, { times: 3 }],
    ['429 without Retry-After', { type: 'throttle' }, { times: 3 }],
    ['429 with Retry-After', { type: 'throttle', retryAfter: { seconds: 20 } }, { times: 2, after: 3 }],
    ['a token that died', { type: 'token-expired' }, { times: 1, after: 2 }],
    ['credentials refused twice', { type: 'token-expired' }, { times: 2 }],
    ['403 for a while', { type: 'forbidden' }, { times: 2 }],
    ['404 for a while', { type: 'not-found' }, { times: 2, after: 1 }],
  ]

  test.each(cases)('%s: in the end everything is there once', async (_, fault, options) => {
    await using harness = await opened({ simulator: { discoveryPageMax: 3 } })
    for (let n = 0; n < 8; n++) use(harness, { uploadedBytes: 1, user: `u${n}` }, { id: `${n % 4}` })
    harness.simulator.faults.add(fault, { route: 'graph-discovery', ...options })
    const running = await harness.start(configOf(harness, { pollInterval: 'PT15M' }))
    await harness.passUntil(() => harness.simulator.faults.waiting === 0, hourMs, 5_000)
    // Unpacking goes on beside the clock.
    for (let n = 0; n < 60 && (await rows(harness)).length < 12; n++) await harness.pass(5 * minuteMs, minuteMs)
    await harness.pass(hourMs, minuteMs)
    const all = await rows(harness)
    expect([sumOf(all, 'UploadedBytes'), usersOf(all).length, all.length]).toEqual([8, 8, 12])
    expect(running.status()[0]).toMatchObject({ state: 'collecting', lastError: undefined })
    expect(harness.simulator.violations).toEqual([])
  })

  test.each([
    ['forbidden', 'error', 'RELAY_SOURCE_AUTH'],
    ['not-found', 'error', 'RELAY_SOURCE_REQUEST'],
    ['server-error', 'waiting', 'RELAY_SOURCE_UNAVAILABLE'],
  ] as const)('%s for one stream is told and stops no other', async (type, state, code) => {
    await using harness = await opened()
    harness.simulator.discovery.addStream({ id: 's2', displayName: 'Sales' })
    harness.simulator.discovery.addTraffic('s2', slack, { uploadedBytes: 1, user: 'b' })
    use(harness, { uploadedBytes: 1, user: 'a' })
    harness.simulator.faults.add({ type }, { ...always, path: '/s1/' })
    const running = await harness.start(configOf(harness))
    await harness.pass(hourMs, minuteMs)
    harness.simulator.discovery.addTraffic('s2', slack, { uploadedBytes: 1, user: 'c' })
    await harness.pass(hourMs, minuteMs)
    expect(usersOf(await rows(harness))).toEqual(['b', 'c'])
    const [status] = running.status()
    expect(status).toMatchObject({
      state,
      lastError: { code, message: expect.stringContaining('Marketing Department') },
    })
    expect(status?.streams[0]?.watermarkMs).toBeUndefined()
    // No more than every quarter of an hour once it lasts.
    expect(asked(harness, '/s2/')).toBeLessThan(30)
    harness.simulator.faults.clear()
    await harness.pass(hourMs, minuteMs)
    expect(usersOf(await rows(harness))).toEqual(['a', 'b', 'c'])
    expect(running.status()[0]).toMatchObject({ state: 'collecting', lastError: undefined })
  })

  test('an app whose users cannot be read keeps no other waiting', async () => {
    await using harness = await opened()
    for (let n = 0; n < 20; n++) use(harness, { user: 'a' }, { id: `${n}` })
    harness.simulator.faults.add({ type: 'server-error' }, { ...always, path: "'P7D')/7/users" })
    const running = await harness.start(configOf(harness, { ipAddresses: false }))
    await harness.pass(2 * hourMs, minuteMs)
    expect(usersOf(await rows(harness))).toHaveLength(19)
    expect(running.status()[0]).toMatchObject({
      state: 'waiting',
      lastError: { message: expect.stringContaining('App 7') },
    })
    harness.simulator.faults.clear()
    await harness.pass(2 * hourMs, minuteMs)
    expect(usersOf(await rows(harness))).toHaveLength(20)
    expect(running.status()[0]?.lastError).toBeUndefined()
  })

  test('lists that are nowhere to be found are given up after five apps, and the others are read', async () => {
    await using harness = await opened()
    for (let n = 0; n < 20; n++) use(harness, { user: 'a', ipAddress: '10.0.0.1' }, { id: `${n}` })
    harness.simulator.faults.add({ type: 'not-found' }, { ...always, path: '/ipAddresses' })
    await harness.start(configOf(harness))
    await harness.pass(30 * minuteMs, minuteMs)
    expect(usersOf(await rows(harness))).toHaveLength(20)
    expect(asked(harness, '/ipAddresses')).toBe(5)
  })

  test('a role that is missing is named with what to do', async () => {
    await using harness = await opened({ simulator: { oauth: { ...oauth, graphRoles: ['SecurityAlert.Read.All'] } } })
    const running = await harness.start(configOf(harness))
    expect(running.status()[0]).toMatchObject({
      state: 'error',
      lastError: { code: 'RELAY_SOURCE_AUTH', nextMove: expect.stringContaining('CloudApp-Discovery.Read.All') },
    })
    await harness.pass(hourMs, minuteMs)
    expect(asked(harness, '')).toBeLessThan(10)
  })

  test('a stream that is not there is named, with those that are', async () => {
    await using harness = await opened()
    use(harness)
    const running = await harness.start(configOf(harness, { streams: ['marketing', 's1'] }))
    expect(await rows(harness)).toHaveLength(1)
    expect(running.status()[0]).toMatchObject({
      state: 'error',
      lastError: { message: 'no uploaded stream is called "marketing"; there are "Marketing Department"' },
    })
  })

  test.each([
    ['another host', 'http://127.0.0.1:1/next', 'RELAY_SOURCE_RESPONSE'],
    ['no URL', 'next', 'RELAY_SOURCE_RESPONSE'],
    ['itself', undefined, 'RELAY_SOURCE_NO_PROGRESS'],
  ])('a next page at %s is not read', async (_, link, code) => {
    await using harness = await opened()
    await using server = await serve((request, response) => {
      const next = link ?? `http://127.0.0.1:${server.port}${request.url}`
      response.setHeader('content-type', 'application/json')
      response.end(JSON.stringify({ value: [], '@odata.nextLink': next }))
    })
    const running = await harness.start(configOf(harness, { url: `http://127.0.0.1:${server.port}` }))
    await harness.passUntil(() => running.status()[0]?.lastError?.code === code, 5 * minuteMs)
    expect(await rows(harness)).toEqual([])
  })

  test('the age of the checkpoint counts from when the next sweep is due', async () => {
    await using harness = await opened()
    const age = () => harness.metric('siem_relay_checkpoint_age_seconds', { kind: 'discovery' })
    await harness.start(configOf(harness))
    await harness.pass(59 * minuteMs, 10 * minuteMs)
    expect(await age()).toBe(0)
    harness.simulator.faults.add({ type: 'server-error' }, always)
    await harness.pass(2 * hourMs, 10 * minuteMs)
    expect(await age()).toBeGreaterThan(1.5 * 3_600)
    expect(await harness.metric('siem_relay_budget_remaining', { api: 'graph' })).toBeGreaterThan(0)
  })
})

/** Small, seeded, good enough to vary what a test does. */
function randomOf(seed: number): () => number {
  let state = seed
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 2 ** 32
  }
}

/** A bus whose writers commit as told. */
function withCommits(bus: Bus, wrap: (commit: () => Promise<void>) => () => Promise<void>): Bus {
  const wrapped = (writer: Writer): Writer => ({
    state: writer.state,
    commit: (changes) => wrap(() => writer.commit(changes))(),
    [Symbol.asyncDispose]: () => writer[Symbol.asyncDispose](),
  })
  return new Proxy(bus, {
    get: (target, name) => {
      if (name === 'writer') return async (...args: Parameters<Bus['writer']>) => wrapped(await target.writer(...args))
      const value: unknown = Reflect.get(target, name, target)
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
}
