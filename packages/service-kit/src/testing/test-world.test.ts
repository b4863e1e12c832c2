import type { Bus } from '@siem-relay/bus'
import { describe, expect, test } from 'vitest'
import { FakeClock } from './fake-clock.ts'
import { seededRandom, testWorld } from './test-world.ts'

const bus = {} as Bus

describe('testWorld', () => {
  test('takes the bus and keeps what is logged, at the time of its clock', () => {
    const world = testWorld({ bus, clock: new FakeClock(0) })
    world.log.info('started')
    expect(world.bus).toBe(bus)
    expect(world.entries).toMatchObject([{ msg: 'started', time: '1970-01-01T00:00:00.000Z' }])
  })

  test('everything else can be overridden', () => {
    expect(testWorld({ bus, hostName: 'other', random: () => 0.25 })).toMatchObject({ hostName: 'other' })
  })
})

describe('seededRandom', () => {
  test('gives the same sequence for the same seed, within [0, 1)', () => {
    const first = seededRandom(7)
    const second = seededRandom(7)
    const values = Array.from({ length: 1_000 }, () => first())
    expect(values).toEqual(Array.from({ length: 1_000 }, () => second()))
    expect(values.every((value) => value >= 0 && value < 1)).toBe(true)
    expect(new Set(values).size).toBeGreaterThan(990)
  })
})
