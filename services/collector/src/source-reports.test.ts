import type { Bus } from '@siem-relay/bus'
import { encodeSourceReport, type SourceReport, sourceStatusTopic, type TopicSpec } from '@siem-relay/common'
import { createGenerator } from '@siem-relay/simulator'
import { describe, expect, test } from 'vitest'
import { Harness, startMs } from './testing/harness.ts'

const make = createGenerator(9)
const contoso = { id: 'contoso', collect: { activities: false } }
const fabrikam = { id: 'fabrikam', tenant: 'group', collect: { activities: false } }

async function reportOf(harness: Harness, id = 'contoso'): Promise<SourceReport | undefined> {
  return (await harness.reports()).find((report) => report.id === id)
}

async function idsOf(harness: Harness): Promise<readonly string[]> {
  return (await harness.reports()).map(({ id }) => id).toSorted()
}

/** A log that does not get to what the name of the method says, for the topic of reports or its writer. */
function stuck(
  bus: Bus,
  method: 'ensureTopics' | 'writer' | 'table',
  whatInstead: () => Promise<never> | undefined,
): Bus {
  const isMeant = (argument: unknown): boolean => {
    const name =
      typeof argument === 'string' ? argument : [argument].flat().map((topic) => (topic as TopicSpec).name)[0]
    return name?.startsWith(sourceStatusTopic.name) ?? false
  }
  return new Proxy(bus, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name, target)
      if (typeof value !== 'function') return value
      return (...args: unknown[]): unknown =>
        (name === method && isMeant(args[0]) ? whatInstead() : undefined) ?? value.apply(target, args)
    },
  })
}

describe('what the log tells of a source', () => {
  test('is who polls it, of which tenant and type, how it is, and what is left of its budget', async () => {
    await using harness = await Harness.open()
    await harness.start(harness.config(contoso, fabrikam))
    await harness.pass(31_000)
    expect(await reportOf(harness, 'fabrikam')).toMatchObject({
      id: 'fabrikam',
      tenant: 'group',
      type: 'defender-for-cloud-apps',
      state: 'collecting',
      streams: [{ kind: 'alerts', state: 'collecting', watermarkMs: expect.any(Number) }],
      budgetRemaining: expect.any(Number),
      instance: 'test-1',
      host: 'relay-host',
      atMs: expect.any(Number),
    })
  })

  test('changes with it, within two seconds, and is told again every 30 s', async () => {
    await using harness = await Harness.open()
    await harness.start(harness.config(contoso))
    await harness.pass(2_000)
    expect(await reportOf(harness)).toMatchObject({ state: 'collecting' })
    await harness.pass(20_000)
    const quietAtMs = (await reportOf(harness))?.atMs ?? 0
    expect(quietAtMs).toBeLessThanOrEqual(startMs + 2_000)
    await harness.pass(10_000)
    expect((await reportOf(harness))?.atMs).toBeGreaterThanOrEqual(startMs + 30_000)

    harness.simulator.faults.add({ type: 'server-error' }, { times: 3 })
    await harness.passUntil(() => harness.simulator.requests.at(-1)?.status === 500, 20_000)
    await harness.pass(2_000)
    expect(await reportOf(harness)).toMatchObject({
      state: 'waiting',
      lastError: { code: 'RELAY_SOURCE_UNAVAILABLE', nextMove: expect.stringContaining('proxy') },
    })
  })

  test('is taken back when the configuration leaves it out', async () => {
    await using harness = await Harness.open()
    const running = await harness.start(harness.config(contoso, fabrikam))
    await harness.pass(2_000)
    expect(await idsOf(harness)).toEqual(['contoso', 'fabrikam'])
    await running.update(harness.config(contoso))
    await harness.pass(2_000)
    expect(await idsOf(harness)).toEqual(['contoso'])
    await harness.pass(60_000)
    expect(await idsOf(harness)).toEqual(['contoso'])
  })

  test('is taken back also when nobody ran as the configuration changed', async () => {
    await using harness = await Harness.open()
    const gone = {
      id: 'gone',
      tenant: 'gone',
      type: 'x',
      state: 'error',
      streams: [],
      instance: 'old',
      host: 'old',
      atMs: 1,
    }
    await harness.bus.ensureTopics([sourceStatusTopic])
    await using writer = await harness.bus.writer('test')
    await writer.commit({
      records: ['gone', 'contoso'].map((id) => ({
        topic: sourceStatusTopic.name,
        key: id,
        value: encodeSourceReport({ ...gone, id }),
        headers: {},
      })),
    })
    await harness.start(harness.config(contoso))
    await harness.pass(2_000)
    expect(await harness.reports()).toMatchObject([{ id: 'contoso', instance: 'test-1', state: 'collecting' }])
  })

  test('stays when the collector stops: it says when the source was last seen', async () => {
    await using harness = await Harness.open()
    const running = await harness.start(harness.config(contoso))
    await harness.pass(10_000)
    await running.stop(1_000)
    expect((await reportOf(harness))?.atMs).toBe(startMs + 10_000)
  })
})

describe('collecting never waits for it', () => {
  test.each(['ensureTopics', 'writer', 'table'] as const)('with a log that refuses %s', async (method) => {
    let isRefusing = true
    await using harness = await Harness.open({
      wrapBus: (bus) => stuck(bus, method, () => (isRefusing ? Promise.reject(new Error('not now')) : undefined)),
    })
    for (let n = 0; n < 5; n++) harness.simulator.store.addAlert(make.alert(startMs - n * 1_000))
    const running = await harness.start(harness.config(contoso))
    await harness.pass(60_000)
    expect(await harness.rawIds('alerts')).toHaveLength(5)
    expect(running.status()).toMatchObject([{ state: 'collecting', lastError: undefined }])
    expect(running.reports()).toMatchObject([{ id: 'contoso', state: 'collecting' }])
    const warnings = harness.world.entries.filter(({ msg }) => msg === 'status not published')
    expect(warnings).toHaveLength(method === 'table' ? 0 : 1)
    isRefusing = false
    await harness.pass(31_000)
    expect(await reportOf(harness)).toMatchObject({ state: 'collecting' })
  })

  test('with a log that does not answer, nor does the stop wait longer than it may', async () => {
    const answer = Promise.withResolvers<never>()
    answer.promise.catch(() => undefined)
    await using harness = await Harness.open({ wrapBus: (bus) => stuck(bus, 'ensureTopics', () => answer.promise) })
    harness.simulator.store.addAlert(make.alert(startMs))
    const running = await harness.start(harness.config(contoso))
    await harness.pass(30_000)
    expect(await harness.rawIds('alerts')).toHaveLength(1)
    const stopped = running.stop(5_000)
    await harness.clock.advance(5_000)
    await stopped
    answer.reject(new Error('closed'))
  })
})
