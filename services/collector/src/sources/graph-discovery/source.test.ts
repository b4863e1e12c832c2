import { normalize } from '@siem-relay/common'
import { describe, expect, test } from 'vitest'
import { createCollectorMetrics } from '../../metrics.ts'
import { TenantGate } from '../../tenant-gate.ts'
import {
  always,
  asked,
  configOf,
  dayMs,
  hourMs,
  minuteMs,
  oneDrive,
  opened,
  rows,
  slack,
  sumOf,
  use,
  usersOf,
} from '../../testing/graph-discovery.ts'
import { oauth, startMs } from '../../testing/harness.ts'
import { type GraphDiscoverySourceConfig, graphDiscoverySourceSchema } from './config.ts'
import { openGraphDiscoverySource } from './source.ts'

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
