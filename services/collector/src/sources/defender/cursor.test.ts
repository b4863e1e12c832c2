import { describe, expect, test } from 'vitest'
import { decodeCursor, encodeCursor } from './cursor.ts'
import type { StreamState } from './sweep.ts'

describe('cursor', () => {
  test('is read as it was written', () => {
    const state: StreamState = {
      floorMs: 1,
      watermarkMs: 2,
      poll: { name: 'poll', position: { boundMs: 3, skip: 0, scan: { created: { gte: 3 } } }, targetMs: 4 },
      back: { name: 'deep', position: { boundMs: 1, skip: 5 } },
      wideAtMs: 6,
      deepAtMs: 7,
    }
    expect(decodeCursor('alerts', encodeCursor(state))).toEqual(state)
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
