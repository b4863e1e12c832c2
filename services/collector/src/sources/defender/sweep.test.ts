import { describe, expect, test } from 'vitest'
import { defenderSourceSchema } from './config.ts'
import { completePoll, nextBackAtMs, noteBack, planOf, reachMs, startBack, startPoll } from './sweep.ts'

const minuteMs = 60_000
const hourMs = 60 * minuteMs
const dayMs = 24 * hourMs
const config = defenderSourceSchema.parse({
  id: 'a',
  type: 'defender-for-cloud-apps',
  url: 'https://x.example',
  auth: { type: 'token', token: 't' },
})
const alerts = planOf('alerts', config)
const activities = planOf('activities', config)
const now = 100 * dayMs

describe('planOf', () => {
  test('looks back for late records: alerts a day and a week, activities an hour', () => {
    expect(alerts).toEqual({
      settleMs: 2 * minuteMs,
      back: [
        { name: 'deep', backMs: 7 * dayMs, everyMs: 6 * hourMs },
        { name: 'wide', backMs: dayMs, everyMs: 10 * minuteMs },
      ],
    })
    expect(activities.back).toEqual([{ name: 'wide', backMs: hourMs, everyMs: 30 * minuteMs }])
    expect([reachMs(alerts), reachMs(activities)]).toEqual([7 * dayMs, hourMs])
  })
})

describe('startPoll', () => {
  test('begins at the floor as long as there is no watermark', () => {
    expect(startPoll({ floorMs: 7 }, alerts, 90)).toEqual({ name: 'poll', position: { boundMs: 7, skip: 0 } })
  })

  test('reaches a little behind the watermark, but not behind the floor nor behind what is known', () => {
    const from = (floorMs: number, coveredSinceMs?: number): number =>
      startPoll({ floorMs, watermarkMs: now }, alerts, coveredSinceMs).position.boundMs
    expect(from(0)).toBe(now - 2 * minuteMs)
    expect(from(now - 5)).toBe(now - 5)
    expect(from(0, now - 30)).toBe(now - 30)
    expect(from(0, 5)).toBe(now - 2 * minuteMs)
  })

  test('ids of records dated in the future never make it leave something out', () => {
    expect(startPoll({ floorMs: 0, watermarkMs: now }, alerts, now + dayMs).position.boundMs).toBe(now)
  })
})

describe('startBack', () => {
  const done = { floorMs: 0, watermarkMs: now, wideAtMs: now, deepAtMs: now }

  test('nothing is due before the first poll has ended, nor before its time', () => {
    expect(startBack({ floorMs: 0 }, alerts, now, undefined)).toBeUndefined()
    expect(startBack(done, alerts, now + 9 * minuteMs, undefined)).toBeUndefined()
    expect(nextBackAtMs(done, alerts, now)).toBe(now + 10 * minuteMs)
  })

  test('ends at the watermark and begins as far back as its name says', () => {
    expect(startBack(done, alerts, now + 10 * minuteMs, undefined)).toEqual({
      name: 'wide',
      position: { boundMs: now - dayMs, skip: 0 },
      targetMs: now,
    })
    expect(startBack(done, alerts, now + 6 * hourMs, undefined)).toMatchObject({
      name: 'deep',
      position: { boundMs: now - 7 * dayMs },
    })
  })

  test('never reaches behind the first start or behind what is known', () => {
    expect(startBack({ ...done, floorMs: now - 5 }, alerts, now + dayMs, undefined)?.position.boundMs).toBe(now - 5)
    expect(startBack(done, alerts, now + dayMs, now - 9)?.position.boundMs).toBe(now - 9)
  })

  test('the deep sweep counts as a wide one', () => {
    expect(startBack(noteBack(done, 'deep', now + dayMs), alerts, now + dayMs, undefined)).toBeUndefined()
  })

  test('a clock that was set back does not put it off', () => {
    expect(startBack(done, alerts, now - dayMs, undefined)).toBeDefined()
  })
})

describe('completePoll', () => {
  const poll = { name: 'poll', position: { boundMs: 0, skip: 0 } } as const

  test('the watermark is what the server said at the beginning, less the time records need to appear', () => {
    const state = completePoll({ floorMs: 0, watermarkMs: 5, poll }, { ...poll, targetMs: now }, alerts, 7, 1)
    expect(state).toEqual({ floorMs: 0, watermarkMs: now - 2 * minuteMs })
  })

  test('without the server’s time it goes by what was read', () => {
    expect(completePoll({ floorMs: 0, watermarkMs: 5, poll }, poll, alerts, now, 1).watermarkMs).toBe(
      now - 2 * minuteMs,
    )
  })

  test('never moves backwards', () => {
    const state = { floorMs: 0, watermarkMs: now, poll }
    expect(completePoll(state, { ...poll, targetMs: now - dayMs }, alerts, 0, 1).watermarkMs).toBe(now)
  })

  test('after the first poll the wider sweeps wait for their turn', () => {
    expect(completePoll({ floorMs: 0, poll }, { ...poll, targetMs: now }, alerts, 0, 77)).toMatchObject({
      wideAtMs: 77,
      deepAtMs: 77,
    })
  })
})
