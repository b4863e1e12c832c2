import { rawHeaders } from '@siem-relay/common'
import { describe, expect, test } from 'vitest'
import {
  always,
  asked,
  configOf,
  expectEverythingOnce,
  filled,
  graphAlert,
  open,
  timeOf,
} from '../../testing/graph-alerts.ts'
import { startMs } from '../../testing/harness.ts'

const minuteMs = 60_000
const hourMs = 60 * minuteMs

describe('a source of Graph alerts', () => {
  test('takes what the last two days hold, each alert once, as received', async () => {
    await using harness = await filled(1_200)
    harness.simulator.store.addGraphAlert(graphAlert('too-old', startMs - 49 * hourMs))
    harness.simulator.store.addGraphAlert(graphAlert('other', startMs, { serviceSource: 'microsoftSentinel' }))
    const running = await harness.start(configOf(harness))
    await harness.pass(minuteMs)
    await expectEverythingOnce(harness, ['too-old', 'other'])
    expect(running.status()).toMatchObject([{ id: 'contoso', state: 'collecting', lastError: undefined }])
    const first = (await harness.raw('alerts')).find(({ key }) => key === 'aa-0')
    expect([first?.key, JSON.parse(String(first?.value))]).toEqual([
      'aa-0',
      graphAlert('aa-0', startMs - 24 * hourMs, { n: 0 }),
    ])
    expect(first?.headers).toEqual({
      [rawHeaders.source]: 'contoso',
      [rawHeaders.tenant]: 'contoso',
      [rawHeaders.kind]: 'alerts',
      [rawHeaders.shape]: 'graph-alert',
      [rawHeaders.receivedMs]: String(startMs),
      [rawHeaders.portalUrl]: 'https://security.microsoft.com',
    })
    expect(await harness.metric('siem_relay_records_received_total', { kind: 'alerts' })).toBe(1_200)
    expect(await harness.metric('siem_relay_checkpoint_age_seconds', { kind: 'alerts' })).toBeLessThan(20)
    expect(await harness.metric('siem_relay_budget_remaining', { tenant: 'contoso', api: 'graph' })).toBeGreaterThan(
      100,
    )
  })

  test('asks as Graph documents it: no $skip, no $orderby, the token of Graph', async () => {
    await using harness = await open()
    await harness.start(configOf(harness, { lookback: 'PT1H', serviceSources: ['a', 'b'], pageSize: 50 }))
    expect(harness.simulator.requests.map(({ route }) => route)).toEqual(['token', 'graph-alerts'])
    expect(harness.simulator.requests[0]?.body).toMatchObject({ scope: 'https://graph.microsoft.com/.default' })
    expect(asked(harness)[0]).toMatchObject({
      method: 'GET',
      authorization: 'bearer',
      body: {
        $filter: `lastUpdateDateTime ge ${timeOf(startMs - hourMs)} and (serviceSource eq 'a' or serviceSource eq 'b')`,
        $top: '50',
      },
    })
  })

  test('takes what arrives while it runs, whatever order it arrives in', async () => {
    await using harness = await open()
    await harness.start(configOf(harness))
    for (let n = 0; n < 60; n++) {
      const nowMs = harness.clock.nowMs()
      harness.simulator.store.addGraphAlert(
        graphAlert(`now-${n}`, nowMs - 500, { lastUpdateDateTime: timeOf(nowMs, '1234') }),
      )
      if (n % 5 === 0) harness.simulator.store.addGraphAlert(graphAlert(`late-${n}`, nowMs - 10 * minuteMs))
      await harness.pass(7_000)
    }
    await harness.pass(20_000)
    await expectEverythingOnce(harness)
    // The first of them was not behind anything that had been read.
    expect(await harness.metric('siem_relay_source_late_records_total', { kind: 'alerts' })).toBe(11)
  })

  test.each(['first', 'all'] as const)('alertUpdates %s', async (alertUpdates) => {
    await using harness = await open()
    const { store } = harness.simulator
    for (let n = 0; n < 5; n++) store.addGraphAlert(graphAlert(`a${n}`, startMs - hourMs))
    await harness.start(configOf(harness, { alertUpdates }))
    await harness.pass(minuteMs)
    for (const status of ['inProgress', 'resolved']) {
      store.updateGraphAlert('a1', { status })
      await harness.pass(20_000)
    }
    // Weeks later the ids of the overlap are long gone.
    await harness.pass(30 * 24 * hourMs, 12 * hourMs)
    store.updateGraphAlert('a2', { status: 'resolved' })
    await harness.pass(minuteMs)
    const records = await harness.raw('alerts')
    const updates = records.slice(5).map(({ key, value }) => `${key} ${JSON.parse(String(value)).status}`)
    expect(updates).toEqual(alertUpdates === 'first' ? [] : ['a1 inProgress', 'a1 resolved', 'a2 resolved'])
    const versions = records.map(({ headers }) => headers[rawHeaders.version])
    if (alertUpdates === 'first') expect(new Set(versions)).toEqual(new Set([undefined]))
    else
      expect(versions.slice(5)).toEqual(
        records.slice(5).map(({ value }) => JSON.parse(String(value)).lastUpdateDateTime),
      )
  })

  test('tells updates apart that differ by a ten-millionth of a second', async () => {
    await using harness = await open()
    const { store } = harness.simulator
    await harness.start(configOf(harness, { alertUpdates: 'all' }))
    for (const digits of ['0001', '0002', '0003']) {
      store.addGraphAlert(graphAlert('a', startMs, { lastUpdateDateTime: timeOf(startMs, digits) }))
      await harness.pass(10_000)
    }
    expect((await harness.raw('alerts')).map(({ headers }) => headers[rawHeaders.version]?.slice(-5))).toEqual([
      '0001Z',
      '0002Z',
      '0003Z',
    ])
  })

  test('loses none of many alerts that share a tick, over several pages', async () => {
    await using harness = await open({ graphAlerts: { pageMax: 10 } })
    for (let n = 0; n < 95; n++) harness.simulator.store.addGraphAlert(graphAlert(`tie-${n}`, startMs - hourMs))
    for (let n = 0; n < 95; n++) harness.simulator.store.addGraphAlert(graphAlert(`t${n}`, startMs - hourMs + n))
    await harness.start(configOf(harness))
    await harness.pass(minuteMs)
    await expectEverythingOnce(harness)
  })

  test.each([1, 2, 5, 9, 14])('a restart after %i pages goes on without loss or repeat', async (pages) => {
    await using harness = await filled(400, { graphAlerts: { pageMax: 20 } })
    harness.simulator.faults.add({ type: 'server-error' }, { ...always, after: pages })
    await harness.start(configOf(harness))
    await harness.pass(minuteMs)
    harness.simulator.faults.clear()
    await harness.restart(configOf(harness))
    await harness.pass(2 * minuteMs)
    await expectEverythingOnce(harness)
    await harness.restart(configOf(harness))
    await harness.pass(minuteMs)
    await expectEverythingOnce(harness)
  })

  test('alerts that change while their range is read in pages that are counted off hide no others', async () => {
    await using harness = await filled(300, { graphAlerts: { pageMax: 20, linkBy: 'skip' } })
    await harness.start(configOf(harness, { requestsPerMinute: 1 }))
    // Every update takes an alert that was read out of the range, and those behind it move up.
    for (let n = 299; n > 279; n--) {
      harness.simulator.store.updateGraphAlert(`aa-${n}`, { status: 'inProgress' })
      await harness.pass(minuteMs, minuteMs)
    }
    await harness.pass(2 * hourMs, minuteMs)
    await expectEverythingOnce(harness)
  })

  test('a clock that is wrong by a day does not move the start', async () => {
    await using harness = await filled(50, { nowMs: () => startMs + 24 * hourMs })
    await harness.start(configOf(harness, { lookback: 'P1D' }))
    await harness.pass(minuteMs)
    const floor = timeOf(startMs)
    const within = harness.simulator.store
      .graphAlerts()
      .filter(({ lastUpdateDateTime }) => String(lastUpdateDateTime) >= floor)
    expect(await harness.rawIds('alerts')).toHaveLength(within.length)
    expect(harness.world.entries.filter(({ msg }) => msg === 'local clock differs from the source')).toHaveLength(1)
  })

  test('the budgets of two APIs of a tenant are apart', async () => {
    await using harness = await filled(30)
    const defender = { id: 'mda', tenant: 'contoso', collect: { activities: false } }
    const { sources } = harness.config(defender)
    const config = { sources: [...sources, ...configOf(harness).sources] }
    harness.simulator.faults.add({ type: 'throttle', retryAfter: { seconds: 600 } }, { route: 'alerts' })
    const running = await harness.start(config)
    await harness.pass(minuteMs)
    expect(running.status().map(({ id, state }) => `${id} ${state}`)).toEqual(['mda starting', 'contoso collecting'])
    expect(await harness.rawIds('alerts')).toHaveLength(30)
  })
})
