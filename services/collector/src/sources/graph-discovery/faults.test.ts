/** What the source does when a sweep is cut off anywhere, and when Graph is in trouble. */
import type { Bus, Writer } from '@siem-relay/bus'
import { type DiscoveryRow, RelayError } from '@siem-relay/common'
import type { Fault, FaultOptions } from '@siem-relay/simulator'
import { describe, expect, test } from 'vitest'
import {
  always,
  asked,
  configOf,
  hourMs,
  minuteMs,
  opened,
  rows,
  slack,
  sumOf,
  use,
  usersOf,
} from '../../testing/graph-discovery.ts'
import { oauth } from '../../testing/harness.ts'
import { serve } from '../../testing/servers.ts'

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
