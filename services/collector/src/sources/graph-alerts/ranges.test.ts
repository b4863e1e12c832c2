import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  completeSweep,
  cut,
  dueUnread,
  gapChanges,
  gapsOf,
  noteRead,
  noteUnread,
  planSweep,
  type Range,
  type StreamState,
} from './ranges.ts'
import { plusMs, timeOfMs } from './time.ts'

const hourMs = 3_600_000
const overlapMs = hourMs / 2
const nowMs = Date.UTC(2026, 0, 15, 12)
const at = (hours: number): string => timeOfMs(nowMs + hours * hourMs)
const now = at(0)
const covers = (ranges: readonly Range[], time: string): number =>
  ranges.filter(({ from, to }) => from <= time && (to === undefined || time < to)).length

describe('planSweep', () => {
  test('begins at the floor, the oldest part first, and goes to the end of the list', () => {
    expect(planSweep({ floor: at(-13) }, overlapMs, nowMs)).toEqual([
      { from: at(-13), to: at(-7) },
      { from: at(-7), to: at(-1) },
      { from: at(-1) },
    ])
  })

  test('begins a little behind the cursor, to the tick, but never before the floor', () => {
    const cursor = '2026-01-15T11:59:59.1234567Z'
    expect(planSweep({ floor: at(-48), cursor }, overlapMs, nowMs)).toEqual([{ from: '2026-01-15T11:29:59.1234567Z' }])
    expect(planSweep({ floor: at(-0.1), cursor }, overlapMs, nowMs)).toEqual([{ from: at(-0.1) }])
  })

  test('leaves out what is known to be unreadable, and nothing else', () => {
    const hours = fc.integer({ min: -20, max: 20 })
    fc.assert(
      fc.property(fc.array(fc.tuple(hours, hours), { maxLength: 8 }), fc.array(hours), (gaps, probes) => {
        let state: StreamState = { floor: at(-24) }
        for (const [a, b] of gaps) if (a < b) state = noteUnread(state, { from: at(a), to: at(b) }, nowMs)
        const plan = planSweep(state, overlapMs, nowMs)
        for (const hour of probes) {
          const time = plusMs(at(hour), 1)
          expect(covers(plan, time) + covers(state.unread ?? [], time)).toBe(1)
        }
      }),
    )
  })
})

describe('cut', () => {
  test('gives halves, until there is nothing to cut', () => {
    expect(cut({ from: at(-2), to: at(0) }, now)).toEqual([
      { from: at(-2), to: at(-1) },
      { from: at(-1), to: at(0) },
    ])
    const tick = { from: '2026-01-15T12:00:00.0000001Z', to: '2026-01-15T12:00:00.0000002Z' }
    expect(cut(tick, now)).toBeUndefined()
  })

  test('parts what goes to the end of the list at the present, whose future the next sweep reads', () => {
    expect(cut({ from: at(-2) }, now)).toEqual([{ from: at(-2), to: now }, { from: now }])
    expect(cut({ from: now }, now)).toEqual([])
  })
})

describe('unread ranges', () => {
  const range = { from: at(-3), to: at(-2) }

  test('are tried again after five minutes, then less and less often, at least every hour', () => {
    let state: StreamState = { floor: at(-9) }
    const waits: number[] = []
    for (let tries = 0; tries < 7; tries++) {
      state = noteUnread(state, range, nowMs)
      waits.push(((state.unread?.[0]?.retryAtMs ?? 0) - nowMs) / 60_000)
    }
    expect(waits).toEqual([5, 10, 20, 40, 60, 60, 60])
    expect(dueUnread(state, nowMs + hourMs - 1)).toEqual([])
    expect(dueUnread(state, nowMs + hourMs)).toEqual([range])
  })

  test('shrink by what was read of them', () => {
    const state = noteUnread({ floor: at(-9) }, { from: at(-4), to: at(0) }, nowMs)
    const left = noteRead(state, { from: at(-3), to: at(-2) }).unread
    expect(left?.map(({ from, to }) => [from, to])).toEqual([
      [at(-4), at(-3)],
      [at(-2), at(0)],
    ])
    expect(noteRead(state, { from: at(-5) }).unread).toEqual([])
  })

  test('are told as gaps when they are found, and as whole when nothing is left of them', () => {
    const none: StreamState = { floor: at(-9) }
    const found = noteUnread(none, range, nowMs)
    const gap = {
      fromMs: nowMs - 3 * hourMs,
      toMs: nowMs - 2 * hourMs + 1,
      reason: 'unreadable',
      state: 'open',
      sinceMs: nowMs,
    }
    expect(gapsOf(found)).toEqual([gap])
    expect(gapChanges(none, found)).toEqual([{ type: 'opened', gap }])
    const smaller = noteRead(found, { from: at(-3), to: at(-2.5) })
    expect(gapChanges(found, noteUnread(smaller, { from: at(-2.5), to: at(-2) }, nowMs + 1))).toEqual([])
    expect(gapsOf(noteUnread(smaller, { from: at(-2.5), to: at(-2) }, nowMs + 1))[0]?.sinceMs).toBe(nowMs)
    expect(gapChanges(found, noteRead(found, range))).toEqual([{ type: 'whole', gap }])
  })

  test('are a hundred at most: the nearest become one, and nothing is forgotten', () => {
    let state: StreamState = { floor: at(-999) }
    for (let n = 0; n < 150; n++)
      state = noteUnread(state, { from: at(-2 * n - 1), to: timeOfMs(nowMs - 2 * n * hourMs - hourMs / 2) }, nowMs)
    expect(state.unread).toHaveLength(100)
    for (let n = 0; n < 150; n++) expect(covers(state.unread ?? [], at(-2 * n - 0.75))).toBe(1)
  })
})

describe('completeSweep', () => {
  const times = { serverMs: nowMs, guessedMs: 0, overlapMs }

  test('the cursor is the latest time read, as Graph wrote it', () => {
    const latest = '2026-01-15T11:59:59.1234567Z'
    expect(completeSweep({ floor: at(-48) }, latest, times)).toEqual({
      floor: at(-48),
      cursor: latest,
      watermarkMs: nowMs,
    })
  })

  test('a time in the future does not count, and where nothing happens it follows the clock', () => {
    expect(completeSweep({ floor: at(-48) }, at(5), times).cursor).toBe(now)
    expect(completeSweep({ floor: at(-48), cursor: at(-9) }, undefined, times).cursor).toBe(at(-0.5))
  })

  test('never moves backwards', () => {
    const state = { floor: at(-48), cursor: now, watermarkMs: nowMs + 1 }
    expect(completeSweep(state, at(-9), times)).toEqual(state)
  })

  test('a server that never says the time moves it by what was read alone', () => {
    const silent = { serverMs: undefined, guessedMs: nowMs + 24 * hourMs, overlapMs }
    expect(completeSweep({ floor: at(-48) }, undefined, silent).cursor).toBe(at(-48))
    expect(completeSweep({ floor: at(-48) }, at(-1), silent).cursor).toBe(at(-1))
  })
})
