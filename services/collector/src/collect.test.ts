import { rawHeaders } from '@siem-relay/common'
import { createGenerator } from '@siem-relay/simulator'
import { describe, expect, test } from 'vitest'
import { Harness, oauth, startMs } from './testing/harness.ts'

const minuteMs = 60_000
const hourMs = 60 * minuteMs
const make = createGenerator(1)

/** Ids of everything the simulator holds. */
const ids = (harness: Harness, kind: 'alerts' | 'activities'): string[] =>
  (kind === 'alerts' ? harness.simulator.store.all('alerts') : harness.simulator.store.all('activities'))
    .map((record) => record._id)
    .sort()

describe('collector', () => {
  test('takes what the last two days hold, each record once, as received', async () => {
    await using harness = await Harness.open()
    const { store } = harness.simulator
    for (let i = 0; i < 250; i++) store.addAlert(make.alert(startMs - 48 * hourMs + 1 + i * 600_000))
    for (let i = 0; i < 700; i++)
      store.addActivity(make.activity(startMs - 47 * hourMs + i * 200_000, startMs - 47 * hourMs + i * 200_000 + 500))
    const expected = ids(harness, 'alerts')
    store.addAlert({ ...make.alert(startMs - 49 * hourMs), _id: 'too-old' })
    const running = await harness.start()
    await harness.pass(60_000)
    expect(running.status()[0]).toMatchObject({
      id: 'contoso',
      tenant: 'contoso',
      state: 'collecting',
      lastError: undefined,
    })
    expect(await harness.rawIds('alerts')).toEqual(expected)
    expect(await harness.rawIds('activities')).toEqual(ids(harness, 'activities'))
    const [record] = await harness.raw('alerts')
    expect(JSON.parse(record?.value.toString() ?? '')).toEqual(store.all('alerts').find((a) => a._id === record?.key))
    expect(record?.headers).toEqual({
      [rawHeaders.source]: 'contoso',
      [rawHeaders.tenant]: 'contoso',
      [rawHeaders.kind]: 'alerts',
      [rawHeaders.receivedMs]: String(startMs),
      [rawHeaders.portalUrl]: harness.simulator.url,
    })
    expect(await harness.metric('siem_relay_records_received_total', { kind: 'activities' })).toBe(700)
  })

  test('asks as the API documents it', async () => {
    await using harness = await Harness.open({ simulator: { pathPrefix: '/cas' } })
    await harness.start()
    expect(harness.simulator.requests.map(({ method, path, body }) => ({ method, path, body }))).toEqual([
      {
        method: 'POST',
        path: '/api/v1/alerts/',
        body: {
          filters: { date: { gte: startMs - 48 * hourMs } },
          sortField: 'date',
          sortDirection: 'asc',
          skip: 0,
          limit: 100,
        },
      },
      {
        method: 'POST',
        path: '/api/v1/activities/',
        body: {
          filters: { created: { gte: startMs - 48 * hourMs } },
          sortField: 'created',
          sortDirection: 'asc',
          limit: 1_000,
          isScan: true,
        },
      },
    ])
  })

  test.each([true, false])('loses none of 250 records that share a millisecond (scan mode: %s)', async (scan) => {
    await using harness = await Harness.open({ simulator: { scanLimitMax: 100 } })
    const { store } = harness.simulator
    const tieMs = startMs - hourMs
    for (let i = 0; i < 30; i++) store.addActivity(make.activity(tieMs - 1_000 + i, tieMs - 1_000 + i))
    for (let i = 0; i < 250; i++) {
      store.addActivity(make.activity(tieMs, tieMs))
      store.addAlert(make.alert(tieMs))
    }
    for (let i = 1; i < 30; i++) store.addActivity(make.activity(tieMs + i, tieMs + i))
    await harness.start(harness.config({ scan }))
    await harness.pass(2 * minuteMs)
    expect(await harness.rawIds('alerts')).toEqual(ids(harness, 'alerts'))
    expect(await harness.rawIds('activities')).toEqual(ids(harness, 'activities'))
  })

  test('takes what arrives while it runs, each record once', async () => {
    await using harness = await Harness.open()
    const running = await harness.start()
    for (let i = 0; i < 40; i++) {
      const nowMs = harness.clock.nowMs()
      harness.simulator.store.addActivity(make.activity(nowMs - 5_000, nowMs))
      harness.simulator.store.addAlert(make.alert(nowMs - 1_000))
      await harness.pass(5_000)
    }
    await harness.pass(15_000)
    expect(await harness.rawIds('activities')).toEqual(ids(harness, 'activities'))
    expect(await harness.rawIds('alerts')).toEqual(ids(harness, 'alerts'))
    const [alerts, activities] = running.status()[0]?.streams ?? []
    for (const stream of [alerts, activities]) {
      expect(stream?.watermarkMs).toBeLessThanOrEqual(harness.clock.nowMs() - 120_000)
      expect(stream?.watermarkMs).toBeGreaterThan(harness.clock.nowMs() - 150_000)
    }
  })

  test('finds alerts that appear hours late, and counts them', async () => {
    await using harness = await Harness.open()
    await harness.start(harness.config({ pollSeconds: 300 }))
    await harness.pass(minuteMs)
    const { store } = harness.simulator
    store.addAlert({ ...make.alert(startMs - 5 * hourMs), _id: 'hours-late' })
    store.addAlert({ ...make.alert(startMs - 40 * hourMs), _id: 'a-day-late' })
    await harness.pass(10 * minuteMs, 10_000)
    expect(await harness.rawIds('alerts')).toEqual(['hours-late'])
    await harness.pass(6 * hourMs, 5 * minuteMs)
    expect(await harness.rawIds('alerts')).toEqual(['a-day-late', 'hours-late'])
    expect(await harness.metric('siem_relay_source_late_records_total', { kind: 'alerts' })).toBe(2)
  })

  test('takes activities by when they were saved, however long ago they happened', async () => {
    await using harness = await Harness.open()
    await harness.start()
    await harness.pass(minuteMs)
    harness.simulator.store.addActivity(make.activity(startMs - 200 * hourMs, harness.clock.nowMs()))
    await harness.pass(15_000)
    expect(await harness.rawIds('activities')).toEqual(ids(harness, 'activities'))
  })

  test('finds activities that were saved within the last hour and appeared late', async () => {
    await using harness = await Harness.open()
    await harness.start(harness.config({ pollSeconds: 60 }))
    await harness.pass(minuteMs)
    harness.simulator.store.addActivity(make.activity(startMs - 50 * minuteMs, startMs - 20 * minuteMs))
    await harness.pass(31 * minuteMs, 60_000)
    expect(await harness.rawIds('activities')).toEqual(ids(harness, 'activities'))
  })

  test('resumes inside a sweep: a restart loses nothing, repeats nothing and does not begin anew', async () => {
    await using harness = await Harness.open({ simulator: { requestsPerMinute: 10 } })
    const { store } = harness.simulator
    for (let i = 0; i < 3_000; i++) store.addAlert(make.alert(startMs - 40 * hourMs + i * 40_000))
    const config = harness.config({ requestsPerMinute: 10, collect: { activities: false } })
    await harness.start(config)
    await harness.passUntil(() => harness.simulator.requests.length > 20, 5 * minuteMs)
    const before = (await harness.raw('alerts')).length
    expect(before).toBeGreaterThan(1_000)
    expect(before).toBeLessThan(3_000)
    const asked = harness.simulator.requests.length
    await harness.pass(minuteMs)
    await harness.restart(config)
    await harness.pass(5 * minuteMs)
    expect(await harness.rawIds('alerts')).toEqual(ids(harness, 'alerts'))
    const bounds = harness.simulator.requests.slice(asked, asked + 5).map((r) => r.body.filters) as {
      date: { gte: number }
    }[]
    expect(Math.min(...bounds.map((f) => f.date.gte))).toBeGreaterThan(startMs - 30 * hourMs)
  })

  test('knows after a restart what it saw before, and reads what came in between', async () => {
    await using harness = await Harness.open()
    const { store } = harness.simulator
    for (let i = 0; i < 60; i++) store.addActivity(make.activity(startMs - i * 3_000, startMs - i * 3_000))
    await harness.start()
    await harness.pass(20_000)
    store.addActivity(make.activity(startMs, harness.clock.nowMs()))
    await harness.clock.advance(0)
    await harness.restart()
    await harness.pass(20_000)
    expect(await harness.rawIds('activities')).toEqual(ids(harness, 'activities'))
  })

  test('by default an alert comes once, whatever becomes of it', async () => {
    await using harness = await Harness.open()
    const { store } = harness.simulator
    store.addAlert({ ...make.alert(startMs - hourMs), _id: 'a', statusValue: 0 })
    await harness.start()
    store.updateAlert('a', { statusValue: 2 })
    await harness.pass(11 * minuteMs, 10_000)
    store.updateAlert('a', { timestamp: harness.clock.nowMs() })
    await harness.pass(minuteMs)
    expect(await harness.rawIds('alerts')).toEqual(['a'])
  })

  test('with alertUpdates: all every version of an alert comes once, and says which it is', async () => {
    await using harness = await Harness.open()
    const { store } = harness.simulator
    const config = harness.config({ alertUpdates: 'all', pollSeconds: 30 })
    store.addAlert({ ...make.alert(startMs - hourMs), _id: 'a', statusValue: 0 })
    await harness.start(config)
    store.updateAlert('a', { statusValue: 2 })
    await harness.pass(11 * minuteMs, 10_000)
    store.updateAlert('a', { timestamp: harness.clock.nowMs() })
    await harness.pass(minuteMs)
    await harness.restart(config)
    await harness.pass(11 * minuteMs, 10_000)
    const records = await harness.raw('alerts')
    expect(records.map((r) => r.key)).toEqual(['a', 'a', 'a'])
    expect(new Set(records.map((r) => r.headers[rawHeaders.version])).size).toBe(3)
  })

  test('begins where the lookback says by the clock of the source, not by its own', async () => {
    await using harness = await Harness.open({ simulator: { nowMs: () => harness.clock.nowMs() - 72 * hourMs } })
    harness.simulator.store.addAlert({ ...make.alert(startMs - 90 * hourMs), _id: 'yesterday' })
    const running = await harness.start()
    await harness.pass(minuteMs)
    expect(await harness.rawIds('alerts')).toEqual(['yesterday'])
    expect(running.status()[0]?.streams[0]?.watermarkMs).toBeLessThan(startMs - 72 * hourMs)
  })

  test('a local clock that jumps leaves no record out', async () => {
    await using harness = await Harness.open({
      simulator: { nowMs: () => startMs + harness.clock.monotonicMs() },
    })
    await harness.start()
    for (const jumpMs of [72 * hourMs, -80 * hourMs, hourMs]) {
      harness.clock.jumpWallClock(jumpMs)
      const serverMs = startMs + harness.clock.monotonicMs()
      harness.simulator.store.addAlert(make.alert(serverMs - 500))
      harness.simulator.store.addActivity(make.activity(serverMs - 900, serverMs - 500))
      await harness.pass(30_000)
    }
    expect(await harness.rawIds('alerts')).toEqual(ids(harness, 'alerts'))
    expect(await harness.rawIds('activities')).toEqual(ids(harness, 'activities'))
  })

  test('never makes more requests than the budget in any sixty seconds, over all sources of the tenant', async () => {
    await using harness = await Harness.open({ simulator: { requestsPerMinute: Number.POSITIVE_INFINITY } })
    const { store } = harness.simulator
    for (let i = 0; i < 3_000; i++) store.addAlert(make.alert(startMs - 40 * hourMs + i * 40_000))
    for (let i = 0; i < 3_000; i++) store.addActivity(make.activity(startMs - 1, startMs - 40 * hourMs + i * 40_000))
    await harness.start(
      harness.config({ id: 'one', tenant: 'contoso', scan: false }, { id: 'two', tenant: 'contoso', scan: false }),
    )
    await harness.pass(5 * minuteMs)
    const times = harness.simulator.requests.map((request) => request.atMs)
    // Four of the five minutes are sure to have been used in full; requests of the last one may still be under way.
    expect(times.length).toBeGreaterThanOrEqual(120)
    for (const [index, time] of times.entries()) expect(time - (times[index - 30] ?? 0)).toBeGreaterThanOrEqual(60_000)
  })

  test('with a scarce budget alerts go first', async () => {
    await using harness = await Harness.open()
    const { store } = harness.simulator
    for (let i = 0; i < 2_000; i++) store.addActivity(make.activity(startMs - 1, startMs - 40 * hourMs + i * 60_000))
    await harness.start(harness.config({ scan: false, pageSize: 20 }))
    await harness.pass(minuteMs)
    const alert = make.alert(harness.clock.nowMs())
    store.addAlert(alert)
    await harness.pass(minuteMs)
    expect((await harness.raw('activities')).length).toBeLessThan(2_000)
    expect(await harness.rawIds('alerts')).toEqual([alert._id])
  })

  test('two tenants do not share a budget', async () => {
    await using harness = await Harness.open({ simulator: { requestsPerMinute: Number.POSITIVE_INFINITY } })
    await harness.start(
      harness.config(
        { id: 'one', requestsPerMinute: 1 },
        { id: 'two', auth: { type: 'oauth', ...oauth, tokenUrl: harness.simulator.tokenUrl } },
      ),
    )
    await harness.pass(30_000)
    expect(harness.simulator.requests.filter((r) => r.authorization === 'token')).toHaveLength(1)
    expect(harness.simulator.requests.filter((r) => r.authorization === 'bearer').length).toBeGreaterThan(4)
  })

  test('collects only what it is told to', async () => {
    await using harness = await Harness.open()
    await harness.start(harness.config({ collect: { alerts: false } }))
    await harness.pass(30_000)
    expect(new Set(harness.simulator.requests.map((r) => r.route))).toEqual(new Set(['activities']))
  })

  test('is ready from the first successful request on, and leaves nothing behind when it stops', async () => {
    await using harness = await Harness.open()
    harness.simulator.faults.add({ type: 'server-error' }, { times: 2 })
    const running = await harness.start()
    expect(harness.world.health.report()).toMatchObject({ isReady: false })
    expect(running.status()[0]?.state).toBe('starting')
    await harness.pass(10_000)
    expect(harness.world.health.report()).toMatchObject({ isReady: true })
    await running.stop(1_000)
    expect(harness.clock.pending).toBe(0)
    expect(harness.world.health.report().checks).toHaveLength(0)
  })
})
