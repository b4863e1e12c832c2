import { describe, expect, test } from 'vitest'
import { countText, durationText, parseTime } from './time.ts'

const nowMs = Date.UTC(2026, 10, 24, 12)

describe('a time on the command line', () => {
  test.each([
    ['now', '2026-11-24T12:00:00.000Z'],
    ['-90s', '2026-11-24T11:58:30.000Z'],
    ['-2h', '2026-11-24T10:00:00.000Z'],
    ['-1d', '2026-11-23T12:00:00.000Z'],
    ['-1w', '2026-11-17T12:00:00.000Z'],
    ['-999999999w', '1970-01-01T00:00:00.000Z'],
    ['2026-11-20', '2026-11-20T00:00:00.000Z'],
    ['2026-11-20T08:30', '2026-11-20T08:30:00.000Z'],
    ['2026-11-20 08:30:15', '2026-11-20T08:30:15.000Z'],
    ['2026-11-20T08:30:15.250Z', '2026-11-20T08:30:15.250Z'],
    ['2026-11-20T08:30+02:00', '2026-11-20T06:30:00.000Z'],
    ['2026-11-20T08:30:00-0530', '2026-11-20T14:00:00.000Z'],
  ])('%s is %s', (text, iso) => expect(new Date(parseTime('--from', text, nowMs)).toISOString()).toBe(iso))

  test.each(['', 'yesterday', '2h', '-2', '-2y', '2026-02-30', '2026-13-01', '2026-11-20T25:00', '1700000000000'])(
    '%j is refused with what to write',
    (text) => expect(() => parseTime('--from', text, nowMs)).toThrow(/--from .* is no time: write 2026-/),
  )
})

test('durations have two units at most', () => {
  expect([0.4, 59.6, 125, 7_384, 200_000].map(durationText)).toEqual([
    '0 s',
    '1 min 0 s',
    '2 min 5 s',
    '2 h 3 min',
    '2 d 7 h',
  ])
})

test('counts are grouped, and one is one', () => {
  expect([countText(1, 'message', 'messages'), countText(1_234_567, 'message', 'messages')]).toEqual([
    '1 message',
    '1,234,567 messages',
  ])
})
