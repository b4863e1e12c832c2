import { describe, expect, test } from 'vitest'
import type { RecordKind } from '../data/records.ts'
import type { Simulator } from '../simulator.ts'
import { activity, alert, list, listIds, type Reply, startForTest } from '../test-support.ts'

/** Follows a scan to its end. */
async function scan(simulator: Simulator, body: Readonly<Record<string, unknown>>): Promise<readonly Reply[]> {
  const pages: Reply[] = []
  let filters: unknown = body.filters ?? {}
  for (;;) {
    const page = await list(simulator, 'activities', { ...body, isScan: true, filters })
    pages.push(page)
    if (!page.hasNext) return pages
    if (pages.length > 100) throw new Error('the scan does not end')
    filters = page.nextQueryFilters
  }
}

async function fill(simulator: Simulator, kind: RecordKind, times: readonly number[]): Promise<void> {
  for (const [index, time] of times.entries()) {
    if (kind === 'alerts') simulator.store.addAlert(alert(`r${index}`, time))
    else simulator.store.addActivity(activity(`r${index}`, time))
  }
}

describe('a page', () => {
  test('holds 100 records by default and at most, and max tells', async () => {
    await using simulator = await startForTest()
    await fill(
      simulator,
      'alerts',
      Array.from({ length: 101 }, (_, index) => index),
    )
    const page = await list(simulator, 'alerts')
    expect(page).toMatchObject({ hasNext: true, max: 100, total: 101, moreThanTotal: false })
    expect(page.data).toHaveLength(100)
    expect((await list(simulator, 'alerts', { limit: 5000 })).max).toBe(100)
  })

  test('skip and limit walk through all records, hasNext is false on the last page even when it is full', async () => {
    await using simulator = await startForTest()
    await fill(simulator, 'activities', [10, 20, 30, 40])
    const order = { sortField: 'date', sortDirection: 'asc', limit: 2 }
    expect(await list(simulator, 'activities', { ...order, skip: 0 })).toMatchObject({
      hasNext: true,
      data: [{ _id: 'r0' }, { _id: 'r1' }],
    })
    expect(await list(simulator, 'activities', { ...order, skip: 2 })).toMatchObject({
      hasNext: false,
      data: [{ _id: 'r2' }, { _id: 'r3' }],
    })
    expect(await list(simulator, 'activities', { ...order, skip: 4 })).toMatchObject({
      hasNext: false,
      total: 4,
      data: [],
    })
  })

  test('total stops at 10,000 and moreThanTotal says so', async () => {
    await using simulator = await startForTest()
    await fill(
      simulator,
      'activities',
      Array.from({ length: 10_001 }, (_, index) => index),
    )
    expect(await list(simulator, 'activities', { limit: 1 })).toMatchObject({
      total: 10_000,
      moreThanTotal: true,
      hasNext: true,
    })
    expect(await list(simulator, 'activities', { limit: 1, filters: { date: { gte: 1 } } })).toMatchObject({
      total: 10_000,
      moreThanTotal: false,
    })
    expect(await list(simulator, 'activities', { limit: 1, skip: 10_000 })).toMatchObject({
      hasNext: false,
      data: [{ _id: 'r0' }],
    })
  })

  test('is sorted by date, newest first by default, or the other way', async () => {
    await using simulator = await startForTest()
    await fill(simulator, 'alerts', [20, 10, 30])
    expect(await listIds(simulator, 'alerts')).toEqual(['r2', 'r0', 'r1'])
    expect(await listIds(simulator, 'alerts', { sortField: 'date', sortDirection: 'asc' })).toEqual(['r1', 'r0', 'r2'])
  })

  test('of alerts can be sorted by severity, of activities by created', async () => {
    await using simulator = await startForTest()
    for (const [id, severityValue] of [
      ['low', 0],
      ['high', 2],
      ['medium', 1],
    ] as const) {
      simulator.store.addAlert(alert(id, 1, { severityValue }))
    }
    expect(await listIds(simulator, 'alerts', { sortField: 'severity', sortDirection: 'desc' })).toEqual([
      'high',
      'medium',
      'low',
    ])
    simulator.store.addActivity(activity('late', 1, { created: 100 }))
    simulator.store.addActivity(activity('prompt', 50, { created: 51 }))
    expect(await listIds(simulator, 'activities', { sortField: 'created', sortDirection: 'asc' })).toEqual([
      'prompt',
      'late',
    ])
    expect(await listIds(simulator, 'activities', { sortField: 'date', sortDirection: 'asc' })).toEqual([
      'late',
      'prompt',
    ])
  })

  test('shows a record that arrives late among those read before', async () => {
    await using simulator = await startForTest()
    await fill(simulator, 'activities', [10, 20, 30])
    expect(await listIds(simulator, 'activities', { sortDirection: 'asc' })).toEqual(['r0', 'r1', 'r2'])
    simulator.store.addActivity(activity('late', 15, { created: 40 }))
    expect(await listIds(simulator, 'activities', { sortDirection: 'asc' })).toEqual(['r0', 'late', 'r1', 'r2'])
    expect(await listIds(simulator, 'activities', { filters: { created: { gte: 31 } } })).toEqual(['late'])
  })
})

describe('scan mode', () => {
  const order = { sortField: 'created', sortDirection: 'asc' }

  test('lists every record once, in order, over linked pages', async () => {
    await using simulator = await startForTest()
    await fill(
      simulator,
      'activities',
      Array.from({ length: 23 }, (_, index) => 1000 + index),
    )
    for (const sortDirection of ['asc', 'desc']) {
      const pages = await scan(simulator, { sortField: 'created', sortDirection, limit: 5 })
      const ids = pages.flatMap((page) => page.data.map((record) => record._id))
      const expected = Array.from({ length: 23 }, (_, index) => `r${index}`)
      expect(ids).toEqual(sortDirection === 'asc' ? expected : expected.reverse())
    }
  })

  test('holds the last records of a page back while there is more, so that a page may hold fewer than the limit', async () => {
    await using simulator = await startForTest()
    await fill(simulator, 'activities', [1, 2, 3, 3, 3, 4])
    const first = await list(simulator, 'activities', {
      ...order,
      isScan: true,
      limit: 4,
      filters: { created: { gte: 0, lte: 9 } },
    })
    expect(first).toEqual({
      data: [
        { _id: 'r0', timestamp: 1, created: 1 },
        { _id: 'r1', timestamp: 2, created: 2 },
      ],
      hasNext: true,
      nextQueryFilters: { created: { gte: 3, lte: 9 } },
    })
  })

  test('has no nextQueryFilters on the last page', async () => {
    await using simulator = await startForTest()
    await fill(simulator, 'activities', [1, 2])
    const page = await list(simulator, 'activities', { ...order, isScan: true, limit: 2 })
    expect(page.hasNext).toBe(false)
    expect(page).not.toHaveProperty('nextQueryFilters')
  })

  test('loses nothing where more records share a millisecond than a page may hold', async () => {
    await using simulator = await startForTest()
    await fill(simulator, 'activities', [1, 2, 2, 2, 2, 2, 3, 3, 3, 3])
    const pages = await scan(simulator, { ...order, limit: 3 })
    expect(pages.flatMap((page) => page.data.map((record) => record._id))).toEqual(
      Array.from({ length: 10 }, (_, index) => `r${index}`),
    )
  })

  test('gives 500 by default and 5,000 at most', async () => {
    await using simulator = await startForTest()
    await fill(
      simulator,
      'activities',
      Array.from({ length: 5100 }, (_, index) => index),
    )
    // One record each is held back: every one has its own millisecond.
    expect((await list(simulator, 'activities', { ...order, isScan: true })).data).toHaveLength(499)
    expect((await list(simulator, 'activities', { ...order, isScan: true, limit: 9000 })).data).toHaveLength(4999)
  })

  test('is for activities only', async () => {
    await using simulator = await startForTest()
    await fill(simulator, 'alerts', [1, 2, 3])
    expect(await list(simulator, 'alerts', { isScan: true, limit: 2 })).toMatchObject({
      total: 3,
      max: 2,
      hasNext: true,
    })
  })
})
