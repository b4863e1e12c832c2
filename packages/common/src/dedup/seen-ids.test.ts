import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { RelayError } from '../errors.ts'
import { type SeenChange, SeenIds } from './seen-ids.ts'

const seenIds = (idsMax = 1_000): SeenIds => new SeenIds({ prefix: 'seen/', idsMax })

/** Plays the state topic. */
function apply(state: Map<string, Buffer>, changes: readonly SeenChange[]): void {
  for (const { key, value } of changes) {
    if (value === null) state.delete(key)
    else state.set(key, value)
  }
}

describe('SeenIds', () => {
  test('knows what was committed and what is staged, and nothing else', () => {
    const seen = seenIds()
    seen.addChunk(['a', 'b'], 10)
    expect([seen.has('a'), seen.has('b'), seen.has('c')]).toEqual([true, true, false])
    seen.commit()
    expect([seen.has('a'), seen.size]).toEqual([true, 2])
  })

  test('a rollback leaves it as it was', () => {
    const seen = seenIds(2)
    seen.addChunk(['a', 'b'], 10)
    seen.commit()
    seen.addChunk(['b', 'c', 'c'], 20)
    seen.rollback()
    expect([seen.has('a'), seen.has('b'), seen.has('c'), seen.size]).toEqual([true, true, false, 2])
    expect(seen.coveredSinceMs).toBeUndefined()
    expect(seen.addChunk(['d'], 20).map((c) => c.key)).toEqual(['seen/000000000001', 'seen/000000000000'])
  })

  test('a second chunk cannot be staged over an undecided one', () => {
    const seen = seenIds()
    seen.addChunk(['a'], 10)
    expect(() => seen.addChunk(['b'], 10)).toThrow(/neither committed nor rolled back/)
  })

  test('no ids, no change', () => {
    const seen = seenIds()
    expect(seen.addChunk([], 10, 5)).toEqual([])
    expect(seen.addChunk(['a'], 10)).toHaveLength(1)
  })

  test('keys sort by age', () => {
    const seen = seenIds()
    const keys = Array.from({ length: 12 }, (_, i) => {
      const [change] = seen.addChunk([String(i)], i)
      seen.commit()
      return change?.key
    })
    expect([...keys].sort()).toEqual(keys)
  })

  test('chunks that are wholly too old leave with the next chunk, and coverage moves behind them', () => {
    const seen = seenIds()
    for (const time of [10, 30, 20]) {
      seen.addChunk([`at ${time}`], time)
      seen.commit()
    }
    const changes = seen.addChunk(['at 40'], 40, 21)
    expect(changes.filter((c) => c.value === null).map((c) => c.key)).toEqual([
      'seen/000000000000',
      'seen/000000000002',
    ])
    seen.commit()
    expect([10, 20, 30, 40].map((time) => seen.has(`at ${time}`))).toEqual([false, false, true, true])
    expect(seen.coveredSinceMs).toBe(21)
  })

  test('at the bound the oldest chunks leave, and it says since when it is complete', () => {
    const seen = seenIds(4)
    seen.addChunk(['a', 'b'], 10)
    seen.commit()
    seen.addChunk(['c', 'd'], 20)
    seen.commit()
    expect(seen.coveredSinceMs).toBeUndefined()
    seen.addChunk(['e'], 30)
    seen.commit()
    expect(['a', 'b', 'c', 'd', 'e'].map((id) => seen.has(id))).toEqual([false, false, true, true, true])
    expect(seen.coveredSinceMs).toBe(11)
  })

  test('the newest chunk stays even when it is larger than the bound', () => {
    const seen = seenIds(1)
    seen.addChunk(['a', 'b'], 10)
    seen.commit()
    expect([seen.has('a'), seen.has('b')]).toEqual([true, true])
  })

  test.each([
    ['newer', 10, 20],
    ['older', 20, 10],
  ])('an id that was added twice stays while the %s chunk does', (_, first, second) => {
    const seen = seenIds()
    seen.addChunk(['a', `at ${first}`], first)
    seen.commit()
    seen.addChunk(['a', `at ${second}`], second)
    seen.commit()
    seen.addChunk(['c'], 20, 15)
    seen.commit()
    expect([seen.has('a'), seen.has('at 20'), seen.has('at 10')]).toEqual([true, true, false])
    seen.addChunk(['d'], 30, 25)
    seen.commit()
    expect(seen.has('a')).toBe(false)
  })

  test('a restart knows what its predecessor committed, coverage included', () => {
    const state = new Map<string, Buffer>([['cursor', Buffer.from('not ours')]])
    const before = seenIds(3)
    for (const [i, ids] of [['a', 'b'], ['é"\\\u2028', 'd'], ['e']].entries()) {
      apply(state, before.addChunk(ids, i))
      before.commit()
    }
    const after = seenIds(3)
    after.restore(state)
    expect(['a', 'b', 'é"\\\u2028', 'd', 'e'].map((id) => after.has(id))).toEqual([false, false, true, true, true])
    expect(after.coveredSinceMs).toBe(1)
    expect(after.addChunk(['f'], 9)[0]?.key).toBe('seen/000000000003')
  })

  test('long ids are spread over several state values below 1 MB', () => {
    const ids = Array.from({ length: 2_000 }, (_, i) => String(i).padStart(1_000, 'x'))
    const changes = seenIds(10_000).addChunk(ids, 5)
    expect(changes.length).toBeGreaterThan(1)
    for (const { value } of changes) expect(value?.length ?? 0).toBeLessThan(1_000_000)
    const after = seenIds(10_000)
    after.restore(new Map(changes.map(({ key, value }) => [key, value as Buffer])))
    expect(ids.every((id) => after.has(id))).toBe(true)
  })

  test.each([
    ['no JSON', '{'],
    ['other JSON', '{"ids":[1],"maxTimeMs":1,"coveredSinceMs":null}'],
    ['null', 'null'],
  ])('refuses a state value that is %s', (_, text) => {
    const damaged = new Map([['seen/000000000000', Buffer.from(text)]])
    expect(() => seenIds().restore(damaged)).toThrow(RelayError)
  })

  test('behaves like a list of committed chunks under any commits, rollbacks and restarts', () => {
    const step = fc.record({
      ids: fc.array(
        fc.nat({ max: 30 }).map((n) => `id-${n}`),
        { maxLength: 5 },
      ),
      time: fc.nat({ max: 50 }),
      expireBefore: fc.nat({ max: 50 }),
      outcome: fc.constantFrom('commit', 'commit', 'rollback', 'restart'),
    })
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), fc.integer({ min: 1, max: 12 }), (steps, idsMax) => {
        const state = new Map<string, Buffer>()
        let seen = seenIds(idsMax)
        let model: { ids: readonly string[]; time: number }[] = []
        for (const { ids, time, expireBefore, outcome } of steps) {
          const changes = seen.addChunk(ids, time, expireBefore)
          if (outcome === 'rollback') seen.rollback()
          else if (ids.length > 0) {
            apply(state, changes)
            let count = ids.length + model.reduce((sum, chunk) => sum + chunk.ids.length, 0)
            model = model.filter((chunk) => {
              const stays = chunk.time >= expireBefore && count <= idsMax
              if (!stays) count -= chunk.ids.length
              return stays
            })
            model.push({ ids, time })
            seen.commit()
          }
          if (outcome === 'restart') {
            seen.commit()
            seen = seenIds(idsMax)
            seen.restore(state)
          }
          const known = new Set(model.flatMap((chunk) => chunk.ids))
          for (let n = 0; n <= 30; n++) expect(seen.has(`id-${n}`)).toBe(known.has(`id-${n}`))
          expect(state.size).toBe(model.length)
        }
      }),
      { numRuns: 300 },
    )
  })
})
