import { describe, expect, test } from 'vitest'
import { entriesOf, testFeed } from './testing/entries.ts'
import { RowWindow } from './window.ts'

const row = '{"r":"0123456789"}'

describe('the window', () => {
  test('takes any row while it is empty, and no more than its bytes after that', () => {
    const window = new RowWindow(2 * row.length, () => undefined)
    expect(window.hasRoomFor(10 * row.length)).toBe(true)
    const entries = entriesOf([row, row], testFeed())
    for (const entry of entries) window.add(entry)
    expect(window.hasRoomFor(1)).toBe(false)
    window.done(entries)
    expect(window.hasRoomFor(row.length)).toBe(true)
  })

  test('gives no room back for a row behind one that is not stored, though it is told as stored', () => {
    const told: number[] = []
    const window = new RowWindow(2 * row.length, (rows) => told.push(rows))
    const [first, second] = entriesOf([row, row], testFeed())
    if (!first || !second) throw new Error('two entries were made')
    window.add(first)
    window.add(second)
    window.done([second])
    expect(told).toEqual([1, 2, 1])
    expect(window.hasRoomFor(1)).toBe(false)
    window.done([first])
    expect(window.rows).toBe(0)
    expect(window.hasRoomFor(2 * row.length)).toBe(true)
  })

  test('wakes whoever waits, and says when it is empty', async () => {
    const window = new RowWindow(100, () => undefined)
    const entries = entriesOf([row, row], testFeed())
    for (const entry of entries) window.add(entry)
    const changed = window.change()
    const emptied = window.emptied()
    window.done(entries.slice(0, 1))
    await changed
    window.done(entries.slice(1))
    await emptied
  })
})
