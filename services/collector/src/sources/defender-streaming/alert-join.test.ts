import type { StateChange } from '@siem-relay/bus'
import { describe, expect, test } from 'vitest'
import { AlertJoin, type AlertJoinOptions } from './alert-join.ts'

const once: AlertJoinOptions = { settleMs: 60_000, waitMs: 600_000, isVersioned: false }
const versioned: AlertJoinOptions = { ...once, isVersioned: true }
const bodies = (join: AlertJoin, nowMs: number): string[] => join.takeDue(nowMs).map(({ body }) => body.toString())

describe('an alert', () => {
  test('leaves once its row and some evidence are there and the settle time has passed, with all evidence until then', () => {
    const join = new AlertJoin(once)
    join.add('a', 'AlertEvidence', '{"e":1}', 0)
    join.add('a', 'AlertInfo', '{"i":1}', 1_000)
    expect(bodies(join, 59_999)).toEqual([])
    join.add('a', 'AlertEvidence', '{"e":2}', 59_999)
    expect(bodies(join, 60_000)).toEqual(['{"AlertInfo":{"i":1},"AlertEvidence":[{"e":1},{"e":2}]}'])
    expect(bodies(join, 9_000_000)).toEqual([])
  })

  test.each([
    ['its row alone', 'AlertInfo', '{"AlertInfo":{"x":1},"AlertEvidence":[]}'],
    ['evidence alone', 'AlertEvidence', '{"AlertInfo":null,"AlertEvidence":[{"x":1}]}'],
  ] as const)('leaves with %s after the longer wait', (_, table, body) => {
    const join = new AlertJoin(once)
    join.add('a', table, '{"x":1}', 0)
    expect(bodies(join, 599_999)).toEqual([])
    expect(bodies(join, 600_000)).toEqual([body])
  })

  test('takes the latest of its own rows, and every evidence row once', () => {
    const join = new AlertJoin(once)
    expect(join.add('a', 'AlertInfo', '{"i":1}', 0)).toBe(true)
    expect(join.add('a', 'AlertInfo', '{"i":1}', 0)).toBe(false)
    expect(join.add('a', 'AlertInfo', '{"i":2}', 0)).toBe(true)
    expect(join.add('a', 'AlertEvidence', '{"e":1}', 0)).toBe(true)
    expect(join.add('a', 'AlertEvidence', '{"e":1}', 0)).toBe(false)
    expect(bodies(join, 60_000)).toEqual(['{"AlertInfo":{"i":2},"AlertEvidence":[{"e":1}]}'])
  })

  test('that comes again with more evidence is a new version with all of it, a settle time later', () => {
    const join = new AlertJoin(versioned)
    join.add('a', 'AlertInfo', '{"i":1}', 0)
    join.add('a', 'AlertEvidence', '{"e":1}', 0)
    const [first] = join.takeDue(60_000)
    expect(join.add('a', 'AlertEvidence', '{"e":1}', 70_000)).toBe(false)
    join.add('a', 'AlertEvidence', '{"e":2}', 70_000)
    expect(bodies(join, 129_999)).toEqual([])
    const [second] = join.takeDue(130_000)
    expect(second?.body.toString()).toBe('{"AlertInfo":{"i":1},"AlertEvidence":[{"e":1},{"e":2}]}')
    expect(first?.version).toMatch(/^[0-9a-f]{16}$/)
    expect(second?.version).not.toBe(first?.version)
  })

  test('leaves out evidence beyond what one record holds, and says how much', () => {
    const join = new AlertJoin(once)
    join.add('a', 'AlertInfo', '{}', 0)
    join.add('a', 'AlertEvidence', `"${'x'.repeat(399_000)}"`, 0)
    join.add('a', 'AlertEvidence', `"${'y'.repeat(2_000)}"`, 0)
    expect(bodies(join, 60_000)[0]).toMatch(/x"\],"EvidenceLeftOut":1\}$/)
  })
})

describe('bounds', () => {
  test('beyond 5,000 waiting alerts the oldest leave at once', () => {
    const join = new AlertJoin(once)
    for (let n = 0; n < 5_002; n++) join.add(`a${n}`, 'AlertInfo', '{}', n)
    expect(join.takeDue(5_002).map(({ id }) => id)).toEqual(['a0', 'a1'])
  })

  test('an alert that left is forgotten a day later, and its key with it', () => {
    const join = new AlertJoin(versioned)
    join.add('a', 'AlertInfo', '{}', 0)
    join.takeDue(600_000)
    join.takeChanges()
    join.takeDue(600_000 + 86_400_001)
    expect(join.takeChanges()).toEqual([{ key: 'alert/a', value: null }])
  })
})

describe('state', () => {
  const stateOf = (changes: readonly StateChange[]) =>
    new Map(changes.flatMap(({ key, value }) => (value === null ? [] : [[key, Buffer.from(value)] as const])))

  test('a restart keeps what waits, and the time since when', () => {
    const before = new AlertJoin(once)
    before.add('a', 'AlertInfo', '{"i":-640236721980338696}', 0)
    before.add('a', 'AlertEvidence', '{"e":1}', 30_000)
    const after = new AlertJoin(once)
    after.restore(new Map([...stateOf(before.takeChanges()), ['offset/xdr/0', Buffer.from('{"offset":1}')]]))
    expect(after.add('a', 'AlertEvidence', '{"e":1}', 40_000)).toBe(false)
    expect(bodies(after, 60_000)).toEqual(['{"AlertInfo":{"i":-640236721980338696},"AlertEvidence":[{"e":1}]}'])
  })

  test('changes are given once, and a leaving alert forgets its key', () => {
    const join = new AlertJoin(once)
    join.add('a', 'AlertInfo', '{}', 0)
    expect(join.takeChanges()).toHaveLength(1)
    expect(join.takeChanges()).toEqual([])
    join.takeDue(600_000)
    expect(join.takeChanges()).toEqual([{ key: 'alert/a', value: null }])
  })

  test.each(['{', '{}', '[]', 'null'])('%s is not taken for an alert', (value) =>
    expect(() => new AlertJoin(once).restore(new Map([['alert/a', Buffer.from(value)]]))).toThrow(
      expect.objectContaining({ code: 'RELAY_LOG_CORRUPT', disposition: 'stop' }),
    ),
  )
})
