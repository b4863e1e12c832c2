/** The conversation with a portal played by the test. */
import type { Acknowledger, BusRecord, DeliverSpec } from '@siem-relay/bus'
import {
  type AgentOrders,
  deadLettersTopic,
  letterHeaders,
  type PollAnswer,
  RelayError,
  type ReportRequest,
} from '@siem-relay/common'
import { systemClock } from '@siem-relay/service-kit'
import { memoryLogger } from '@siem-relay/service-kit/testing'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { type AgentRequest, LeaseLost } from './portal-client.ts'
import { Session } from './session.ts'
import type { SessionTuning } from './tuning.ts'

const orders: AgentOrders = { revision: 'r', agent: null, live: true, replays: [] }
const topic = { name: 'out.siem', partitions: 1, cleanup: 'delete', retentionMs: 1 } as const

/** Answers as the test says; what it has no answer for waits until the signal ends it. */
class Portal {
  readonly origin = 'https://portal.test'
  readonly asked: { readonly request: AgentRequest; readonly body: Record<string, unknown> }[] = []
  answers: Partial<Record<AgentRequest, (body: never, signal: AbortSignal) => unknown>> = {
    lease: () => ({ lease: 'A'.repeat(22), leaseMs: 30_000, waitMs: 20_000, orders }),
    report: () => ({}),
    release: () => ({}),
  }

  ask = async (request: AgentRequest, body: object, _schema: unknown, signal: AbortSignal): Promise<never> => {
    this.asked.push({ request, body: body as Record<string, unknown> })
    const answer = this.answers[request]
    if (answer !== undefined) return (await answer(body as never, signal)) as never
    return new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason), { once: true }))
  }

  get reports(): ReportRequest[] {
    return this.asked.flatMap(({ request, body }) => (request === 'report' ? [body as unknown as ReportRequest] : []))
  }
}

const leaving: AbortController[] = []
afterEach(() => {
  for (const one of leaving.splice(0)) one.abort()
})

function start(tuning: Partial<SessionTuning> = {}) {
  const portal = new Portal()
  const { log, entries } = memoryLogger()
  const session = new Session({
    client: portal as never,
    token: () => 'token',
    clock: systemClock,
    random: () => 0,
    log,
    identity: { instance: 'instance', host: 'host', version: '1' },
    onOrders: () => undefined,
    tuning: { gapMs: 1, backoff: { minMs: 1, maxMs: 2 }, ...tuning },
  })
  const taken: BusRecord[] = []
  let acknowledger: Acknowledger | undefined
  const spec: DeliverSpec = {
    group: 'sender.siem',
    topics: [topic],
    batchRecordsMax: 500,
    batchBytesMax: 1_000_000,
    open: (_, given) => {
      acknowledger = given
      return { deliver: async (batch) => void taken.push(...batch), revoked: () => undefined }
    },
  }
  const feed = session.deliver(spec)
  const stop = new AbortController()
  leaving.push(stop)
  const running = session.run(stop.signal)
  running.catch(() => undefined)
  return { portal, session, feed, taken, entries, stop, running, acknowledger: () => acknowledger }
}

function batch(life: number, first: number, count: number, opening = 1): PollAnswer['batches'][number] {
  const records = Array.from({ length: count }, (_, index) => ({
    offset: first + index,
    key: `k${first + index}`,
    text: 'x',
    headers: {},
    appendedMs: 0,
  }))
  return { group: 'sender.siem', opening, topic: topic.name, partition: 0, life, records }
}

/** Gives these answers, one a poll, then lets polls wait. */
function polls(...answers: PollAnswer[]) {
  return (_: never, signal: AbortSignal): unknown =>
    answers.shift() ??
    new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason), { once: true }))
}

const eventually = (fact: () => void): Promise<void> => vi.waitFor(fact, { timeout: 5_000, interval: 2 })

describe('Session', () => {
  test('an answer that arrives after its lease has ended is nobody’s', async () => {
    const { portal, taken, stop } = start()
    const late = Promise.withResolvers<PollAnswer>()
    portal.answers.poll = () => late.promise
    portal.answers.report = () => {
      throw new LeaseLost('RELAY_AGENT_TROUBLE', 'over')
    }
    const leases: unknown[] = []
    portal.answers.lease = (body) => {
      leases.push(body)
      if (leases.length > 1) throw new RelayError('RELAY_PORTAL_UNREACHABLE', 'away')
      return { lease: 'A'.repeat(22), leaseMs: 30_000, waitMs: 20_000, orders }
    }
    await eventually(() => expect(leases.length).toBeGreaterThan(1))
    late.resolve({ number: 1, batches: [batch(1, 0, 5)], ended: [] })
    await late.promise
    const before = leases.length
    await eventually(() => expect(leases.length).toBeGreaterThan(before))
    expect(taken).toEqual([])
    stop.abort()
  })

  test('a report that failed is sent again as it was; what comes meanwhile waits for the next', async () => {
    const { portal, taken, acknowledger } = start()
    let isAway = true
    const reported = (): readonly ReportRequest[] => portal.reports.filter((one) => one.acknowledged.length > 0)
    portal.answers.poll = polls({ number: 1, batches: [batch(1, 0, 10)], ended: [] })
    await eventually(() => expect(taken).toHaveLength(10))
    portal.answers.report = (body: ReportRequest) => {
      if (body.acknowledged.length > 0 && isAway) throw new RelayError('RELAY_PORTAL_UNREACHABLE', 'away')
      return {}
    }
    acknowledger()?.acknowledge(0, 4)
    await eventually(() => expect(reported().length).toBeGreaterThan(0))
    acknowledger()?.acknowledge(5, 9)
    const before = reported().length
    await eventually(() => expect(reported().length).toBeGreaterThan(before))
    isAway = false
    await eventually(() => expect(reported().at(-1)?.acknowledged[0]?.ranges).toEqual([[5, 9]]))
    const again = reported().slice(0, -1)
    expect(new Set(again.map((report) => JSON.stringify(report.acknowledged[0]?.ranges)))).toEqual(new Set(['[[0,4]]']))
    expect(new Set(again.map(({ number }) => number)).size).toBe(1)
  })

  test('no more is handed on while too much is confirmed and not reported', async () => {
    const { portal, taken, acknowledger } = start({ unreportedMax: 10 })
    const gate = Promise.withResolvers<object>()
    const second = Promise.withResolvers<PollAnswer>()
    const first = { number: 1, batches: [batch(1, 0, 20)], ended: [] }
    const polled: unknown[] = []
    portal.answers.poll = (_: never, signal: AbortSignal) => {
      polled.push(undefined)
      return polled.length === 1 ? first : polled.length === 2 ? second.promise : polls()(_, signal)
    }
    await eventually(() => expect(taken).toHaveLength(20))
    portal.answers.report = () => gate.promise
    acknowledger()?.acknowledge(0, 19)
    await eventually(() => expect(portal.reports.at(-1)?.acknowledged).toHaveLength(1))
    second.resolve({ number: 2, batches: [batch(1, 20, 5)], ended: [] })
    await eventually(() => expect(polled).toHaveLength(3))
    expect(taken).toHaveLength(20)
    gate.resolve({})
    await eventually(() => expect(taken).toHaveLength(25))
  })

  test('reasons are made such that the portal takes them', async () => {
    const { portal, taken, acknowledger } = start()
    portal.answers.poll = polls({ number: 1, batches: [batch(7, 0, 1)], ended: [] })
    await eventually(() => expect(taken).toHaveLength(1))
    const reason = `NUL \u0000, half \ud83d, ${'x'.repeat(2_000)}`
    const headers = {
      [letterHeaders.code]: 'RELAY_RECEIVER_REFUSED',
      [letterHeaders.reason]: reason,
      [letterHeaders.attempts]: '3',
    }
    const [record] = taken
    if (record === undefined) throw new Error('no record')
    acknowledger()?.deadLetter(record, { topic: deadLettersTopic.name, key: '', value: Buffer.alloc(0), headers })
    await eventually(() => expect(portal.reports.some(({ letters }) => letters.length > 0)).toBe(true))
    const [letter] = portal.reports.flatMap(({ letters }) => letters)
    expect(letter).toMatchObject({ life: 7, offset: 0, code: 'RELAY_RECEIVER_REFUSED', attempts: 3 })
    expect(letter?.reason).toMatch(/^NUL \ufffd, half \ufffd, x+$/)
    expect(letter?.reason).toHaveLength(500)
  })

  test('a stop reports what was acknowledged before it is through, and gives the lease back', async () => {
    const { portal, feed, taken, acknowledger, stop, running } = start()
    portal.answers.poll = polls({ number: 1, batches: [batch(1, 0, 3)], ended: [] })
    await eventually(() => expect(taken).toHaveLength(3))
    acknowledger()?.acknowledge(0, 2)
    await feed.stop()
    const last = portal.reports.at(-1)
    expect(portal.reports.flatMap((report) => report.acknowledged)).toEqual([{ life: 1, ranges: [[0, 2]] }])
    expect(last?.feeds).toEqual([])
    stop.abort()
    await running
    expect(portal.asked.at(-1)?.request).toBe('release')
  })

  test('a partition that another process has now is let go of at once', async () => {
    const { portal, feed, taken, acknowledger } = start()
    portal.answers.poll = polls(
      { number: 1, batches: [batch(1, 0, 3)], ended: [] },
      { number: 2, batches: [], ended: [1] },
    )
    await eventually(() => expect(portal.asked.filter(({ request }) => request === 'poll')).toHaveLength(3))
    expect(taken).toHaveLength(3)
    acknowledger()?.acknowledge(0, 2)
    await feed.stop()
    expect(portal.reports.flatMap((report) => report.acknowledged)).toEqual([])
  })
})
