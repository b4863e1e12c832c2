import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  assign,
  decodeAssignment,
  decodeSubscription,
  encodeAssignment,
  encodeSubscription,
  type MemberSubscription,
} from './assignor.ts'

const topics = ['a', 'b', 'c']
const counts = new Map([
  ['a', 6],
  ['b', 1],
  ['c', 3],
])
const member = (memberId: string, more: Partial<MemberSubscription> = {}): MemberSubscription => ({
  memberId,
  topics,
  owned: [],
  generation: -1,
  ...more,
})
const names = (partitions: readonly { topic: string; partition: number }[] = []): string[] =>
  partitions.map(({ topic, partition }) => `${topic}/${partition}`)

/** The next round of the same members, each telling what it got. */
const again = (members: readonly MemberSubscription[], got: ReturnType<typeof assign>): MemberSubscription[] =>
  members.map((one) => ({ ...one, owned: got.get(one.memberId) ?? [], generation: one.generation + 1 }))

describe('assign', () => {
  test('gives every partition to exactly one member, evenly', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.string({ minLength: 1, maxLength: 5 }), { minLength: 1, maxLength: 12 }), (ids) => {
        const got = assign(
          ids.map((id) => member(id)),
          counts,
        )
        const all = [...got.values()].flatMap(names)
        expect(all.toSorted()).toEqual(
          [...counts].flatMap(([topic, count]) => Array.from({ length: count }, (_, n) => `${topic}/${n}`)).toSorted(),
        )
        const sizes = [...got.values()].map((mine) => mine.length)
        expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(1)
      }),
    )
  })

  test('changes nothing when nobody comes or goes', () => {
    const members = ['x', 'y', 'z'].map((id) => member(id))
    const first = assign(members, counts)
    const second = assign(again(members, first), counts)
    for (const { memberId } of members)
      expect(names(second.get(memberId)).toSorted()).toEqual(names(first.get(memberId)).toSorted())
  })

  test('a member that comes takes its share and leaves the others theirs', () => {
    const members = ['x', 'y'].map((id) => member(id))
    const first = assign(members, counts)
    const second = assign([...again(members, first), member('new')], counts)
    expect(second.get('new')).toHaveLength(3)
    for (const { memberId } of members)
      expect(names(first.get(memberId))).toEqual(expect.arrayContaining(names(second.get(memberId))))
  })

  test('what a member leaves is shared out, and nothing else moves', () => {
    const members = ['x', 'y', 'z'].map((id) => member(id))
    const first = assign(members, counts)
    const second = assign(again(members, first).slice(0, 2), counts)
    for (const id of ['x', 'y']) expect(names(second.get(id))).toEqual(expect.arrayContaining(names(first.get(id))))
  })

  test('of two members that claim one partition, the one of the younger generation keeps it', () => {
    const claim = [{ topic: 'b', partition: 0 }]
    const members = [member('old', { owned: claim, generation: 3 }), member('young', { owned: claim, generation: 4 })]
    expect(names(assign(members, new Map([['b', 1]])).get('young'))).toEqual(['b/0'])
  })

  test('a member gets no topic it did not ask for', () => {
    const got = assign([member('x', { topics: ['a'] }), member('y', { topics: ['a', 'b', 'c'] })], counts)
    expect(got.get('x')?.every(({ topic }) => topic === 'a')).toBe(true)
    expect([...got.values()].flatMap(names)).toHaveLength(10)
  })

  test('topics that are not there, and members without topics, are no trouble', () => {
    expect(assign([member('x', { topics: ['gone'] }), member('y', { topics: [] })], new Map()).get('x')).toEqual([])
    expect(assign([], counts).size).toBe(0)
  })
})

describe('the words of members and leader', () => {
  const partition = fc.record({ topic: fc.string({ maxLength: 20 }), partition: fc.nat({ max: 1_000 }) })

  test('a subscription reads back', () => {
    fc.assert(
      fc.property(
        fc.array(fc.string({ maxLength: 20 })),
        fc.array(partition),
        fc.integer(),
        (named, owned, generation) => {
          expect(decodeSubscription(encodeSubscription({ topics: named, owned, generation }))).toEqual({
            topics: named,
            owned,
            generation,
          })
        },
      ),
    )
  })

  test('an assignment reads back, an empty answer is none', () => {
    fc.assert(
      fc.property(fc.array(partition), (partitions) => {
        expect(names(decodeAssignment(encodeAssignment(partitions))).toSorted()).toEqual(names(partitions).toSorted())
      }),
    )
    expect(decodeAssignment(Buffer.alloc(0))).toEqual([])
  })
})
