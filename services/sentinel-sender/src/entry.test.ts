import { describe, expect, test } from 'vitest'
import { acknowledge, advance } from './entry.ts'
import { entriesOf, testFeed } from './testing/entries.ts'

const rows = (count: number): string[] => Array.from({ length: count }, (_, index) => `{"r":${index}}`)

describe('acknowledging', () => {
  test('names neighbours in one call, by their offsets, and skips what is not among them', () => {
    const feed = testFeed()
    const [first, second, third, , fifth] = entriesOf(rows(5), feed)
    if (!first || !second || !third || !fifth) throw new Error('five entries were made')
    acknowledge([first, second, third, fifth])
    // Offsets have gaps: every third one.
    expect(feed.acknowledged).toEqual([
      [0, 6],
      [12, 12],
    ])
  })

  test('keeps feeds apart, and says nothing of one that was taken away', () => {
    const [here, gone] = [testFeed(), testFeed()]
    const mine = entriesOf(rows(2), here)
    const theirs = entriesOf(rows(2), gone)
    gone.revoked = true
    acknowledge([...mine, ...theirs])
    expect(here.acknowledged).toEqual([[0, 3]])
    expect(gone.acknowledged).toEqual([])
  })
})

describe('the line of a feed', () => {
  test('gives room back only for rows before which everything is done', () => {
    const feed = testFeed()
    const entries = entriesOf(rows(4), feed)
    feed.line.push(...entries)
    const done = (index: number): void => {
      const entry = entries[index]
      if (entry !== undefined) entry.isDone = true
    }
    done(1)
    done(2)
    expect(advance(feed)).toBe(0)
    done(0)
    expect(advance(feed)).toBe(3 * '{"r":0}'.length)
    expect(feed.line).toEqual([entries[3]])
    expect(advance(feed)).toBe(0)
  })
})
