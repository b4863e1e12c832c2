import { createGenerator } from '@siem-relay/simulator'
import { describe, expect, test } from 'vitest'
import type { Gap } from './sources/gaps.ts'
import type { RunningCollector } from './start.ts'
import { Harness, startMs } from './testing/harness.ts'

const minuteMs = 60_000
const hourMs = 60 * minuteMs
const dayMs = 24 * hourMs
const make = createGenerator(3)
const onlyAlerts = { collect: { activities: false } }
const onlyActivities = { collect: { alerts: false } }

/** Activities saved minute by minute over the two hours before the start, and one alert. */
async function filled(perMinute = 1): Promise<Harness> {
  const harness = await Harness.open()
  const { store } = harness.simulator
  store.addAlert(make.alert(startMs - hourMs))
  for (let i = 0; i < 120 * perMinute; i++) {
    const ms = startMs - 2 * hourMs + Math.floor((i * minuteMs) / perMinute)
    store.addActivity(make.activity(ms, ms))
  }
  return harness
}

/** The process is away for so long; what happens meanwhile happens at the end of it. */
async function away(harness: Harness, ms: number): Promise<void> {
  await harness.stopAll()
  await harness.clock.advance(ms)
}

/** One that is dated before the source went away, and was not there then. */
function addLate(harness: Harness, ms: number, id: string): void {
  harness.simulator.store.addActivity({ ...make.activity(ms, ms), _id: id })
}

const gapsOf = (running: RunningCollector): readonly Gap[] =>
  running.status()[0]?.streams.flatMap(({ gaps }) => gaps) ?? []
const changes = (harness: Harness, change: string): Promise<number> =>
  harness.metric('siem_relay_source_gap_changes_total', { change })
const told = (harness: Harness) =>
  harness.world.entries
    .filter(({ msg = '' }) => /whole again|may be missing/.test(msg))
    .map(({ level, msg, from, to, reason }) => ({ level, msg, from, to, reason }))

async function expectOnce(harness: Harness, kind: 'alerts' | 'activities'): Promise<void> {
  const { store } = harness.simulator
  const given: readonly { readonly _id: string }[] = kind === 'alerts' ? store.all('alerts') : store.all('activities')
  expect(await harness.rawIds(kind)).toEqual(given.map(({ _id }) => _id).toSorted())
}

async function expectEverythingOnce(harness: Harness): Promise<void> {
  await expectOnce(harness, 'alerts')
  await expectOnce(harness, 'activities')
}

/** A gauge as it is at a scrape. */
async function gauge(harness: Harness, name: string, state: string): Promise<number> {
  await harness.world.metrics.metrics()
  return harness.metric(name, { state })
}

describe('a source that was away longer than late records are looked for', () => {
  test('says which time may be incomplete, reads it again, and says when it is whole', async () => {
    await using harness = await filled()
    await harness.start()
    await harness.pass(20_000)
    await away(harness, 5 * hourMs)
    addLate(harness, startMs - 40 * minuteMs, 'late')
    const running = await harness.restart()
    const from = new Date(startMs + 20_000 - 2 * minuteMs - hourMs)
    await harness.pass(minuteMs)
    await expectEverythingOnce(harness)
    expect(gapsOf(running)).toEqual([])
    const [opened, whole, ...more] = told(harness)
    expect(more).toEqual([])
    expect(opened).toMatchObject({ level: 'warn', reason: 'away' })
    expect(whole).toEqual({ ...opened, level: 'info', msg: 'this time is whole again' })
    const [fromMs, toMs] = [Date.parse(String(whole?.from)), Date.parse(String(whole?.to))]
    expect(Math.abs(fromMs - from.getTime())).toBeLessThan(minuteMs)
    expect(toMs - fromMs).toBe(hourMs)
    expect(await changes(harness, 'opened')).toBe(1)
    expect(await changes(harness, 'whole')).toBe(1)
    expect(await harness.metric('siem_relay_source_late_records_total')).toBe(1)
  })

  test('the same when the API refused everything for that long', async () => {
    await using harness = await filled()
    await harness.start()
    await harness.pass(20_000)
    harness.simulator.faults.add({ type: 'server-error' }, { times: Number.POSITIVE_INFINITY })
    await harness.pass(3 * hourMs, 5 * minuteMs)
    addLate(harness, startMs - 40 * minuteMs, 'late')
    harness.simulator.faults.clear()
    await harness.pass(10 * minuteMs, 10_000)
    await expectEverythingOnce(harness)
    expect(told(harness).map(({ level, reason }) => ({ level, reason }))).toContainEqual({
      level: 'info',
      reason: 'away',
    })
    expect(await changes(harness, 'whole')).toBe(await changes(harness, 'opened'))
    expect(await gauge(harness, 'siem_relay_source_gaps', 'open')).toBe(0)
  })

  test('alerts of a week before are among what is looked at again', async () => {
    await using harness = await filled()
    await harness.start(harness.config(onlyAlerts))
    await harness.pass(20_000)
    await away(harness, 5 * dayMs)
    harness.simulator.store.addAlert({ ...make.alert(startMs - 40 * hourMs), _id: 'late' })
    await harness.restart(harness.config(onlyAlerts))
    await harness.pass(minuteMs)
    expect(await harness.rawIds('alerts')).toContain('late')
    expect(await harness.rawIds('alerts')).toHaveLength(2)
  })

  test('a short absence opens nothing: wider sweeps look as far back as ever', async () => {
    await using harness = await filled()
    await harness.start()
    await harness.pass(20_000)
    await away(harness, 25 * minuteMs)
    addLate(harness, startMs - 20 * minuteMs, 'late')
    await harness.restart()
    await harness.pass(10 * minuteMs, 10_000)
    await expectEverythingOnce(harness)
    expect(told(harness)).toEqual([])
  })

  test('what it never was meant to cover is no gap', async () => {
    await using harness = await filled()
    const config = harness.config({ ...onlyActivities, lookback: 'PT10M' })
    await harness.start(config)
    await harness.pass(20_000)
    await away(harness, 5 * hourMs)
    addLate(harness, startMs - 30 * minuteMs, 'before the first start')
    addLate(harness, startMs - 5 * minuteMs, 'late')
    await harness.restart(config)
    await harness.pass(minuteMs)
    const ids = await harness.rawIds('activities')
    expect(ids).toContain('late')
    expect(ids).not.toContain('before the first start')
    expect(told(harness)[0]?.from).toBe(new Date(startMs - 10 * minuteMs).toISOString())
  })
})

describe('reading again', () => {
  /** 3,000 activities in the last hour before the absence; ten requests a minute, a hundred records each. */
  async function large(): Promise<{ harness: Harness; config: ReturnType<Harness['config']> }> {
    const harness = await filled(50)
    const settings = { ...onlyActivities, scan: false, requestsPerMinute: 10 }
    await harness.start(harness.config({ ...settings, requestsPerMinute: 1_000 }))
    await harness.pass(2 * minuteMs)
    await away(harness, 5 * hourMs)
    addLate(harness, startMs - 50 * minuteMs, 'late early')
    addLate(harness, startMs - 10 * minuteMs, 'late')
    return { harness, config: harness.config(settings) }
  }
  const isReading = (running: RunningCollector): boolean => gapsOf(running).some(({ state }) => state === 'reading')
  const boundsOf = (harness: Harness, first: number): readonly number[] =>
    harness.simulator.requests
      .slice(first)
      .map(({ body }) => (body.filters as { readonly created: { readonly gte: number } }).created.gte)

  test('goes on after a restart where it was, and takes nothing twice', async () => {
    const { harness, config } = await large()
    await using _ = harness
    const first = harness.simulator.requests.length
    await harness.restart(config)
    // Polls begin where the absence did.
    const isUnderWay = (): boolean =>
      boundsOf(harness, first).some((ms) => ms > startMs - 45 * minuteMs && ms < startMs - 30 * minuteMs)
    await harness.passUntil(isUnderWay, 5 * minuteMs)
    expect(await harness.rawIds('activities')).toContain('late early')
    expect(await harness.rawIds('activities')).not.toContain('late')
    await away(harness, minuteMs)
    const asked = harness.simulator.requests.length
    const again = await harness.restart(config)
    expect(gapsOf(again)).toMatchObject([{ reason: 'away', state: 'reading' }])
    await harness.passUntil(() => gapsOf(again).length === 0, 10 * minuteMs)
    await expectOnce(harness, 'activities')
    expect(Math.min(...boundsOf(harness, asked))).toBeGreaterThan(startMs - 45 * minuteMs)
  })

  test('waits for polls: what is new comes while it goes on', async () => {
    const { harness, config } = await large()
    await using _ = harness
    const running = await harness.restart(config)
    await harness.passUntil(() => isReading(running), minuteMs)
    const nowMs = harness.clock.nowMs()
    harness.simulator.store.addActivity({ ...make.activity(nowMs, nowMs), _id: 'new' })
    await harness.pass(70_000)
    expect(await harness.rawIds('activities')).toContain('new')
    expect(isReading(running)).toBe(true)
    expect(await gauge(harness, 'siem_relay_source_gaps', 'open')).toBe(1)
    expect(await gauge(harness, 'siem_relay_source_incomplete_seconds', 'open')).toBe(3_600)
  })

  test('that fails is tried again later; polls and wider sweeps go on', async () => {
    const { harness, config } = await large()
    await using _ = harness
    const running = await harness.restart(config)
    await harness.passUntil(() => isReading(running), minuteMs)
    harness.simulator.faults.add({ type: 'endless' }, { times: 6 })
    await harness.passUntil(() => harness.simulator.faults.waiting === 0, 30 * minuteMs, 5_000)
    await harness.passUntil(() => gapsOf(running).length === 0, 60 * minuteMs, 10_000)
    await expectOnce(harness, 'activities')
  })

  test('what the API has no more is told as unverifiable, and polls go on', async () => {
    await using harness = await filled()
    await harness.start(harness.config(onlyActivities))
    await harness.pass(20_000)
    await away(harness, 200 * dayMs)
    const nowMs = harness.clock.nowMs()
    harness.simulator.store.addActivity({ ...make.activity(nowMs, nowMs), _id: 'new' })
    const running = await harness.restart(harness.config(onlyActivities))
    await harness.pass(minuteMs)
    expect(await harness.rawIds('activities')).toContain('new')
    expect(gapsOf(running)).toMatchObject([{ reason: 'away', state: 'unverifiable' }])
    expect(told(harness).map(({ level, msg }) => [level, msg])).toEqual([
      ['warn', 'records of this time may be missing; it is read again'],
      ['warn', 'records of this time may be missing, and it cannot be read again'],
    ])
    expect(await gauge(harness, 'siem_relay_source_incomplete_seconds', 'unverifiable')).toBe(3_600)
    expect(await changes(harness, 'whole')).toBe(0)
    const again = await harness.restart(harness.config(onlyActivities))
    expect(gapsOf(again)).toMatchObject([{ state: 'unverifiable' }])
  })

  test('gauges leave with the source', async () => {
    await using harness = await filled()
    const running = await harness.start()
    await harness.pass(20_000)
    const series = async (): Promise<number> => {
      const all = await harness.world.metrics.getMetricsAsJSON()
      return all.find(({ name }) => name === 'siem_relay_source_gaps')?.values.length ?? 0
    }
    expect(await series()).toBe(4)
    await running.stop(1_000)
    expect(await series()).toBe(0)
  })
})

describe('an API that contradicts itself', () => {
  test('says more follows and gives nothing new: the rest of the poll is read twice', async () => {
    await using harness = await filled()
    const running = await harness.start(harness.config(onlyAlerts))
    await harness.pass(20_000)
    harness.simulator.faults.add({ type: 'endless' }, { times: 5 })
    await harness.passUntil(() => gapsOf(running).length > 0, minuteMs)
    expect(gapsOf(running)).toMatchObject([{ reason: 'inconsistent', state: 'open' }])
    await harness.passUntil(() => gapsOf(running).length === 0, 5 * minuteMs)
    expect(await changes(harness, 'whole')).toBe(1)
    await expect(harness.rawIds('alerts')).resolves.toHaveLength(1)
  })

  /** 40 alerts within the last hour. */
  async function counted(): Promise<Harness> {
    const harness = await Harness.open()
    for (let i = 0; i < 40; i++) harness.simulator.store.addAlert(make.alert(startMs - hourMs + i * minuteMs))
    return harness
  }

  test('ends a list before its count: it is read again, and what was left out comes', async () => {
    await using harness = await counted()
    harness.simulator.faults.add({ type: 'short-list' })
    const running = await harness.start(harness.config(onlyAlerts))
    await harness.pass(5_000)
    expect(await harness.rawIds('alerts')).toHaveLength(40)
    expect(gapsOf(running)).toEqual([])
    expect(told(harness).map(({ level, reason }) => [level, reason])).toEqual([
      ['warn', 'inconsistent'],
      ['info', 'inconsistent'],
    ])
  })

  test('counts what it never lists: after three readings alike its counts are left aside', async () => {
    await using harness = await counted()
    harness.simulator.faults.add({ type: 'short-list' }, { times: Number.POSITIVE_INFINITY })
    const running = await harness.start(harness.config(onlyAlerts))
    await harness.pass(minuteMs)
    expect(gapsOf(running)).toMatchObject([{ reason: 'inconsistent', state: 'open' }])
    await harness.pass(10 * minuteMs, 10_000)
    expect(gapsOf(running)).toEqual([])
    expect(await changes(harness, 'opened')).toBe(1)
    expect(harness.world.entries.filter(({ msg = '' }) => /counts are left aside/.test(msg))).toHaveLength(1)
  })

  test('lets the widest sweep fail: what it did not reach is read later', async () => {
    await using harness = await filled()
    const running = await harness.start(harness.config({ ...onlyActivities, pollSeconds: 420 }))
    await harness.pass(minuteMs)
    addLate(harness, startMs - 20 * minuteMs, 'late')
    // The sweep is due half an hour after the first poll, two minutes after the fifth.
    await harness.pass(29 * minuteMs - 5_000, 5_000)
    harness.simulator.faults.add({ type: 'server-error' }, { times: Number.POSITIVE_INFINITY })
    await harness.passUntil(() => gapsOf(running).length > 0, 4 * minuteMs)
    harness.simulator.faults.clear()
    expect(gapsOf(running)).toMatchObject([{ reason: 'given-up' }])
    await harness.passUntil(() => gapsOf(running).length === 0, 20 * minuteMs, 5_000)
    expect(await harness.rawIds('activities')).toContain('late')
    await expectOnce(harness, 'activities')
  })
})
