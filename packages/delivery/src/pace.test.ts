import { FakeClock } from '@siem-relay/service-kit/testing'
import { describe, expect, test } from 'vitest'
import { createPace, type Pace } from './pace.ts'

/** Takes all it gets for so long, in steps. */
async function takeFor(pace: Pace, clock: FakeClock, ms: number, stepMs: number): Promise<number> {
  let taken = pace.take(1_000)
  for (let passed = 0; passed < ms; passed += stepMs) {
    await clock.advance(stepMs)
    taken += pace.take(1_000)
  }
  return taken
}

describe('createPace', () => {
  test.each([1, 3, 7, 19])('gives its messages a second when asked every %d ms, without drift', async (stepMs) => {
    const clock = new FakeClock()
    const taken = await takeFor(createPace(1_000, clock), clock, 399, stepMs)
    // 20 ms of burst, then one a millisecond.
    expect(taken).toBeGreaterThanOrEqual(399 + 19)
    expect(taken).toBeLessThanOrEqual(399 + 20 + stepMs)
  })

  test('makes up for a short pause only', async () => {
    const clock = new FakeClock()
    const pace = createPace(1_000, clock)
    pace.take(1_000)
    await clock.advance(60_000)
    expect(pace.take(1_000)).toBe(20)
  })

  test('waits for what was charged', async () => {
    const clock = new FakeClock()
    const pace = createPace(1_000, clock)
    expect(pace.take(20)).toBe(20)
    pace.charge(100)
    expect(pace.nextAtMs()).toBe(105)
    await clock.advance(100)
    expect(pace.take(1)).toBe(0)
    await clock.advance(1)
    expect(pace.take(1)).toBe(1)
  })

  test('a slow pace still comes to whole messages', async () => {
    const clock = new FakeClock()
    const pace = createPace(1, clock)
    expect([pace.take(5), pace.take(5), pace.nextAtMs()]).toEqual([1, 0, 1_000])
    await clock.advance(1_000)
    expect(pace.take(5)).toBe(1)
  })

  test('without a limit everything may go', () => {
    const pace = createPace(undefined, new FakeClock())
    pace.charge(1_000_000)
    expect(pace.take(1_000_000)).toBe(1_000_000)
  })
})
