import { describe, expect, test } from 'vitest'
import type { Feed, Segment } from './segment.ts'
import { Window } from './window.ts'

const newFeed = (): Feed => ({ acknowledger: { acknowledge() {}, deadLetter() {} }, revoked: false })

function segment(feed: Feed, messages: number, bytes: number): Segment {
  const record = { topic: 't', partition: 0, offset: 0, key: '', value: Buffer.alloc(0), headers: {}, appendedMs: 0 }
  return {
    feed,
    bytes: Buffer.alloc(bytes),
    ends: Uint32Array.from({ length: messages }, (_, index) => Math.ceil((bytes * (index + 1)) / messages)),
    eventTimesMs: new Float64Array(messages),
    records: Array.from({ length: messages }, () => record),
    handed: 0,
    confirmed: 0,
  }
}

function newWindow() {
  const confirmed: Segment[] = []
  const ranges: string[] = []
  const window = new Window(
    { bytesMax: 1_000, messagesMax: 10 },
    {
      pushed() {},
      confirmed: (gone, from, to) => {
        confirmed.push(gone)
        ranges.push(`${from}-${to}${window.isEmpty ? ' empty' : ''}`)
      },
    },
  )
  return { window, confirmed, ranges }
}

describe('Window', () => {
  test('has room up to its bytes and messages; empty, it takes any segment', () => {
    const { window } = newWindow()
    expect(window.roomFor(5_000)).toBe(10)
    window.push(segment(newFeed(), 4, 600))
    expect(window.roomFor(400)).toBe(6)
    expect(window.roomFor(401)).toBe(0)
    window.push(segment(newFeed(), 6, 100))
    expect(window.roomFor(1)).toBe(0)
  })

  test('wakes waiting feeds when something is confirmed', async () => {
    const { window } = newWindow()
    const first = segment(newFeed(), 10, 10)
    window.push(first)
    const change = window.change()
    expect(window.isFull).toBe(true)
    window.takeUnsent()
    window.confirm(first)
    await change
    expect(window.isFull).toBe(false)
    expect(window.isEmpty).toBe(true)
  })

  test('confirms everything up to a segment, in order', () => {
    const { window, confirmed } = newWindow()
    const all = [1, 2, 3].map(() => segment(newFeed(), 1, 10))
    for (const one of all) window.push(one)
    expect([window.takeUnsent(), window.takeUnsent()]).toEqual(all.slice(0, 2))
    window.confirm(all[1] as Segment)
    expect(confirmed).toEqual(all.slice(0, 2))
    expect(window.hasUnconfirmed).toBe(false)
    expect(window.takeUnsent()).toBe(all[2])
    expect(window.messages).toBe(1)
  })

  test('sends everything unconfirmed again after a rewind, from the oldest on', () => {
    const { window } = newWindow()
    const all = [1, 2, 3].map(() => segment(newFeed(), 1, 10))
    for (const one of all) window.push(one)
    window.takeUnsent()
    window.takeUnsent()
    window.rewind()
    expect([window.takeUnsent(), window.takeUnsent(), window.takeUnsent(), window.takeUnsent()]).toEqual([
      ...all,
      undefined,
    ])
  })

  test('forgets what a revoked feed had waiting, keeps what is on the wire until a rewind', () => {
    const { window } = newWindow()
    const [taken, kept] = [newFeed(), newFeed()]
    const all = [segment(taken, 1, 10), segment(kept, 1, 10), segment(taken, 1, 10), segment(kept, 1, 10)]
    for (const one of all) window.push(one)
    window.takeUnsent()
    window.forget(taken)
    expect(window.messages).toBe(3)
    expect(window.takeUnsent()).toBe(all[1])
    window.rewind()
    expect([window.takeUnsent(), window.takeUnsent(), window.takeUnsent()]).toEqual([all[1], all[3], undefined])
    expect(window.messages).toBe(2)
  })

  test('a confirmation of what was forgotten meanwhile confirms nothing', () => {
    const { window, confirmed } = newWindow()
    const feed = newFeed()
    const first = segment(feed, 1, 10)
    window.push(first)
    window.takeUnsent()
    window.forget(feed)
    window.rewind()
    window.push(segment(newFeed(), 1, 10))
    window.confirm(first)
    expect(confirmed).toEqual([])
    expect(window.messages).toBe(1)
  })

  test('confirms single messages from the oldest on, across segments, and gives back their room', () => {
    const { window, confirmed, ranges } = newWindow()
    const all = [segment(newFeed(), 4, 400), segment(newFeed(), 2, 200)]
    for (const one of all) window.push(one)
    window.takeUnsent()
    window.takeUnsent()
    window.confirmMessages(1)
    expect(window.messages).toBe(5)
    expect(window.roomFor(500)).toBe(5)
    expect(window.roomFor(501)).toBe(0)
    expect(window.oldest).toBe(all[0])
    window.confirmMessages(4)
    expect(window.oldest).toBe(all[1])
    window.confirmMessages(1)
    expect(ranges).toEqual(['0-1', '1-4', '0-1', '1-2 empty'])
    expect(confirmed).toEqual([all[0], all[0], all[1], all[1]])
    expect(window.messages).toBe(0)
    expect(window.hasUnconfirmed).toBe(false)
  })

  test('after a rewind a segment is taken again with what it has confirmed', () => {
    const { window } = newWindow()
    const first = segment(newFeed(), 3, 30)
    window.push(first)
    window.takeUnsent()
    window.confirmMessages(2)
    window.rewind()
    expect(window.takeUnsent()?.confirmed).toBe(2)
    window.confirm(first)
    expect(window.isEmpty).toBe(true)
    expect(window.messages).toBe(0)
  })

  test('gives back the rest of a segment that is partly confirmed and then forgotten', () => {
    const { window } = newWindow()
    const feed = newFeed()
    window.push(segment(feed, 3, 30))
    window.takeUnsent()
    window.confirmMessages(1)
    window.forget(feed)
    window.rewind()
    expect(window.messages).toBe(0)
    window.push(segment(newFeed(), 1, 1))
    expect(window.roomFor(999)).toBe(9)
  })

  test('more confirmed messages than sent ones are a mistake', () => {
    const { window } = newWindow()
    window.push(segment(newFeed(), 2, 20))
    expect(() => window.confirmMessages(1)).toThrow(RangeError)
    window.takeUnsent()
    expect(() => window.confirmMessages(3)).toThrow('1 messages were confirmed that were not sent')
  })
})
