/** Who works for an agent, what it is given, and when that ends; on a bus of the test's and a clock that stands still. */
import { agentSchema, outTopic, type ReportRequest, senderGroup } from '@siem-relay/common'
import { replayMetrics } from '@siem-relay/delivery'
import { FakeBus } from '@siem-relay/delivery/testing'
import { testWorld } from '@siem-relay/service-kit/testing'
import { describe, expect, test } from 'vitest'
import { Desk } from './desk.ts'
import { Feed } from './feed.ts'

const group = senderGroup('siem')
const identity = (name: string) => ({ instance: `${name}-${name}`, host: name, version: '1' })
const asking = { token: 'one', isTokenValid: () => true }

function setUp() {
  const bus = new FakeBus()
  const world = testWorld({ bus })
  const definition = agentSchema.parse({
    id: 'siem',
    remote: true,
    syslog: { host: 'siem', port: 514 },
    alerts: { filter: { severity: { eq: [2] } } },
    tenants: ['contoso'],
  })
  const desk = new Desk(definition, world, undefined)
  const metrics = replayMetrics(world.metrics, 'siem')
  const feed = new Feed({
    agent: 'siem',
    world,
    input: { group, topics: [outTopic('siem')] },
    metrics,
    changed: () => desk.ring(),
    nextLife: () => desk.nextLife(),
  })
  desk.attach({ feed, metrics, replay: undefined, onStatus: () => undefined })
  let reports = 0
  return {
    bus,
    world,
    desk,
    feed,
    clock: world.clock,
    report: (lease: string, more: Partial<ReportRequest> = {}) =>
      desk.report(
        { lease, number: reports++, feeds: [{ group, opening: 1 }], taken: [], acknowledged: [], letters: [], ...more },
        'one',
      ),
    /** The orders in force are known: only records are news. */
    poll: (lease: string, after: number, waitMs = 0, signal = new AbortController().signal) =>
      desk.poll({ lease, after, revision: revisions.get(desk) ?? '', waitMs }, { ...asking, signal }),
  }
}

const revisions = new WeakMap<Desk, string>()

function lease(desk: Desk, name = 'first'): string {
  const taken = desk.take(identity(name), asking)
  revisions.set(desk, taken.orders.revision)
  return taken.lease
}

describe('what is given', () => {
  test('an answer is given again until the next poll says that it arrived', async () => {
    const { bus, desk, report, poll } = setUp()
    const mine = lease(desk)
    await report(mine)
    const giving = bus.give('siem', ['CEF:a', 'CEF:b'])
    const first = await poll(mine, 0)
    await giving
    expect(first).toMatchObject({ number: 1, batches: [{ group, opening: 1, partition: 0 }] })
    expect(first.batches[0]?.records.map(({ text }) => text)).toEqual(['CEF:a', 'CEF:b'])
    expect(await poll(mine, 0)).toEqual(first)
    expect(await poll(mine, 1)).toEqual({ number: 1, batches: [], ended: [] })
    await expect(poll(mine, 0)).rejects.toMatchObject({ code: 'lease_lost' })
  })

  test('a newer poll takes the place of one whose line is gone; records go to the newer', async () => {
    const { bus, desk, report, poll } = setUp()
    const mine = lease(desk)
    await report(mine)
    const older = poll(mine, 0, 20_000)
    const newer = poll(mine, 0, 20_000)
    expect(await older).toEqual({ number: 0, batches: [], ended: [] })
    await bus.give('siem', ['CEF:a'])
    expect((await newer).batches).toHaveLength(1)
  })

  test('a poll that nobody listens to any more takes nothing', async () => {
    const { bus, desk, report, poll } = setUp()
    const mine = lease(desk)
    await report(mine)
    const line = new AbortController()
    const waiting = poll(mine, 0, 20_000, line.signal)
    line.abort()
    await waiting
    const giving = bus.give('siem', ['CEF:a'])
    expect((await poll(mine, 0)).batches).toHaveLength(1)
    await giving
  })

  test('a partition that the log takes back is told of; what was acknowledged of it then has no effect', async () => {
    const { bus, desk, report, poll } = setUp()
    const mine = lease(desk)
    await report(mine)
    await Promise.all([bus.give('siem', ['CEF:a']), poll(mine, 0)])
    const [batch] = (await poll(mine, 0)).batches
    bus.partition('siem').revoke()
    expect(await poll(mine, 1)).toMatchObject({ ended: [batch?.life], batches: [] })
    await report(mine, { acknowledged: [{ life: batch?.life ?? 0, ranges: [[0, 0]] }] })
    expect(bus.partition('siem').acknowledged.size).toBe(0)
  })

  test('orders hold what delivery needs and nothing else of the definition', () => {
    const { desk } = setUp()
    const { orders } = desk.take(identity('first'), asking)
    expect(Object.keys(orders.agent ?? {}).sort()).toEqual(['device', 'header', 'id', 'syslog'])
    expect(orders).toMatchObject({ live: true, replays: [] })
  })

  test('an older report that arrives late opens and closes nothing, and what it acknowledges counts', async () => {
    const { bus, desk, feed, report, poll } = setUp()
    const mine = lease(desk)
    await report(mine, { number: 5 })
    await Promise.all([bus.give('siem', ['CEF:a']), poll(mine, 0)])
    const [batch] = (await poll(mine, 0)).batches
    const acknowledged = [{ life: batch?.life ?? 0, ranges: [[0, 0] as [number, number]] }]
    await report(mine, { number: 4, feeds: [], acknowledged })
    expect(feed.isOpen).toBe(true)
    expect(bus.partition('siem').committed).toBe(1)
  })
})

describe('who works', () => {
  test('another may take over 10 s after an answer nobody came back from, 30 s into a poll that waits', async () => {
    const { desk, clock, poll } = setUp()
    const first = lease(desk)
    await poll(first, 0)
    await clock.advance(9_000)
    expect(() => lease(desk, 'second')).toThrow(expect.objectContaining({ code: 'lease_held' }))
    await clock.advance(1_001)
    const second = lease(desk, 'second')
    await expect(poll(first, 0)).rejects.toMatchObject({ code: 'lease_lost' })

    const waiting = poll(second, 0, 25_000)
    await clock.advance(24_000)
    expect(() => lease(desk, 'third')).toThrow(expect.objectContaining({ code: 'lease_held', retryAfterSeconds: 5 }))
    await clock.advance(1_001)
    await waiting
  })

  test('what a frozen process says after its successor began has no effect', async () => {
    const { bus, desk, clock, report, poll } = setUp()
    const first = lease(desk)
    await report(first)
    await Promise.all([bus.give('siem', ['CEF:a']), poll(first, 0)])
    const [batch] = (await poll(first, 0)).batches
    await clock.advance(31_000)
    const second = lease(desk, 'second')
    const acknowledged = [{ life: batch?.life ?? 0, ranges: [[0, 0] as [number, number]] }]
    await expect(report(first, { acknowledged })).rejects.toMatchObject({ code: 'lease_lost' })
    await report(second, { number: 0, acknowledged })
    expect(bus.partition('siem').acknowledged.size).toBe(0)
  })

  test('while nobody else wants it, a holder goes on where it was; after two minutes more its partitions are let go', async () => {
    const { desk, clock, feed, report, poll } = setUp()
    const mine = lease(desk)
    await report(mine)
    await clock.advance(100_000)
    desk.look()
    expect(await poll(mine, 0)).toMatchObject({ number: 0 })
    expect(feed.isOpen).toBe(true)
    await clock.advance(131_000)
    desk.look()
    await clock.settle()
    expect(feed.isOpen).toBe(false)
    await expect(poll(mine, 0)).rejects.toMatchObject({ code: 'lease_lost' })
  })

  test('a release lets the next one in at once', async () => {
    const { desk, poll } = setUp()
    const first = lease(desk)
    await desk.release(first, 'one')
    const second = lease(desk, 'second')
    expect(await poll(second, 0)).toMatchObject({ number: 0 })
  })
})

describe('the end of a feed', () => {
  test('waits until the agent has given back what it had', async () => {
    const { desk, feed, report, poll } = setUp()
    const mine = lease(desk)
    await report(mine)
    const waiting = poll(mine, 0, 20_000)
    const detached = desk.detach(group, 8_000)
    expect((await waiting).orders).toMatchObject({ agent: null, live: false })
    expect(feed.isOpen).toBe(true)
    await report(mine, { feeds: [] })
    await detached
    expect(feed.isOpen).toBe(false)
  })

  test('and no longer than the time it has', async () => {
    const { desk, clock, feed, report } = setUp()
    const mine = lease(desk)
    await report(mine)
    const detached = desk.detach(group, 8_000)
    await clock.advance(8_001)
    await detached
    expect(feed.isOpen).toBe(false)
  })
})
