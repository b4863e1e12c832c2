import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  addGap,
  beginReading,
  breakOff,
  cutGap,
  type Gap,
  gapsMax,
  gapsSchema,
  heldSinceMs,
  isToldOf,
  nextGap,
  withoutOld,
  withoutRead,
} from './gaps.ts'

const gap = (fromMs: number, toMs: number, more: Partial<Gap> = {}): Gap => ({
  fromMs,
  toMs,
  reason: 'away',
  state: 'open',
  sinceMs: 1_000,
  ...more,
})
const lost = { state: 'unverifiable' } as const
const dayMs = 86_400_000

describe('addGap', () => {
  test('keeps gaps apart that do not touch, earliest first', () => {
    expect(addGap([gap(20, 30)], gap(1, 9))).toEqual([gap(1, 9), gap(20, 30)])
  })

  test('joins what overlaps or touches: the first reason stays, and since when', () => {
    const joined = addGap([gap(0, 10), gap(20, 30)], gap(10, 20, { reason: 'given-up', sinceMs: 5_000 }))
    expect(joined).toEqual([gap(0, 30)])
  })

  test('does not join what can be read again with what cannot', () => {
    expect(addGap([gap(0, 10, lost)], gap(5, 20))).toEqual([gap(0, 10, lost), gap(5, 20)])
  })

  test('an empty one changes nothing', () => {
    const gaps = [gap(0, 10)]
    expect(addGap(gaps, gap(12, 12))).toBe(gaps)
    expect(addGap(gaps, gap(12, 11))).toBe(gaps)
  })

  test('a new doubt about what is being read begins it anew', () => {
    expect(addGap([gap(0, 10, { state: 'reading' })], gap(2, 5))).toEqual([gap(0, 10)])
  })

  test(`of more than ${gapsMax} the two nearest become one, with what is between them`, () => {
    const apart = Array.from({ length: gapsMax }, (_, i) => gap(i * 100, i * 100 + 10))
    const gaps = addGap(apart, gap(540, 550))
    expect(gaps).toHaveLength(gapsMax)
    expect(gaps[5]).toEqual(gap(500, 550))
    expect(apart.map((each) => ({ ...each, ...lost })).reduce(addGap, gaps)).toHaveLength(2 * gapsMax)
  })
})

describe('nextGap', () => {
  test('what is being read goes on, then what is oldest; what cannot be read is never next', () => {
    expect(nextGap([gap(0, 5), gap(6, 9, { state: 'reading' })])).toMatchObject({ fromMs: 6 })
    expect(nextGap([gap(0, 5, lost), gap(6, 9), gap(10, 11)])).toMatchObject({ fromMs: 6 })
    expect(nextGap([gap(0, 5, lost)])).toBeUndefined()
  })
})

describe('heldSinceMs', () => {
  test('is the beginning of the earliest that will be read', () => {
    expect(heldSinceMs([gap(0, 5, lost), gap(6, 9), gap(10, 11)])).toBe(6)
    expect(heldSinceMs([gap(0, 5, lost)])).toBe(Number.POSITIVE_INFINITY)
  })
})

describe('cutGap', () => {
  const only = gap(0, 100, { state: 'reading' })
  const cut = (readMs: number, readableMs: number) => cutGap([only], only, readMs, readableMs, 7_000)

  test('all of it can be read: nothing changes', () => {
    expect(cut(0, 0)).toEqual({ gaps: [only], lost: undefined })
    expect(cut(50, 40)).toEqual({ gaps: [only], lost: undefined })
  })

  test('what was not read and cannot be is told to be so; the rest begins anew behind it', () => {
    const piece = gap(20, 60, { ...lost, sinceMs: 7_000 })
    expect(cut(20, 60)).toEqual({ gaps: [piece, gap(60, 100)], lost: piece })
  })

  test('none of it can be read: nothing is left open', () => {
    const piece = gap(0, 100, { ...lost, sinceMs: 7_000 })
    expect(cut(0, 900)).toEqual({ gaps: [piece], lost: piece })
  })
})

describe('withoutOld', () => {
  test('tells for a week what cannot be read again, and what can for as long as it takes', () => {
    const gaps = [gap(0, 1, { ...lost, sinceMs: 0 }), gap(2, 3, { sinceMs: 0 }), gap(4, 5, { ...lost, sinceMs: dayMs })]
    expect(withoutOld(gaps, 7 * dayMs)).toEqual(gaps.slice(1))
  })
})

describe('isToldOf', () => {
  test('a gap that only makes an open one longer is no news', () => {
    expect(isToldOf([gap(0, 10)], gap(10, 12))).toBe(true)
    expect(isToldOf([gap(0, 10, lost)], gap(10, 12))).toBe(false)
    expect(isToldOf([gap(0, 10)], gap(11, 12))).toBe(false)
  })
})

describe('gapsSchema', () => {
  test('reads what was written', () => {
    const gaps = [gap(0, 1, lost), gap(2, 3, { state: 'reading', reason: 'expired' })]
    expect(gapsSchema.parse(JSON.parse(JSON.stringify(gaps)))).toEqual(gaps)
  })

  test('a reason or state of a newer version is a gap nevertheless', () => {
    expect(gapsSchema.parse([{ ...gap(0, 1), reason: 'new', state: 'new', more: 1 }])).toEqual([
      gap(0, 1, { reason: 'inconsistent' }),
    ])
  })
})

describe('whatever happens in whatever order', () => {
  type Step =
    | { readonly type: 'add'; readonly from: number; readonly length: number }
    | { readonly type: 'read' }
    | { readonly type: 'breakOff' }
    | { readonly type: 'cut'; readonly read: number; readonly readable: number }
  const place = fc.integer({ min: 0, max: 1_000 })
  const step: fc.Arbitrary<Step> = fc.oneof(
    { weight: 5, arbitrary: fc.record({ type: fc.constant('add' as const), from: place, length: fc.nat(12) }) },
    fc.constant({ type: 'read' as const }),
    fc.constant({ type: 'breakOff' as const }),
    fc.record({ type: fc.constant('cut' as const), read: place, readable: place }),
  )
  const pointsOf = (gaps: readonly Gap[]): Set<number> =>
    new Set(gaps.flatMap(({ fromMs, toMs }) => Array.from({ length: toMs - fromMs }, (_, i) => fromMs + i)))

  /** The truth, point by point. */
  function follow(steps: readonly Step[]): void {
    let gaps: readonly Gap[] = []
    let open = new Set<number>()
    const gone = new Set<number>()
    for (const each of steps) {
      const next = nextGap(gaps)
      if (each.type === 'add') {
        gaps = addGap(gaps, gap(each.from, each.from + each.length))
        for (let i = 0; i < each.length; i++) open.add(each.from + i)
      } else if (next === undefined) continue
      else if (each.type === 'read') {
        gaps = withoutRead(beginReading(gaps, next))
        for (const point of pointsOf([next])) open.delete(point)
      } else if (each.type === 'breakOff') gaps = breakOff(beginReading(gaps, next))
      else {
        gaps = cutGap(gaps, next, each.read, each.readable, 1_000).gaps
        const isCut = each.readable > Math.max(next.fromMs, each.read) && each.read < next.toMs
        for (const point of isCut ? pointsOf([next]) : []) {
          if (point >= each.readable) continue
          open.delete(point)
          if (point >= each.read) gone.add(point)
        }
      }
      const left = gaps.filter(({ state }) => state !== 'unverifiable')
      const unreadable = gaps.filter(({ state }) => state === 'unverifiable')
      for (const list of [left, unreadable]) {
        expect(list.length).toBeLessThanOrEqual(gapsMax)
        for (const [i, one] of list.entries()) expect(one.fromMs).toBeGreaterThan(list[i - 1]?.toMs ?? -1)
      }
      expect([...open.difference(pointsOf(left))]).toEqual([])
      expect([...gone.difference(pointsOf(unreadable))]).toEqual([])
      if (left.length < gapsMax) expect([...pointsOf(left).difference(open)]).toEqual([])
      // At the bound more is told than is missing; from then on that is what has to be read.
      else open = pointsOf(left)
      if (unreadable.length < gapsMax) expect([...pointsOf(unreadable).difference(gone)]).toEqual([])
      else for (const point of pointsOf(unreadable)) gone.add(point)
    }
  }

  test('what is told is what is missing, and more only at the bound of their number', () => {
    fc.assert(fc.property(fc.array(step, { maxLength: 60 }), follow))
  })
})
