import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type Baseline, compareApp, missApp } from './differences.ts'
import { type AppReading, type Counter, counters, readApp } from './reading.ts'

const context = { period: 'P7D', sequence: 1, isWanted: () => true, isRead: () => true }

function reading(fields: Readonly<Record<string, unknown>> = {}): AppReading {
  const app = readApp({ id: '11161', ...fields })
  if (app === undefined) throw new Error('no app')
  return app
}

/** Reads one after another; the growth each of them tells. */
function growthsOf(readings: readonly AppReading[]): readonly ReturnType<typeof compareApp>['growth'][] {
  let before: Baseline | undefined
  return readings.map((now, i) => {
    const { growth, baseline } = compareApp(before, now, { ...context, sequence: i })
    before = baseline
    return growth
  })
}

const counts = fc.record(
  Object.fromEntries(counters.map((counter) => [counter, fc.nat({ max: 1_000 })])) as Record<
    Counter,
    fc.Arbitrary<number>
  >,
  { requiredKeys: [] },
)
const readings = fc.array(
  counts.map((some) => ({ ...reading(), counts: some })),
  { minLength: 1, maxLength: 20 },
)

describe('what an app has grown', () => {
  test('is all of it at first, then what came on top', () => {
    expect(
      growthsOf([
        reading({ transactionCount: 10, uploadNetworkTrafficInBytes: 5 }),
        reading({ transactionCount: 12, uploadNetworkTrafficInBytes: 5 }),
        reading({ transactionCount: 12, uploadNetworkTrafficInBytes: 5 }),
      ]),
    ).toEqual([{ TotalEvents: 10, UploadedBytes: 5 }, { TotalEvents: 2, UploadedBytes: 0 }, undefined])
  })

  test('is nothing after a fall, and counts from the lower sum on', () => {
    expect(growthsOf([10, 4, 6].map((transactionCount) => reading({ transactionCount })))).toEqual([
      { TotalEvents: 10 },
      undefined,
      { TotalEvents: 2 },
    ])
  })

  test('one sum may fall while another grows', () => {
    const [, growth] = growthsOf([
      reading({ transactionCount: 9, downloadNetworkTrafficInBytes: 1 }),
      reading({ transactionCount: 1, downloadNetworkTrafficInBytes: 3 }),
    ])
    expect(growth).toEqual({ TotalEvents: 0, DownloadedBytes: 2 })
  })

  test('is nothing when the window is another one, and counts from there on', () => {
    const first = compareApp(undefined, reading({ transactionCount: 5 }), context).baseline
    const longer = { ...context, period: 'P30D' }
    const second = compareApp(first, reading({ transactionCount: 50, userCount: 9 }), longer)
    expect([second.growth, second.baseline.counts]).toEqual([undefined, { TotalEvents: 50 }])
    expect(compareApp(second.baseline, reading({ transactionCount: 51 }), longer).growth).toEqual({ TotalEvents: 1 })
    const shorter = compareApp(second.baseline, reading({ userCount: 9 }), context)
    expect([shorter.growth, shorter.baseline.counts]).toEqual([undefined, {}])
  })

  test('an app without any sum is told once', () => {
    const nulls = reading({
      transactionCount: null,
      uploadNetworkTrafficInBytes: null,
      downloadNetworkTrafficInBytes: null,
    })
    expect(growthsOf([nulls, nulls])).toEqual([{}, undefined])
  })

  test('a sum that is null for a while keeps its place', () => {
    expect(growthsOf([10, null, 13].map((transactionCount) => reading({ transactionCount })))).toEqual([
      { TotalEvents: 10 },
      undefined,
      { TotalEvents: 3 },
    ])
  })

  test('reading the same twice tells nothing the second time, whatever came before', () => {
    fc.assert(
      fc.property(readings, (before) => {
        const last = before.at(-1) as AppReading
        expect(growthsOf([...before, last]).at(-1)).toBeUndefined()
      }),
    )
  })

  test('is never more than what really came into the window', () => {
    const days = fc.array(fc.nat({ max: 50 }), { minLength: 10, maxLength: 60 })
    fc.assert(
      fc.property(days, fc.integer({ min: 1, max: 7 }), (came, width) => {
        const sums = came.map((_, day) => came.slice(Math.max(0, day - width + 1), day + 1).reduce((a, b) => a + b, 0))
        const told = growthsOf(sums.map((TotalEvents) => ({ ...reading(), counts: { TotalEvents } })))
        for (const [day, growth] of told.entries()) expect(growth?.TotalEvents ?? 0).toBeLessThanOrEqual(came[day] ?? 0)
      }),
    )
  })

  test('adds up to the sum of a window that has not begun to slide', () => {
    fc.assert(
      fc.property(fc.array(fc.nat({ max: 50 }), { minLength: 1 }), (came) => {
        const sums = came.map((_, day) => came.slice(0, day + 1).reduce((a, b) => a + b, 0))
        const told = growthsOf(sums.map((UploadedBytes) => ({ ...reading(), counts: { UploadedBytes } })))
        expect(told.reduce((all, growth) => all + (growth?.UploadedBytes ?? 0), 0)).toBe(sums.at(-1))
      }),
    )
  })
})

describe('lists', () => {
  const first = compareApp(undefined, reading({ transactionCount: 1, userCount: 1 }), context).baseline
  const read = { ...first, due: {} }

  test('of a new app are due', () => expect(first.due).toEqual({ users: 1, ipAddresses: 1 }))

  test.each([
    ['a sum', { transactionCount: 2, userCount: 1 }],
    ['a sum that fell', { transactionCount: 0, userCount: 1 }],
    ['how many names there are', { transactionCount: 1, userCount: 2 }],
    ['when it was seen last', { transactionCount: 1, userCount: 1, lastSeenDateTime: '2026-01-15T12:00:00Z' }],
  ])('are due again when %s changed', (_, fields) => {
    expect(compareApp(read, reading(fields), { ...context, sequence: 7 }).baseline.due).toEqual({
      users: 7,
      ipAddresses: 7,
    })
  })

  test('are not due while everything is as it was', () => {
    const { baseline } = compareApp(read, reading({ transactionCount: 1, userCount: 1 }), context)
    expect(baseline).toEqual(read)
  })

  test('are always due where nothing is known that could change', () => {
    const blind = { ...compareApp(undefined, reading(), context).baseline, due: {} }
    expect(compareApp(blind, reading(), context).baseline.due).toEqual({ users: 1, ipAddresses: 1 })
  })

  test('stay due since when they were first', () => {
    const { baseline } = compareApp(first, reading({ transactionCount: 5 }), { ...context, sequence: 9 })
    expect(baseline.due).toEqual({ users: 1, ipAddresses: 1 })
  })

  test('that hold nobody or are not wanted are not due; one that was never read is', () => {
    const nobody = reading({ transactionCount: 1, userCount: 0 })
    expect(compareApp(undefined, nobody, context).baseline.due).toEqual({ ipAddresses: 1 })
    const choosy = { ...context, isWanted: (list: string) => list === 'users' }
    expect(compareApp(undefined, reading(), choosy).baseline.due).toEqual({ users: 1 })
    const unread = { ...context, isRead: (list: string) => list === 'users' }
    expect(compareApp(read, reading({ transactionCount: 1, userCount: 1 }), unread).baseline.due).toEqual({
      ipAddresses: 1,
    })
  })
})

test('an app leaves when it is missing twice in a row, not once', () => {
  const { baseline } = compareApp(undefined, reading({ transactionCount: 4 }), context)
  const once = missApp(baseline)
  if (once === undefined) throw new Error('left too early')
  expect(missApp(once)).toBeUndefined()
  const back = compareApp(once, reading({ transactionCount: 4 }), context)
  expect([back.growth, back.baseline.absences]).toEqual([undefined, 0])
})
