import { describe, expect, test } from 'vitest'
import type { Gap } from '../gaps.ts'
import { defenderSourceSchema } from './config.ts'
import {
  awayMsMax,
  breakOffReread,
  doubtOfAway,
  doubtOfGivenUp,
  doubtOfShort,
  endReread,
  endsShort,
  forgetOldGaps,
  type Noted,
  noteDoubt,
  takeUpGap,
} from './reread.ts'
import { planOf, type StreamState, type Sweep } from './sweep.ts'

const minuteMs = 60_000
const hourMs = 60 * minuteMs
const dayMs = 24 * hourMs
const now = 1_000 * dayMs
const settings = {
  id: 'a',
  type: 'defender-for-cloud-apps',
  url: 'https://x.example',
  auth: { type: 'token', token: 't' },
}
const config = defenderSourceSchema.parse(settings)
const plan = planOf('activities', config)
const alerts = planOf('alerts', config)
const poll = (boundMs: number): Sweep => ({ name: 'poll', position: { boundMs, skip: 0 } })
const doubt = { reason: 'away', fromMs: now - hourMs, toMs: now } as const
const gap: Gap = { ...doubt, state: 'open', sinceMs: now }
const noted = (state: StreamState): Noted => ({ state, changes: [] })

describe('awayMsMax', () => {
  test('is the time the widest sweep waits for its turn, and a poll', () => {
    expect(awayMsMax(plan, 10_000)).toBe(30 * minuteMs + 10_000)
    expect(awayMsMax(alerts, 3_600_000)).toBe(7 * hourMs)
  })

  test('never longer than sweeps reach back', () => {
    const overlap = { activities: { wide: 'PT1H', wideEvery: 'P1D' } }
    const rare = planOf('activities', defenderSourceSchema.parse({ ...settings, overlap }))
    expect(awayMsMax(rare, 0)).toBe(hourMs)
  })
})

describe('doubtOfAway', () => {
  const state: StreamState = { floorMs: 0, watermarkMs: now - 10 * hourMs, askedMs: now - 10 * hourMs + 2 * minuteMs }
  const of = (more: Partial<StreamState>, bound = now - 10 * hourMs) =>
    doubtOfAway({ ...state, ...more }, poll(bound), plan, now, 31 * minuteMs)

  test('after a long absence: as far as sweeps reach behind where it was read', () => {
    expect(of({})).toEqual({ fromMs: now - 11 * hourMs, toMs: now - 10 * hourMs, reason: 'away' })
  })

  test('after a shorter one only what wider sweeps do not reach from now', () => {
    const askedMs = now - 40 * minuteMs
    expect(of({ askedMs, watermarkMs: askedMs - 2 * minuteMs }, 0)).toEqual({
      fromMs: askedMs - 62 * minuteMs,
      toMs: now - 62 * minuteMs,
      reason: 'away',
    })
  })

  test('none while somebody asks often enough, however far behind it is', () => {
    expect(of({ askedMs: now - 30 * minuteMs })).toBeUndefined()
  })

  test('a poll that was interrupted counts as far as it had come', () => {
    expect(of({}, now - 10 * hourMs - 5)?.toMs).toBe(now - 10 * hourMs)
    const firstPoll = { floorMs: 0, askedMs: now - 3 * hourMs }
    expect(doubtOfAway(firstPoll, poll(now - 40 * hourMs), plan, now, 1)?.toMs).toBe(now - 40 * hourMs)
  })

  test('records dated in the future do not move it', () => {
    expect(of({}, now + dayMs)?.toMs).toBe(state.askedMs)
  })

  test('a cursor of a version that did not keep the time of asking is taken by its watermark', () => {
    const { askedMs: _, ...old } = state
    expect(doubtOfAway(old, poll(0), plan, now, minuteMs)).toEqual(of({}))
    expect(doubtOfAway({ floorMs: 0 }, poll(0), plan, now, minuteMs)).toBeUndefined()
  })

  test('a server clock that was set back is no absence', () => {
    expect(of({ askedMs: now + dayMs })).toBeUndefined()
  })
})

describe('doubtOfGivenUp', () => {
  const sweep = (name: Sweep['name']): Sweep => ({ name, position: { boundMs: 5, skip: 0 }, targetMs: 9 })

  test('the rest of the widest sweep, which nobody reads again', () => {
    expect(doubtOfGivenUp(sweep('deep'), alerts, false, now)).toEqual({ fromMs: 5, toMs: 9, reason: 'given-up' })
    expect(doubtOfGivenUp(sweep('wide'), plan, false, now)).toMatchObject({ reason: 'given-up' })
  })

  test('not of a narrower one: the widest reads it', () => {
    expect(doubtOfGivenUp(sweep('wide'), alerts, false, now)).toBeUndefined()
  })

  test('of any sweep whose answers contradict themselves', () => {
    expect(doubtOfGivenUp(sweep('wide'), alerts, true, now)).toMatchObject({ reason: 'inconsistent' })
    expect(doubtOfGivenUp(poll(5), alerts, true, now)).toEqual({ fromMs: 5, toMs: now, reason: 'inconsistent' })
  })
})

describe('endsShort', () => {
  const record = { id: 'a', timestampMs: 1, createdMs: 1, bytes: Buffer.alloc(0) }
  const page = (total: number | undefined, hasNext = false) => ({
    records: [record, record],
    hasNext,
    total,
    nextQueryFilters: undefined,
    problem: undefined,
  })
  const query = { filters: {}, sortField: 'date', sortDirection: 'asc', limit: 100, skip: 20 } as const

  test('a list that ends clearly before its count does', () => {
    expect(endsShort(page(33), query)).toBe(true)
  })

  test.each([
    ['some records more may have come between list and count', page(32), query],
    ['counts that are capped are smaller', page(1), query],
    ['what is not counted', page(undefined), query],
    ['a list that goes on', page(99, true), query],
    ['scan mode', page(99), { ...query, isScan: true as const }],
  ])('not: %s', (_, given, asked) => {
    expect(endsShort(given, asked)).toBe(false)
  })

  test('in doubt is everything behind where the page was asked for', () => {
    expect(doubtOfShort({ ...poll(5), targetMs: 9 }, 7)).toEqual({ fromMs: 5, toMs: 10, reason: 'inconsistent' })
    expect(doubtOfShort(poll(5), 7)).toEqual({ fromMs: 5, toMs: 8, reason: 'inconsistent' })
  })
})

describe('noteDoubt', () => {
  test('opens a gap and tells it', () => {
    expect(noteDoubt(noted({ floorMs: 0 }), doubt, now)).toEqual({
      state: { floorMs: 0, gaps: [gap] },
      changes: [{ type: 'opened', gap }],
    })
  })

  test('what lies before the first start was never meant to be read', () => {
    expect(noteDoubt(noted({ floorMs: now - 5 }), doubt, now).state.gaps).toEqual([{ ...gap, fromMs: now - 5 }])
    expect(noteDoubt(noted({ floorMs: now }), doubt, now)).toEqual(noted({ floorMs: now }))
  })

  test('no doubt changes nothing', () => {
    expect(noteDoubt(noted({ floorMs: 0 }), undefined, now)).toEqual(noted({ floorMs: 0 }))
  })

  test('a gap that grows is not told again', () => {
    const grown = noteDoubt(noted({ gaps: [gap] }), { ...doubt, fromMs: now, toMs: now + 5 }, now)
    expect(grown).toEqual(noted({ gaps: [{ ...gap, toMs: now + 5 }] }))
  })

  const reading = (boundMs: number): StreamState => ({
    gaps: [{ ...gap, state: 'reading' }],
    reread: { name: 'reread', position: { boundMs, skip: 3 }, targetMs: now },
  })

  test('one that grows ahead of its reading is read on', () => {
    const { state } = noteDoubt(noted(reading(now - 9)), { ...doubt, fromMs: now - 9, toMs: now + 5 }, now)
    expect(state.gaps).toEqual([{ ...gap, state: 'reading', toMs: now + 5 }])
    expect(state.reread).toEqual({ name: 'reread', position: { boundMs: now - 9, skip: 3 }, targetMs: now + 5 })
  })

  test('a doubt about what was read again begins the reading anew', () => {
    const { state } = noteDoubt(noted(reading(now - 9)), { ...doubt, fromMs: now - 10, toMs: now + 5 }, now)
    expect(state).toEqual({ gaps: [{ ...gap, toMs: now + 5 }] })
  })

  test('a doubt elsewhere leaves the reading alone', () => {
    const { state } = noteDoubt(noted(reading(now - 9)), { ...doubt, fromMs: 5, toMs: 9 }, now)
    expect(state.reread).toEqual(reading(now - 9).reread)
    expect(state.gaps).toEqual([{ ...gap, fromMs: 5, toMs: 9 }, ...(reading(0).gaps ?? [])])
  })
})

describe('takeUpGap', () => {
  test('reads the oldest from its beginning to its end', () => {
    const { state, changes } = takeUpGap('alerts', { gaps: [gap] }, undefined, now)
    expect(changes).toEqual([])
    expect(state).toEqual({
      gaps: [{ ...gap, state: 'reading' }],
      reread: { name: 'reread', position: { boundMs: gap.fromMs, skip: 0 }, targetMs: gap.toMs },
    })
    expect(takeUpGap('alerts', state, undefined, now).state).toBe(state)
  })

  test('what would be repeated, since its ids are forgotten, is told as unverifiable; the rest is read', () => {
    const coveredMs = gap.fromMs + 5
    const { state, changes } = takeUpGap('alerts', { gaps: [gap] }, coveredMs, now + 1)
    const lost = { ...gap, toMs: coveredMs, state: 'unverifiable', sinceMs: now + 1 }
    expect(changes).toEqual([{ type: 'unverifiable', gap: lost }])
    expect(state.gaps).toEqual([lost, { ...gap, fromMs: coveredMs, state: 'reading' }])
    expect(state.reread?.position.boundMs).toBe(coveredMs)
  })

  test('ids that are forgotten behind the reading cost nothing; those before it do', () => {
    const { state } = takeUpGap('alerts', { gaps: [gap] }, undefined, now)
    const further = { ...state, reread: { ...(state.reread as Sweep), position: { boundMs: now - 20, skip: 0 } } }
    expect(takeUpGap('alerts', further, now - 20, now)).toEqual(noted(further))
    const { state: cut } = takeUpGap('alerts', further, now - 10, now)
    expect(cut.gaps).toEqual([
      { ...gap, fromMs: now - 20, toMs: now - 10, state: 'unverifiable' },
      { ...gap, fromMs: now - 10, state: 'reading' },
    ])
    expect(cut.reread?.position).toEqual({ boundMs: now - 10, skip: 0 })
  })

  test('what the API has no more is unverifiable', () => {
    const old = { ...gap, fromMs: now - 300 * dayMs, toMs: now - 181 * dayMs }
    const { state } = takeUpGap('activities', { gaps: [old, gap] }, undefined, now)
    expect(state.gaps?.map((each) => each.state)).toEqual(['unverifiable', 'reading'])
    expect(state.reread?.position.boundMs).toBe(gap.fromMs)
  })

  test('nothing to read is nothing to do', () => {
    const state = { gaps: [{ ...gap, state: 'unverifiable' as const }] }
    expect(takeUpGap('alerts', state, undefined, now)).toEqual(noted(state))
    expect(takeUpGap('alerts', {}, undefined, now)).toEqual(noted({}))
  })

  test('a gap whose reading got lost is read from its beginning', () => {
    const state: StreamState = { gaps: [{ ...gap, state: 'reading' }] }
    expect(takeUpGap('alerts', state, undefined, now).state.reread?.position.boundMs).toBe(gap.fromMs)
  })
})

describe('the end of a reading', () => {
  const { state: reading } = takeUpGap('alerts', { floorMs: 0, gaps: [gap] }, undefined, now)

  test('closes the gap and tells it', () => {
    expect(endReread(reading)).toEqual({
      state: { floorMs: 0 },
      changes: [{ type: 'whole', gap: { ...gap, state: 'reading' } }],
    })
  })

  test('broken off, the gap is open as before', () => {
    expect(breakOffReread(reading)).toEqual({ floorMs: 0, gaps: [gap] })
  })
})

describe('forgetOldGaps', () => {
  test('of what cannot be read again nothing is told after a week', () => {
    const lost: Gap = { ...gap, state: 'unverifiable' }
    expect(forgetOldGaps({ floorMs: 0, gaps: [lost] }, now + dayMs)).toEqual({ floorMs: 0, gaps: [lost] })
    expect(forgetOldGaps({ floorMs: 0, gaps: [lost] }, now + 7 * dayMs)).toEqual({ floorMs: 0 })
    expect(forgetOldGaps({ floorMs: 0 }, now)).toEqual({ floorMs: 0 })
  })
})
