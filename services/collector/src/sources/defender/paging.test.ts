import type { Page, PageRecord } from '@siem-relay/common'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type Position, queryOf, Walk } from './paging.ts'

interface Item {
  readonly id: string
  readonly ms: number
}

const record = ({ id, ms }: Item): PageRecord => ({ bytes: Buffer.from('{}'), id, timestampMs: ms, createdMs: ms })

const page = (items: readonly Item[], rest: Partial<Page> = {}): Page => ({
  records: items.map(record),
  hasNext: true,
  total: undefined,
  nextQueryFilters: undefined,
  problem: undefined,
  ...rest,
})

const at = (ms: number, ...ids: string[]): Item[] => ids.map((id) => ({ id, ms }))
const start: Position = { boundMs: 10, skip: 0 }

describe('queryOf', () => {
  const sizes = { pageSize: 100, scanLimit: 5_000 }

  test('alerts are read by date, activities by created, oldest first, the bound included', () => {
    expect(queryOf('alerts', { boundMs: 5, skip: 3 }, { ...sizes, scanLimit: undefined })).toEqual({
      filters: { date: { gte: 5 } },
      sortField: 'date',
      sortDirection: 'asc',
      skip: 3,
      limit: 100,
    })
    expect(queryOf('activities', { boundMs: 5, skip: 0 }, sizes)).toEqual({
      filters: { created: { gte: 5 } },
      sortField: 'created',
      sortDirection: 'asc',
      limit: 5_000,
      isScan: true,
    })
  })

  test("in scan mode the API's own filters go on", () => {
    const scan = { created: { gte: 7 }, cursor: 'x' }
    expect(queryOf('activities', { boundMs: 5, skip: 0, scan }, sizes)).toMatchObject({ filters: scan, isScan: true })
  })

  test('scan mode knows no skip', () => {
    expect(queryOf('activities', { boundMs: 5, skip: 9 }, sizes)).not.toHaveProperty('isScan')
  })
})

describe('Walk', () => {
  test('ends where the list ends', () => {
    expect(new Walk('alerts').next(start, page([], { hasNext: false }), undefined)).toEqual({ isComplete: true })
  })

  test('ends behind its target, though the list goes on', () => {
    const walk = new Walk('alerts')
    expect(walk.next(start, page([...at(20, 'a'), ...at(31, 'b')]), 30)).toEqual({ isComplete: true })
    expect(new Walk('alerts').next(start, page([...at(20, 'a'), ...at(30, 'b')]), 30).isComplete).toBe(false)
  })

  test('does not trust the target when a page is out of order', () => {
    expect(new Walk('alerts').next(start, page([...at(31, 'b'), ...at(20, 'a')]), 30)).toEqual({
      isComplete: false,
      position: { boundMs: 10, skip: 2 },
    })
  })

  test('goes on at the time of the last record, that time included', () => {
    expect(new Walk('alerts').next(start, page([...at(10, 'a'), ...at(20, 'b')]), undefined)).toEqual({
      isComplete: false,
      position: { boundMs: 20, skip: 0 },
    })
  })

  test('goes on by skip where a page shares its time', () => {
    const walk = new Walk('alerts')
    walk.next(start, page(at(20, 'a', 'b')), undefined)
    const step = walk.next({ boundMs: 20, skip: 0 }, page(at(20, 'a', 'b')), undefined)
    expect(step).toEqual({ isComplete: false, position: { boundMs: 20, skip: 2 } })
    expect(walk.next({ boundMs: 20, skip: 2 }, page(at(20, 'c', 'd')), undefined)).toEqual({
      isComplete: false,
      position: { boundMs: 20, skip: 4 },
    })
  })

  test('a record twice in a page does not leave another one out', () => {
    expect(new Walk('alerts').next({ boundMs: 20, skip: 0 }, page(at(20, 'a', 'a', 'b')), undefined)).toMatchObject({
      position: { skip: 2 },
    })
  })

  test('a page that came before, or begins before the bound, moves nothing', () => {
    const walk = new Walk('alerts')
    const stale = page([...at(11, 'a'), ...at(20, 'b')])
    walk.next(start, stale, undefined)
    expect(walk.next({ boundMs: 20, skip: 0 }, stale, undefined)).toMatchObject({ position: { boundMs: 20, skip: 0 } })
    const tie = new Walk('alerts')
    tie.next({ boundMs: 20, skip: 0 }, page(at(20, 'a', 'b')), undefined)
    expect(tie.next({ boundMs: 20, skip: 2 }, page(at(20, 'a', 'b')), undefined)).toMatchObject({
      position: { skip: 2 },
    })
  })

  test.each([
    ['the same page again and again', page(at(20, 'a', 'b'))],
    ['the same page with other filters', page(at(20, 'a'), { nextQueryFilters: { x: 1 } })],
    ['empty pages with filters', page([], { nextQueryFilters: { x: 1 } })],
  ])('gives up on %s', (_, same) => {
    const walk = new Walk('activities')
    let position = start
    const go = (): void => {
      for (let i = 0; i < 10; i++) {
        const step = walk.next(position, same, undefined)
        if (!step.isComplete) position = step.position
      }
    }
    expect(go).toThrow(expect.objectContaining({ code: 'RELAY_SOURCE_NO_PROGRESS' }))
  })

  test('more records announced and none given is no page to go on from', () => {
    expect(() => new Walk('alerts').next(start, page([]), undefined)).toThrow(
      expect.objectContaining({ code: 'RELAY_SOURCE_NO_PROGRESS' }),
    )
  })

  test('filters of the next page that are no object, or very large, are not used', () => {
    for (const nextQueryFilters of ['x', [1], 5, { x: 'y'.repeat(70_000) }])
      expect(new Walk('activities').next(start, page(at(20, 'a'), { nextQueryFilters }), undefined)).toEqual({
        isComplete: false,
        position: { boundMs: 20, skip: 0 },
      })
  })

  test('reads every record of any list, whatever the ties and the page size, in a bounded number of pages', () => {
    fc.assert(
      fc.property(
        fc.array(fc.nat({ max: 12 }), { maxLength: 120 }),
        fc.integer({ min: 1, max: 9 }),
        (times, pageSize) => {
          const list = times.map((ms, i) => ({ id: `r${i}`, ms: ms + 10 })).sort((a, b) => a.ms - b.ms)
          const seen = new Set<string>()
          const walk = new Walk('alerts')
          let position = start
          for (let pages = 0; ; pages++) {
            expect(pages).toBeLessThan(3 * list.length + 3)
            const rest = list.filter((item) => item.ms >= position.boundMs).slice(position.skip)
            const items = rest.slice(0, pageSize)
            for (const { id } of items) seen.add(id)
            const step = walk.next(position, page(items, { hasNext: rest.length > pageSize }), undefined)
            if (step.isComplete) break
            position = step.position
          }
          expect(seen.size).toBe(list.length)
        },
      ),
    )
  })
})
