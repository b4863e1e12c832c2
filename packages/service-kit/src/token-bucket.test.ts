import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { FakeClock } from './testing/fake-clock.ts'
import { createBudget } from './token-bucket.ts'

const never = new AbortController().signal

function setup(perMinute: number) {
  const clock = new FakeClock(Date.UTC(2026, 0, 1))
  const budget = createBudget({ perMinute, clock })
  const granted: string[] = []
  const take = (name: string, priority = 1, signal: AbortSignal = never): void => {
    budget.take(priority, signal).then(
      () => granted.push(`${name} at ${clock.monotonicMs() / 1_000}`),
      (error: Error) => granted.push(`${name}: ${error.message}`),
    )
  }
  return { clock, budget, granted, take }
}

describe('budget', () => {
  test('grants at once while there is room', async () => {
    const { clock, budget, granted, take } = setup(2)
    take('a')
    take('b')
    await clock.settle()
    expect(granted).toEqual(['a at 0', 'b at 0'])
    expect(budget.remaining()).toBe(0)
  })

  test('a request counts for 60 s from its own time, not per calendar minute', async () => {
    const { clock, granted, take } = setup(2)
    take('a')
    await clock.advance(45_000)
    take('b')
    take('c')
    take('d')
    await clock.advance(60_000)
    expect(granted).toEqual(['a at 0', 'b at 45', 'c at 60', 'd at 105'])
  })

  test('lower priority numbers go first, equals in the order they came', async () => {
    const { clock, granted, take } = setup(1)
    take('first')
    take('activities 1', 2)
    take('activities 2', 2)
    take('alerts', 1)
    await clock.advance(180_000)
    expect(granted).toEqual(['first at 0', 'alerts at 60', 'activities 1 at 120', 'activities 2 at 180'])
  })

  test('a pause holds everybody until its end', async () => {
    const { clock, budget, granted, take } = setup(10)
    budget.pauseUntil(clock.nowMs() + 30_000)
    take('a')
    expect(budget.remaining()).toBe(0)
    await clock.advance(29_999)
    expect(granted).toEqual([])
    await clock.advance(1)
    expect(granted).toEqual(['a at 30'])
    expect(budget.remaining()).toBe(9)
  })

  test('a shorter pause does not shorten a longer one', async () => {
    const { clock, budget, granted, take } = setup(10)
    budget.pauseUntil(clock.nowMs() + 30_000)
    budget.pauseUntil(clock.nowMs() + 5_000)
    take('a')
    await clock.advance(60_000)
    expect(granted).toEqual(['a at 30'])
  })

  test('another rate counts the requests of the last minute', async () => {
    const { clock, budget, granted, take } = setup(3)
    for (const name of ['a', 'b', 'c', 'd', 'e']) take(name)
    await clock.advance(10_000)
    budget.allow(1)
    expect(budget.remaining()).toBe(0)
    await clock.advance(110_000)
    expect(granted).toEqual(['a at 0', 'b at 0', 'c at 0', 'd at 60', 'e at 120'])
    budget.allow(4)
    expect(budget.remaining()).toBe(3)
    expect(() => budget.allow(0)).toThrow(RangeError)
  })

  test('a pause reaches those who wait already', async () => {
    const { clock, budget, granted, take } = setup(1)
    take('a')
    take('b')
    await clock.advance(10_000)
    budget.pauseUntil(clock.nowMs() + 120_000)
    await clock.advance(300_000)
    expect(granted).toEqual(['a at 0', 'b at 130'])
  })

  test.each([
    ['in the past', -1_000, 0],
    ['that is not a number', Number.NaN, 0],
    ['of a year, cut to 15 minutes', 365 * 86_400_000, 900],
    ['without end, cut to 15 minutes', Number.POSITIVE_INFINITY, 900],
  ])('a pause %s', async (_, ms, seconds) => {
    const { clock, budget, granted, take } = setup(1)
    budget.pauseUntil(clock.nowMs() + ms)
    take('a')
    await clock.advance(1_000_000)
    expect(granted).toEqual([`a at ${seconds}`])
  })

  test('a wall clock that jumps neither stalls nor doubles the budget', async () => {
    const { clock, granted, take } = setup(1)
    take('a')
    take('b')
    take('c')
    await clock.settle()
    clock.jumpWallClock(-86_400_000)
    await clock.advance(60_000)
    clock.jumpWallClock(2 * 86_400_000)
    await clock.settle()
    expect(granted).toEqual(['a at 0', 'b at 60'])
  })

  test('an aborted wait gives its turn to the next', async () => {
    const { clock, granted, take } = setup(1)
    const stop = new AbortController()
    take('a')
    take('b', 1, stop.signal)
    take('c')
    await clock.settle()
    stop.abort(new Error('stopped'))
    await clock.advance(60_000)
    expect(granted).toEqual(['a at 0', 'b: stopped', 'c at 60'])
    expect(clock.pending).toBe(0)
  })

  test('an aborted signal takes nothing', async () => {
    const { clock, budget, granted, take } = setup(1)
    take('a', 1, AbortSignal.abort(new Error('stopped')))
    await clock.settle()
    expect(granted).toEqual(['a: stopped'])
    expect(budget.remaining()).toBe(1)
  })

  test('more than 1000 waiting callers are refused, not queued', async () => {
    const { clock, granted, take } = setup(1)
    for (let index = 0; index < 1_002; index++) take(`caller ${index}`)
    await clock.settle()
    expect(granted).toEqual(['caller 0 at 0', 'caller 1001: 1000 requests already wait for their turn'])
  })

  test.each([0, -1, 1.5, Number.NaN])('perMinute %d is refused', (perMinute) => {
    expect(() => createBudget({ perMinute, clock: new FakeClock() })).toThrow(RangeError)
  })

  test('whatever the callers do, no 60 s hold more than perMinute requests', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 5 }),
        fc.array(fc.tuple(fc.nat(40_000), fc.nat(3)), { maxLength: 15 }),
        async (perMinute, calls) => {
          const clock = new FakeClock()
          const budget = createBudget({ perMinute, clock })
          const times: number[] = []
          for (const [waitMs, priority] of calls) {
            await clock.advance(waitMs)
            void budget.take(priority, never).then(() => times.push(clock.monotonicMs()))
          }
          await clock.advance(calls.length * 60_000)
          expect(times).toHaveLength(calls.length)
          times.forEach((startMs, index) => {
            expect(times.slice(index).filter((timeMs) => timeMs < startMs + 60_000).length).toBeLessThanOrEqual(
              perMinute,
            )
          })
        },
      ),
      { numRuns: 50 },
    )
  })
})
