import { describe, expect, test } from 'vitest'
import { createShelves, createStore, type Store } from '../defender/store.ts'
import { createTimeline } from './timeline.ts'

const startMs = 1_760_000_000_000
const minuteMs = 60_000
const hourMs = 60 * minuteMs

function emptyStore(): Store {
  return createStore(createShelves(100_000))
}

function live(seed: number, stepMs: number, untilMs: number): Store {
  const store = emptyStore()
  const timeline = createTimeline(seed, { startMs, activitiesPerMinute: 3 })
  for (let nowMs = startMs + stepMs; nowMs <= untilMs; nowMs += stepMs) timeline.publish(store, nowMs)
  return store
}

describe('timeline', () => {
  test('is the same life for the same seed, however often it is published', () => {
    const often = live(1, minuteMs, startMs + 10 * hourMs)
    const once = live(1, 10 * hourMs, startMs + 10 * hourMs)
    expect(often.counts.activities).toBeGreaterThan(300)
    expect(often.all('activities')).toEqual(once.all('activities'))
    expect(often.all('alerts')).toEqual(once.all('alerts'))
    expect(live(2, hourMs, startMs + hourMs).all('activities')[0]).not.toEqual(once.all('activities')[0])
  })

  test('nothing is saved before its time, and everything in the order of its saving', () => {
    const untilMs = startMs + 5 * hourMs
    const created = live(1, hourMs, untilMs)
      .all('activities')
      .map((record) => record.created ?? 0)
    expect(Math.max(...created)).toBeLessThanOrEqual(untilMs)
    expect(created).toEqual([...created].sort((a, b) => a - b))
  })

  test('some activities arrive hours late, some share a millisecond', () => {
    const records = live(1, hourMs, startMs + 10 * hourMs).all('activities')
    expect(records.some((record) => (record.created ?? 0) - record.timestamp > hourMs)).toBe(true)
    expect(new Set(records.map((record) => record.timestamp)).size).toBeLessThan(records.length)
  })

  test('some alerts change afterwards: read, closed, or triggered again', () => {
    const store = emptyStore()
    const timeline = createTimeline(1, { startMs, activitiesPerMinute: 0, alertsPerHour: 60 })
    let updates = 0
    for (let hour = 1; hour <= 5; hour += 1) updates += timeline.publish(store, startMs + hour * hourMs).updates
    expect(updates).toBeGreaterThan(10)
    expect(store.counts.activities).toBe(0)
    expect(store.all('alerts').some((alert) => (alert.resolutionStatusValue ?? 0) >= 3)).toBe(true)
    const idTimeMs = (id: string): number => Number.parseInt(id.slice(0, 8), 16) * 1000
    expect(store.all('alerts').some((alert) => alert.timestamp - idTimeMs(alert._id) > minuteMs)).toBe(true)
  })

  test('a clock that stands still or goes back adds nothing; a long silence is caught up with in part', () => {
    const store = emptyStore()
    const timeline = createTimeline(1, { startMs, activitiesPerMinute: 3, catchUpMsMax: hourMs })
    timeline.publish(store, startMs + hourMs)
    const before = store.counts
    expect(timeline.publish(store, startMs + hourMs)).toEqual({ activities: 0, alerts: 0, updates: 0 })
    expect(timeline.publish(store, startMs)).toEqual({ activities: 0, alerts: 0, updates: 0 })
    expect(store.counts).toEqual(before)
    const caughtUp = timeline.publish(store, startMs + 1000 * hourMs)
    expect(caughtUp.activities).toBeGreaterThan(0)
    expect(caughtUp.activities).toBeLessThan(500)
  })
})
