import { describe, expect, test } from 'vitest'
import { Expired } from './expired.ts'

const dayMs = 86_400_000
const gap = (fromMs: number, toMs: number, sinceMs = 9_000) => ({
  fromMs,
  toMs,
  reason: 'expired',
  state: 'unverifiable',
  sinceMs,
})

describe('Expired', () => {
  test('times of several partitions that overlap are one', () => {
    const expired = new Expired()
    expired.note(1_000, 5_000, 9_000)
    expired.note(4_000, 6_000, 9_000)
    expect(expired.gaps(9_000)).toEqual([gap(1_000, 6_000)])
  })

  test('clocks that contradict each other make a short gap, not none', () => {
    expect(new Expired().note(7_000, 5_000, 9_000)).toEqual(gap(4_999, 5_000))
  })

  test('has something to commit until it is committed, and is restored from it', () => {
    const expired = new Expired()
    expect(expired.changes()).toEqual([])
    expired.note(1_000, 5_000, 9_000)
    const changes = expired.changes()
    expect(expired.changes()).toEqual(changes)
    expired.committed()
    expect(expired.changes()).toEqual([])
    const next = new Expired()
    next.restore(new Map(changes.map(({ key, value }) => [key, value as Buffer])))
    expect(next.gaps(9_000)).toEqual([gap(1_000, 5_000)])
    expect(next.changes()).toEqual([])
  })

  test('tells a gap for a week', () => {
    const expired = new Expired()
    expired.note(1_000, 5_000, 9_000)
    expect(expired.gaps(9_000 + 7 * dayMs)).toEqual([])
    expired.note(1_000, 5_000, 10_000 + 7 * dayMs)
    expect(expired.gaps(10_000 + 7 * dayMs)).toEqual([gap(1_000, 5_000, 10_000 + 7 * dayMs)])
  })

  test.each(['', '{}', '[{"fromMs":"1"}]'])('what is not readable stops the source: %s', (text) => {
    expect(() => new Expired().restore(new Map([['gaps', Buffer.from(text)]]))).toThrow(
      expect.objectContaining({ code: 'RELAY_LOG_CORRUPT', disposition: 'stop' }),
    )
  })
})
