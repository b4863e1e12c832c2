import { describe, expect, test } from 'vitest'
import { decodeCursor, encodeCursor } from './cursor.ts'
import type { StreamState } from './sweep.ts'

/** What the first version kept. */
const first: StreamState = {
  floorMs: 1,
  watermarkMs: 2,
  poll: { name: 'poll', position: { boundMs: 3, skip: 0, scan: { created: { gte: 3 } } }, targetMs: 4 },
  back: { name: 'deep', position: { boundMs: 1, skip: 5 } },
  wideAtMs: 6,
  deepAtMs: 7,
}
const now: StreamState = {
  ...first,
  askedMs: 8,
  gaps: [
    { fromMs: 1, toMs: 2, reason: 'away', state: 'reading', sinceMs: 9 },
    { fromMs: 3, toMs: 4, reason: 'given-up', state: 'unverifiable', sinceMs: 9 },
  ],
  reread: { name: 'reread', position: { boundMs: 1, skip: 2 }, targetMs: 2 },
}

describe('cursor', () => {
  test('is read as it was written', () => {
    expect(decodeCursor('alerts', encodeCursor(now))).toEqual(now)
  })

  test('of the first version is read', () => {
    expect(decodeCursor('alerts', encodeCursor(first))).toEqual(first)
  })

  test('as it is written now is read by the first version, which leaves its new keys aside', () => {
    const { askedMs, gaps, reread, ...known } = JSON.parse(encodeCursor(now).toString())
    expect([askedMs, gaps.length, reread.name]).toEqual([8, 2, 'reread'])
    expect(known).toEqual(first)
  })

  test('none is a first start', () => {
    expect(decodeCursor('alerts', undefined)).toEqual({})
  })

  test('what a newer version added is left aside', () => {
    expect(decodeCursor('alerts', Buffer.from('{"floorMs":1,"more":[]}'))).toEqual({ floorMs: 1 })
  })

  test.each(['', '{', 'null', '{"floorMs":"1"}', '{"poll":{"name":"poll"}}'])(
    'a damaged one stops the source instead of starting anew: %s',
    (text) => {
      expect(() => decodeCursor('alerts', Buffer.from(text))).toThrow(
        expect.objectContaining({ code: 'RELAY_LOG_CORRUPT', disposition: 'stop' }),
      )
    },
  )
})
