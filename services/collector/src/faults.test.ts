import { createGenerator, type Fault, type FaultOptions } from '@siem-relay/simulator'
import { describe, expect, test } from 'vitest'
import { Harness, oauth, startMs } from './testing/harness.ts'

const minuteMs = 60_000
const hourMs = 60 * minuteMs

/** 350 alerts and 600 activities of the last day, a few on one millisecond. */
async function filled(options: Parameters<typeof Harness.open>[0] = {}): Promise<Harness> {
  const harness = await Harness.open(options)
  const make = createGenerator(7)
  const { store } = harness.simulator
  for (let i = 0; i < 350; i++) store.addAlert(make.alert(startMs - 24 * hourMs + Math.floor(i / 3) * 60_000))
  for (let i = 0; i < 600; i++)
    store.addActivity(make.activity(startMs - 24 * hourMs, startMs - 24 * hourMs + Math.floor(i / 3) * 60_000))
  return harness
}

async function expectEverythingOnce(harness: Harness): Promise<void> {
  const { store } = harness.simulator
  for (const kind of ['alerts', 'activities'] as const) {
    const given = (kind === 'alerts' ? store.all('alerts') : store.all('activities')).map((record) => record._id)
    const taken = await harness.rawIds(kind)
    const seen = new Set(taken)
    expect({
      kind,
      missing: given.filter((id) => !seen.has(id)).length,
      taken: taken.length,
      repeated: taken.length - seen.size,
    }).toEqual({ kind, missing: 0, taken: given.length, repeated: 0 })
  }
}

describe('faults of the source', () => {
  const cases: readonly (readonly [name: string, fault: Fault, options: FaultOptions])[] = [
    ['500', { type: 'server-error' }, { times: 5 }],
    ['502 with HTML', { type: 'bad-gateway' }, { times: 3 }],
    ['503', { type: 'unavailable' }, { times: 3 }],
    ['200 with HTML', { type: 'html' }, { times: 2 }],
    ['200 with null', { type: 'null' }, { times: 2 }],
    ['200 with {}', { type: 'empty-object' }, { times: 2 }],
    ['200 with nothing', { type: 'empty-body' }, { times: 2 }],
    ['200 with an error in it', { type: 'body-error' }, { times: 2, route: 'alerts' }],
    ['JSON cut short', { type: 'truncate', contentLength: 'correct' }, { times: 3 }],
    ['a body shorter than announced', { type: 'truncate', contentLength: 'too-large' }, { times: 3 }],
    ['a reset in the body', { type: 'reset' }, { times: 3 }],
    ['a gzip body', { type: 'gzip' }, { times: 6 }],
    ['another encoding', { type: 'wrong-charset', encoding: 'utf16le' }, { times: 2 }],
    ['ids twice in a page', { type: 'duplicate-ids' }, { times: 6 }],
    ['pages out of order', { type: 'shuffle' }, { times: 6 }],
    ['the same page for ever', { type: 'endless' }, { times: 9, after: 1, route: 'alerts' }],
    ['the same page for ever in scan mode', { type: 'endless' }, { times: 9, after: 1, route: 'activities' }],
    ['hasNext without nextQueryFilters', { type: 'no-next-filters' }, { times: 2, route: 'activities' }],
  ]

  test.each(cases)('%s: in the end every record is there once', async (_, fault, options) => {
    await using harness = await filled({ simulator: { scanLimitMax: 200 } })
    harness.simulator.faults.add(fault, options)
    const running = await harness.start()
    const isDone = (): boolean =>
      harness.simulator.faults.waiting === 0 &&
      running.status().every(({ streams }) => streams.every((stream) => stream.watermarkMs !== undefined))
    await harness.passUntil(isDone, 10 * minuteMs, 2_000)
    await harness.pass(20_000, 5_000)
    await expectEverythingOnce(harness)
    expect(running.status()[0]).toMatchObject({ state: 'collecting', lastError: undefined })
  })

  test('a page that goes wrong moves nothing: no record, no watermark', async () => {
    await using harness = await filled()
    for (const fault of ['html', 'null', 'empty-object', 'empty-body'] as const)
      harness.simulator.faults.add({ type: fault }, { route: 'alerts', times: Number.POSITIVE_INFINITY })
    const running = await harness.start(harness.config({ collect: { activities: false } }))
    await harness.pass(2 * minuteMs, 2_000)
    expect(await harness.rawIds('alerts')).toEqual([])
    expect(running.status()[0]?.streams[0]).toMatchObject({
      watermarkMs: undefined,
      lastError: { code: 'RELAY_SOURCE_RESPONSE' },
    })
    expect(await harness.metric('siem_relay_source_requests_total', { result: 'bad_answer' })).toBeGreaterThan(1)
  })

  test('endless pages are noticed, given up and tried again more and more seldom', async () => {
    await using harness = await filled()
    harness.simulator.faults.add({ type: 'endless' }, { route: 'alerts', times: Number.POSITIVE_INFINITY })
    const running = await harness.start(harness.config({ collect: { activities: false } }))
    await harness.pass(10 * minuteMs, 2_000)
    expect(running.status()[0]?.streams[0]?.lastError?.code).toBe('RELAY_SOURCE_NO_PROGRESS')
    expect(harness.simulator.requests.length).toBeLessThan(100)
    expect(await harness.rawIds('alerts')).toHaveLength(100)
  })

  test('trouble with one stream does not stop the other', async () => {
    await using harness = await filled()
    harness.simulator.faults.add({ type: 'server-error' }, { route: 'alerts', times: Number.POSITIVE_INFINITY })
    const running = await harness.start()
    await harness.pass(minuteMs)
    expect(await harness.rawIds('activities')).toHaveLength(600)
    expect(running.status()[0]).toMatchObject({ state: 'starting', streams: [{}, { state: 'collecting' }] })
  })

  test('a request that never ends is given up after five minutes, and the other stream goes on meanwhile', async () => {
    await using harness = await filled()
    harness.simulator.faults.add({ type: 'drip' }, { route: 'alerts' })
    await harness.start()
    await harness.clock.advance(30_000)
    await harness.quietBut(1)
    for (let i = 0; i < 30; i++) {
      await harness.clock.advance(2_000)
      await harness.quietBut(1)
    }
    expect(await harness.rawIds('activities')).toHaveLength(600)
    expect(await harness.rawIds('alerts')).toEqual([])
    await harness.clock.advance(5 * minuteMs)
    await harness.pass(2 * minuteMs, 2_000)
    await expectEverythingOnce(harness)
  })

  test('an API without scan mode is read by plain pages from then on', async () => {
    await using harness = await filled()
    harness.simulator.faults.add({ type: 'body-error' }, { route: 'activities' })
    await harness.start()
    await harness.pass(2 * minuteMs, 2_000)
    await expectEverythingOnce(harness)
    const scans = harness.simulator.requests.filter((r) => r.route === 'activities' && r.body.isScan === true)
    expect(scans).toHaveLength(1)
  })

  test('filters of the next page that are refused are given up, not scan mode', async () => {
    await using harness = await filled({ simulator: { scanLimitMax: 200 } })
    harness.simulator.faults.add({ type: 'body-error' }, { route: 'activities', after: 1 })
    await harness.start()
    await harness.pass(2 * minuteMs, 2_000)
    await expectEverythingOnce(harness)
    expect(harness.simulator.requests.filter((r) => r.body.isScan === true).length).toBeGreaterThan(5)
  })

  test('a wider sweep that keeps failing does not keep polls from going on', async () => {
    await using harness = await filled()
    await harness.start(harness.config({ collect: { activities: false } }))
    await harness.pass(9 * minuteMs, 5_000)
    const early = startMs - 12 * hourMs
    const isBack = (body: Readonly<Record<string, unknown>>): boolean =>
      (body.filters as { date: { gte: number } }).date.gte < early
    await harness.passUntil(
      () => harness.simulator.requests.some(({ body, atMs }) => atMs > startMs + minuteMs && isBack(body)),
      5 * minuteMs,
    )
    harness.simulator.faults.add({ type: 'server-error' }, { times: 8 })
    await harness.pass(9 * minuteMs, 5_000)
    const make = createGenerator(9)
    harness.simulator.store.addAlert({ ...make.alert(harness.clock.nowMs()), _id: 'new' })
    await harness.pass(15_000)
    expect(await harness.rawIds('alerts')).toContain('new')
  })
})

describe('credentials', () => {
  const withOauth = (harness: Harness, auth: object = {}, more: object = {}) =>
    harness.config({ auth: { type: 'oauth', ...oauth, tokenUrl: harness.simulator.tokenUrl, ...auth }, ...more })

  test('one token serves all requests until five minutes before it expires', async () => {
    await using harness = await filled()
    await harness.start(withOauth(harness, {}, { pollSeconds: 60 }))
    await harness.pass(54 * minuteMs, minuteMs)
    expect(harness.simulator.requests.filter((r) => r.route === 'token')).toHaveLength(1)
    await harness.pass(2 * minuteMs, minuteMs)
    expect(harness.simulator.requests.filter((r) => r.route === 'token')).toHaveLength(2)
    expect(harness.simulator.requests.some((r) => r.status === 401)).toBe(false)
  })

  test('a token that dies within a sweep is replaced, and nothing is lost', async () => {
    await using harness = await filled()
    harness.simulator.faults.add({ type: 'token-expired' }, { route: 'alerts', after: 2 })
    const running = await harness.start(withOauth(harness))
    await harness.pass(minuteMs)
    await expectEverythingOnce(harness)
    expect(running.status()[0]?.lastError).toBeUndefined()
    expect(harness.simulator.requests.filter((r) => r.route === 'token')).toHaveLength(2)
  })

  test('refused credentials are tried again after 1, 2, 4, … 15 minutes, and recover by themselves', async () => {
    await using harness = await filled()
    harness.simulator.faults.add({ type: 'token-expired' }, { times: 12 })
    const running = await harness.start(harness.config({ collect: { activities: false } }))
    await harness.pass(45 * minuteMs, 10_000)
    const minutes = harness.simulator.requests.map((r) => Math.round((r.atMs - startMs) / minuteMs))
    expect(minutes).toEqual([0, 1, 3, 7, 15, 30, 45])
    expect(running.status()[0]).toMatchObject({
      state: 'error',
      lastError: { code: 'RELAY_SOURCE_AUTH', nextMove: expect.stringContaining('credentials') },
    })
    harness.simulator.faults.clear()
    await harness.pass(16 * minuteMs, 10_000)
    expect(running.status()[0]).toMatchObject({ state: 'collecting', lastError: undefined })
    expect(await harness.rawIds('alerts')).toHaveLength(350)
  })

  test('a refused client secret stops both streams, says why and never shows the secret', async () => {
    await using harness = await filled()
    const running = await harness.start(withOauth(harness, { clientSecret: 'canary-wrong' }))
    await harness.pass(3 * minuteMs, 10_000)
    expect(running.status()[0]).toMatchObject({ state: 'error', lastError: { code: 'RELAY_SOURCE_AUTH' } })
    expect(running.status()[0]?.lastError?.message).toContain('AADSTS7000215')
    expect(harness.simulator.requests.every((r) => r.route === 'token')).toBe(true)
    expect(JSON.stringify([running.status(), harness.world.entries])).not.toContain('canary')
  })

  test('a token endpoint that fails is trouble that passes', async () => {
    await using harness = await filled()
    harness.simulator.faults.add({ type: 'server-error' }, { route: 'token', times: 3 })
    harness.simulator.faults.add({ type: 'throttle', retryAfter: { seconds: 20 } }, { route: 'token' })
    harness.simulator.faults.add({ type: 'html' }, { route: 'token' })
    await harness.start(withOauth(harness))
    await harness.pass(3 * minuteMs, 2_000)
    await expectEverythingOnce(harness)
    expect(harness.simulator.violations).toEqual([])
  })
})

describe('throttling', () => {
  test.each([
    ['seconds', { seconds: 45 }, 45_000],
    ['a date', { dateInSeconds: 45 }, 45_000],
    ['hours', { seconds: 9e9 }, 15 * minuteMs],
    ['nonsense', { text: 'soon' }, 5_000],
    ['a negative number', { text: '-5' }, 5_000],
    ['nothing', undefined, 5_000],
  ] as const)('429 with %s: nobody asks before', async (_, retryAfter, leastMs) => {
    await using harness = await filled({ simulator: { nowMs: () => harness.clock.nowMs() + 7_000_000 } })
    await harness.start()
    await harness.pass(70_000)
    const throttle: Fault = retryAfter === undefined ? { type: 'throttle' } : { type: 'throttle', retryAfter }
    harness.simulator.faults.add(throttle)
    await harness.passUntil(() => harness.simulator.requests.at(-1)?.status === 429, minuteMs)
    const { length } = harness.simulator.requests
    const throttledAtMs = harness.clock.nowMs()
    await harness.passUntil(() => harness.simulator.requests.length > length, 16 * minuteMs)
    const waitedMs = harness.clock.nowMs() - throttledAtMs
    expect(waitedMs).toBeGreaterThanOrEqual(leastMs)
    expect(waitedMs).toBeLessThanOrEqual(leastMs + 15_000)
    if (leastMs < 15 * minuteMs) expect(harness.simulator.violations).toEqual([])
    expect(await harness.metric('siem_relay_throttled_total')).toBe(1)
    await harness.pass(minuteMs)
    await expectEverythingOnce(harness)
  })

  test('503 with Retry-After is a pause for everybody too', async () => {
    await using harness = await filled()
    harness.simulator.faults.add({ type: 'unavailable', retryAfter: { seconds: 30 } }, { route: 'activities' })
    await harness.start()
    await harness.pass(2 * minuteMs, 2_000)
    expect(harness.simulator.violations).toEqual([])
    await expectEverythingOnce(harness)
  })

  test("the API's own limit is met without a violation", async () => {
    await using harness = await filled({ simulator: { requestsPerMinute: 5 } })
    await harness.start()
    await harness.pass(10 * minuteMs, 3_000)
    expect(harness.simulator.violations).toEqual([])
    expect(harness.simulator.requests.some((r) => r.status === 429)).toBe(true)
    await expectEverythingOnce(harness)
  })
})
