import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { distance, midpoint, msOf, normalTime, plusMs, timeOfMs } from './time.ts'

describe('normalTime', () => {
  test.each([
    ['2026-01-15T12:00:00Z', '2026-01-15T12:00:00.0000000Z'],
    ['2026-01-15T12:00:00.5Z', '2026-01-15T12:00:00.5000000Z'],
    ['2026-01-15T12:00:00.1234567Z', '2026-01-15T12:00:00.1234567Z'],
    ['2026-01-15T12:00:00.123456789Z', '2026-01-15T12:00:00.1234567Z'],
    ['2026-01-15T13:30:00.1234567+01:30', '2026-01-15T12:00:00.1234567Z'],
    ['2026-01-15T12:00:00.1234567+00:00', '2026-01-15T12:00:00.1234567Z'],
  ])('%s is %s', (text, time) => expect(normalTime(text)).toBe(time))

  test.each([null, undefined, '', 0, 'yesterday', '2026-01-15', '2026-13-15T12:00:00Z', '2026-01-15T12:00:00.Z', {}])(
    '%s is none',
    (value) => expect(normalTime(value)).toBeUndefined(),
  )
})

describe('times', () => {
  const ticks = fc.tuple(fc.integer({ min: -1e12, max: 1e13 }), fc.integer({ min: 0, max: 9_999 }))
  const time = ticks.map(([ms, digits]) => `${timeOfMs(ms).slice(0, -5)}${String(digits).padStart(4, '0')}Z`)

  test('have one form, which is kept, and sort as they happened', () => {
    fc.assert(
      fc.property(time, time, (a, b) => {
        expect(normalTime(a)).toBe(a)
        expect(Math.sign(distance(a, b))).toBe(a === b ? 0 : a < b ? 1 : -1)
      }),
    )
  })

  test('moved by milliseconds keep the digits behind them', () => {
    expect(plusMs('2026-01-15T12:00:00.1234567Z', -1_800_000)).toBe('2026-01-15T11:30:00.1234567Z')
    expect(plusMs('2026-01-15T12:00:00.9999999Z', 1)).toBe('2026-01-15T12:00:01.0009999Z')
    fc.assert(fc.property(time, fc.integer({ min: -1e9, max: 1e9 }), (a, ms) => plusMs(plusMs(a, ms), -ms) === a))
  })

  test('are milliseconds rounded down', () => {
    expect(msOf('2026-01-15T12:00:00.1239999Z')).toBe(Date.UTC(2026, 0, 15, 12, 0, 0, 123))
    fc.assert(fc.property(fc.integer({ min: 0, max: 1e13 }), (ms) => msOf(timeOfMs(ms)) === ms))
  })

  test('stay between the years 0 and 9999', () => {
    expect(plusMs('0000-01-01T00:00:00.0000000Z', -1)).toBe('0000-01-01T00:00:00.0000000Z')
    expect(plusMs('9999-12-31T23:59:59.0000000Z', 1e12)).toBe('9999-12-31T23:59:59.0000000Z')
  })

  test('have a middle as long as there is a tick between them', () => {
    fc.assert(
      fc.property(time, time, (a, b) => {
        fc.pre(a < b)
        const middle = midpoint(a, b)
        if (distance(a, b) === 1) expect(middle).toBeUndefined()
        else expect(a < (middle as string) && (middle as string) < b).toBe(true)
      }),
    )
    expect(midpoint('2026-01-15T12:00:00.1234567Z', '2026-01-15T12:00:00.1234568Z')).toBeUndefined()
  })
})
