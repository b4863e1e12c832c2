import { describe, expect, test } from 'vitest'
import { RereadPace } from './reread-pace.ts'

const minuteMs = 60_000

describe('RereadPace', () => {
  test('at first there is nothing to wait for', () => {
    expect(new RereadPace().waitMs(0)).toBeLessThan(0)
  })

  test('after each try that broke off it waits longer, up to a quarter of an hour, until one gets to its end', () => {
    const pace = new RereadPace()
    const waits = Array.from({ length: 6 }, () => {
      pace.brokeOff(0)
      return pace.waitMs(0) / minuteMs
    })
    expect(waits).toEqual([1, 2, 4, 8, 15, 15])
    pace.ended(false)
    pace.brokeOff(0)
    expect(pace.waitMs(minuteMs)).toBe(0)
  })

  test('a list that ends short is accepted the third time, unless it brought something', () => {
    const pace = new RereadPace()
    const accepted = Array.from({ length: 3 }, () => {
      const isAccepted = pace.isShortAccepted(false)
      pace.endedShort(0)
      return isAccepted
    })
    expect(accepted).toEqual([false, false, true])
    expect(pace.isShortAccepted(true)).toBe(false)
  })

  test('counts are believed until a gap was closed against them', () => {
    const pace = new RereadPace()
    pace.ended(false)
    expect(pace.areCountsTrusted).toBe(true)
    pace.ended(true)
    expect(pace.areCountsTrusted).toBe(false)
  })
})
