import { describe, expect, test } from 'vitest'
import {
  always,
  asked,
  configOf,
  expectEverythingOnce,
  filled,
  graphAlert,
  once,
  open,
  timeOf,
} from '../../testing/graph-alerts.ts'
import { oauth, startMs } from '../../testing/harness.ts'

const minuteMs = 60_000
const hourMs = 60 * minuteMs

describe('faults of alerts_v2', () => {
  test.each([
    ['without Retry-After', { type: 'throttle' }],
    ['with Retry-After', { type: 'throttle', retryAfter: { seconds: 30 } }],
  ] as const)('429 %s: a pause, then all is well', async (_, fault) => {
    await using harness = await filled(700, { graphAlerts: { pageMax: 100 } })
    harness.simulator.faults.add(fault, { ...once, times: 3, after: 2 })
    const running = await harness.start(configOf(harness))
    await harness.passUntil(() => running.status()[0]?.streams[0]?.watermarkMs !== undefined, 10 * minuteMs)
    await expectEverythingOnce(harness)
    expect(harness.simulator.violations).toEqual([])
    expect(await harness.metric('siem_relay_throttled_total', { source: 'contoso' })).toBe(3)
    expect(running.status()[0]).toMatchObject({ state: 'collecting', lastError: undefined })
  })

  test('never asks more than 150 times a minute', async () => {
    await using harness = await filled(420, { graphAlerts: { pageMax: 4 } })
    await harness.start(configOf(harness))
    await harness.pass(3 * minuteMs, 5_000)
    expect(asked(harness).length).toBeGreaterThan(200)
    await expectEverythingOnce(harness)
    expect(await harness.metric('siem_relay_throttled_total')).toBe(0)
  })

  const passing = [
    ['500', { type: 'server-error' }],
    ['502 with HTML', { type: 'bad-gateway' }],
    ['503', { type: 'unavailable' }],
    ['200 with HTML', { type: 'html' }],
    ['200 with null', { type: 'null' }],
    ['200 with {}', { type: 'empty-object' }],
    ['200 with nothing', { type: 'empty-body' }],
    ['JSON cut short', { type: 'truncate', contentLength: 'correct' }],
    ['a body shorter than announced', { type: 'truncate', contentLength: 'too-large' }],
    ['a reset in the body', { type: 'reset' }],
    ['another encoding', { type: 'wrong-charset', encoding: 'utf16le' }],
    ['an expired token', { type: 'token-expired' }],
  ] as const

  test.each(passing)('%s, now and then: in the end every alert is there once', async (_, fault) => {
    await using harness = await filled(700, { graphAlerts: { pageMax: 100 } })
    for (const after of [1, 2, 3]) harness.simulator.faults.add(fault, { ...once, after, times: 2 })
    const running = await harness.start(configOf(harness))
    await harness.passUntil(() => running.status()[0]?.streams[0]?.watermarkMs !== undefined, 10 * minuteMs)
    await harness.pass(30_000)
    await expectEverythingOnce(harness)
    expect(running.status()[0]).toMatchObject({ state: 'collecting', lastError: undefined })
    expect(running.status()[0]?.streams[0]?.gaps).toEqual([])
  })

  test('while the whole API answers 500, nothing is cut, set aside or moved', async () => {
    await using harness = await filled(100)
    harness.simulator.faults.add({ type: 'server-error' }, always)
    const running = await harness.start(configOf(harness))
    await harness.pass(2 * hourMs, minuteMs)
    expect(running.status()[0]).toMatchObject({
      state: 'starting',
      lastError: { code: 'RELAY_SOURCE_UNAVAILABLE' },
      streams: [{ watermarkMs: undefined }],
    })
    expect(asked(harness).length).toBeLessThan(150)
    harness.simulator.faults.clear()
    await harness.pass(6 * minuteMs, 5_000)
    await expectEverythingOnce(harness)
    expect(running.status()[0]?.streams[0]?.gaps).toEqual([])
  })

  test('500 for ever on pages with one alert: all others come, status names the range, and it comes when it can', async () => {
    await using harness = await filled(400)
    const { store } = harness.simulator
    const bad = 'aa-200'
    store.addGraphAlert(
      graphAlert(bad, startMs - 12 * hourMs, { lastUpdateDateTime: timeOf(startMs - 12 * hourMs, '4567') }),
    )
    harness.simulator.faults.add({ type: 'broken-page', ids: [bad] }, always)
    const running = await harness.start(configOf(harness))
    await harness.passUntil(() => running.status()[0]?.streams[0]?.watermarkMs !== undefined, 30 * minuteMs, 5_000)
    await expectEverythingOnce(harness, [bad])
    expect(running.status()[0]).toMatchObject({
      state: 'error',
      lastError: {
        code: 'RELAY_SOURCE_UNREAD',
        message: expect.stringContaining(
          `from ${timeOf(startMs - 12 * hourMs, '4567')} to before ${timeOf(startMs - 12 * hourMs, '4568')}`,
        ),
      },
    })
    const fromMs = startMs - 12 * hourMs
    const told = (entries: typeof harness.world.entries, message: RegExp) =>
      entries.filter(({ msg, reason }) => message.test(String(msg)) && reason === 'unreadable')
    expect(running.status()[0]?.streams[0]?.gaps).toMatchObject([
      { fromMs, toMs: fromMs + 1, reason: 'unreadable', state: 'open' },
    ])
    expect(told(harness.world.entries, /may be missing/)).toHaveLength(1)
    expect(await harness.metric('siem_relay_checkpoint_age_seconds')).toBeLessThan(60)
    expect(await harness.metric('siem_relay_source_gaps', { source: 'contoso', state: 'open' })).toBe(1)
    // New alerts are not kept waiting, and the range is not asked for with every poll.
    const before = asked(harness).length
    for (let n = 0; n < 20; n++) {
      store.addGraphAlert(graphAlert(`new-${n}`, harness.clock.nowMs()))
      await harness.pass(10_000)
    }
    await expectEverythingOnce(harness, [bad])
    expect(asked(harness).length - before).toBeLessThan(30)
    // Over a restart it is still known, and when the trouble ends it comes.
    await harness.restart(configOf(harness))
    harness.simulator.faults.clear()
    await harness.pass(70 * minuteMs, minuteMs)
    await expectEverythingOnce(harness)
    expect(told(harness.world.entries, /whole again/)).toHaveLength(1)
    expect(await harness.metric('siem_relay_source_gap_changes_total', { change: 'whole' })).toBe(1)
  })

  test('500 for ever on pages with the newest alert, over several pages', async () => {
    await using harness = await filled(150, { graphAlerts: { pageMax: 20 } })
    harness.simulator.store.addGraphAlert(graphAlert('newest', startMs - 1_000))
    harness.simulator.faults.add({ type: 'broken-page', ids: ['newest'] }, always)
    const running = await harness.start(configOf(harness))
    await harness.passUntil(() => running.status()[0]?.state === 'error', 30 * minuteMs, 5_000)
    await expectEverythingOnce(harness, ['newest'])
    harness.simulator.faults.clear()
    await harness.passUntil(() => running.status()[0]?.state === 'collecting', 30 * minuteMs, 5_000)
    await expectEverythingOnce(harness)
  })

  test.each([-5, 5])('the same by a clock that is wrong by %i hours', async (hours) => {
    await using harness = await open({ nowMs: () => harness.clock.nowMs() + hours * hourMs })
    const { store } = harness.simulator
    const serverMs = startMs + hours * hourMs
    for (let n = 0; n < 100; n++) store.addGraphAlert(graphAlert(`a${n}`, serverMs - 10 * hourMs + n * 6 * minuteMs))
    store.addGraphAlert(graphAlert('bad', serverMs - 1_000))
    harness.simulator.faults.add({ type: 'broken-page', ids: ['bad'] }, always)
    const running = await harness.start(configOf(harness, { alertUpdates: 'all', pollSeconds: 60 }))
    await harness.passUntil(() => running.status()[0]?.state === 'error', 30 * minuteMs, 5_000)
    for (let n = 0; n < 20; n++) {
      store.addGraphAlert(graphAlert(`new-${n}`, serverMs + n * 3 * minuteMs))
      await harness.pass(3 * minuteMs, minuteMs)
    }
    await expectEverythingOnce(harness, ['bad'])
    harness.simulator.faults.clear()
    await harness.pass(70 * minuteMs, minuteMs)
    await expectEverythingOnce(harness)
  })

  test('several alerts that break their pages are set aside one by one, those beyond the bound together', async () => {
    await using harness = await filled(300)
    const bad = Array.from({ length: 7 }, (_, n) => `aa-${n * 36}`)
    harness.simulator.faults.add({ type: 'broken-page', ids: bad }, always)
    const running = await harness.start(configOf(harness))
    await harness.passUntil(() => running.status()[0]?.streams[0]?.watermarkMs !== undefined, 2 * hourMs, 10_000)
    await harness.pass(4 * hourMs, 10 * minuteMs)
    // Three alerts share each tick; a range is a tick at least.
    const taken = new Set(await harness.rawIds('alerts'))
    const missing = harness.simulator.store.graphAlerts().filter(({ id }) => !taken.has(id))
    expect(missing.length).toBeLessThanOrEqual(21)
    expect(running.status()[0]?.streams[0]?.gaps).toHaveLength(7)
    harness.simulator.faults.clear()
    await harness.pass(70 * minuteMs, 5 * minuteMs)
    await expectEverythingOnce(harness)
  })

  test('a link to a foreign host is not followed; what is behind it comes all the same', async () => {
    await using harness = await filled(300, { graphAlerts: { pageMax: 40 } })
    harness.simulator.faults.add({ type: 'foreign-link', host: 'evil.example:8443' }, always)
    const running = await harness.start(configOf(harness))
    expect(running.status()[0]?.lastError).toMatchObject({
      code: 'RELAY_SOURCE_RESPONSE',
      message: expect.stringContaining('evil.example:8443'),
    })
    await harness.passUntil(() => running.status()[0]?.streams[0]?.watermarkMs !== undefined, hourMs, 5_000)
    await expectEverythingOnce(harness)
    expect(running.status()[0]).toMatchObject({ state: 'collecting', lastError: undefined })
  })

  test('links that count, with a count that is refused beyond a bound: ranges are cut until they are not needed', async () => {
    await using harness = await filled(900, { graphAlerts: { pageMax: 50, linkBy: 'skip', skipMax: 100 } })
    const running = await harness.start(configOf(harness))
    await harness.passUntil(() => running.status()[0]?.streams[0]?.watermarkMs !== undefined, hourMs, 5_000)
    await expectEverythingOnce(harness)
    expect(running.status()[0]).toMatchObject({ state: 'collecting', lastError: undefined })
  })

  test('alerts that show up as late as ten minutes come, each once', async () => {
    await using harness = await open()
    harness.simulator.faults.add({ type: 'late', upToMs: 10 * minuteMs }, always)
    await harness.start(configOf(harness))
    for (let n = 0; n < 60; n++) {
      harness.simulator.store.addGraphAlert(graphAlert(`a${n}`, harness.clock.nowMs()))
      await harness.pass(30_000, 10_000)
    }
    await harness.pass(10 * minuteMs, 10_000)
    await expectEverythingOnce(harness)
  })

  test.each([{ type: 'unknown-enums' }, { type: 'nulls' }] as const)('$type: every alert comes once', async (fault) => {
    await using harness = await filled(200)
    harness.simulator.faults.add(fault, always)
    const running = await harness.start(configOf(harness, { alertUpdates: 'all' }))
    await harness.pass(minuteMs)
    await expectEverythingOnce(harness)
    expect(running.status()[0]).toMatchObject({ state: 'collecting', lastError: undefined })
  })

  test('403 names the permission that is missing', async () => {
    await using harness = await open({ oauth: { ...oauth, graphRoles: ['User.Read.All'] } })
    const running = await harness.start(configOf(harness))
    expect(running.status()[0]).toMatchObject({
      state: 'error',
      lastError: { code: 'RELAY_SOURCE_AUTH', nextMove: expect.stringContaining('SecurityAlert.Read.All') },
    })
    await harness.pass(10 * minuteMs, 30_000)
    expect(asked(harness).length).toBeLessThan(10)
  })

  test('a secret that is refused is tried again now and then, and nothing is lost meanwhile', async () => {
    await using harness = await filled(20)
    const auth = { type: 'oauth', ...oauth, clientSecret: 'old', tokenUrl: harness.simulator.tokenUrl }
    const running = await harness.start(configOf(harness, { auth }))
    await harness.pass(30 * minuteMs, 30_000)
    expect(running.status()[0]).toMatchObject({ state: 'error', lastError: { code: 'RELAY_SOURCE_AUTH' } })
    expect(harness.simulator.requests.length).toBeLessThan(10)
    await running.update(configOf(harness))
    await harness.pass(minuteMs)
    await expectEverythingOnce(harness)
  })
})
