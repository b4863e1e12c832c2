import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { addName, checkNames, compareNames, nameCount } from './names.ts'

function listed(...names: readonly string[]): ReadonlyMap<string, string> {
  const list = new Map<string, string>()
  for (const name of names) addName(list, name)
  return list
}

/** The names a list tells, and the set after it. */
function read(before: Buffer | undefined, names: readonly string[], isWhole = true, room = 1_000) {
  const step = compareNames(before, listed(...names), isWhole, room)
  return { told: step.fresh.map(({ text }) => text), leftOut: step.leftOut, set: step.after(step.fresh.length) }
}

describe('names of a list', () => {
  test('are told once each, in their order', () => {
    const first = read(undefined, ['b', 'a', 'b'])
    expect(first.told).toEqual(['b', 'a'])
    expect(read(first.set, ['a', 'c', 'b']).told).toEqual(['c'])
    expect(nameCount(first.set)).toBe(2)
  })

  test('that leave are forgotten, and new when they come back', () => {
    const first = read(undefined, ['a', 'b'])
    const second = read(first.set, ['a'])
    expect(nameCount(second.set)).toBe(1)
    expect(read(second.set, ['a', 'b']).told).toEqual(['b'])
  })

  test('are kept when the list came up empty, or was not read to its end', () => {
    const { set } = read(undefined, ['a', 'b'])
    expect(read(set, []).set).toEqual(set)
    expect(read(set, ['a'], false).set).toEqual(set)
  })

  test('beyond the room are left out, and none that is known is told again', () => {
    const first = read(undefined, ['a', 'b', 'c'], true, 2)
    expect(first).toMatchObject({ told: ['a', 'b'], leftOut: 1 })
    expect(read(first.set, ['c', 'b', 'a'], false, 2)).toMatchObject({ told: [], leftOut: 1 })
    expect(read(first.set, ['c', 'b'], true, 2)).toMatchObject({ told: ['c'], leftOut: 0 })
  })

  test('told in part are known in part: the rest is new after a stop in between', () => {
    const { set } = read(undefined, ['old'])
    const step = compareNames(set, listed('a', 'b', 'c'), true, 1_000)
    const half = step.after(2)
    expect(nameCount(half)).toBe(3)
    expect(read(half, ['a', 'b', 'c']).told).toEqual(['c'])
  })

  test.each([
    ['line breaks', 'a\r\nb'],
    ['pipes and equals signs', 'a|b=c\\'],
    ['half a surrogate pair', '\ud800'],
    ['nothing but a NUL', '\0'],
    ['the words of an object', '__proto__'],
  ])('may hold %s', (_, name) => {
    const { told, set } = read(undefined, [name])
    expect(told).toEqual([name])
    expect(read(set, [name, 'other']).told).toEqual(['other'])
  })

  test('of any length are told apart by all of it and shown shortened', () => {
    const long = 'x'.repeat(100_000)
    const { told, set } = read(undefined, [`${long}1`, `${long}2`])
    expect(told).toHaveLength(2)
    for (const text of told) expect(text.length).toBe(1_024)
    expect(nameCount(set)).toBe(2)
  })

  test('no name is ever told twice in a row, whatever the lists and the room', () => {
    const lists = fc.array(fc.array(fc.integer({ min: 0, max: 12 }).map(String), { maxLength: 15 }), { maxLength: 10 })
    fc.assert(
      fc.property(lists, fc.integer({ min: 0, max: 8 }), (all, room) => {
        let set: Buffer | undefined
        for (const names of all) {
          const first = read(set, names, true, room)
          expect(read(first.set, names, true, room).told).toEqual([])
          expect(nameCount(first.set)).toBeLessThanOrEqual(room)
          set = first.set
        }
      }),
    )
  })
})

test('a set that cannot be read stops the source', () => {
  for (const set of [Buffer.alloc(0), Buffer.of(2), Buffer.of(1, 5)])
    expect(() => checkNames('users/a/b', set)).toThrow(
      expect.objectContaining({ code: 'RELAY_LOG_CORRUPT', disposition: 'stop' }),
    )
  expect(() => checkNames('users/a/b', Buffer.of(1))).not.toThrow()
})
