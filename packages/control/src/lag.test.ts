import type { PartitionPosition } from '@siem-relay/bus'
import { describe, expect, test } from 'vitest'
import { stageLag } from './lag.ts'

const at = (committed: number | undefined, end: number, oldestPendingMs?: number): PartitionPosition => ({
  topic: 'out.soc',
  partition: 0,
  start: 0,
  end,
  committed,
  lag: end - (committed ?? 0),
  oldestPendingMs,
})

describe('the lag of a stage', () => {
  test('adds up its partitions and takes the oldest record of all', () => {
    const now = [at(5, 10, 7_000), at(undefined, 3, 4_000), at(4, 4)]
    expect(stageLag(now, now, 1, 10_000)).toEqual({
      pending: 8,
      oldestSeconds: 6,
      inPerSecond: 0,
      outPerSecond: 0,
      catchUpSeconds: undefined,
    })
  })

  test('measures rates, and how long what is pending takes at the difference', () => {
    expect(stageLag([at(0, 1_000, 1)], [at(100, 1_050, 1)], 2, 1)).toMatchObject({
      pending: 950,
      inPerSecond: 25,
      outPerSecond: 50,
      catchUpSeconds: 38,
    })
  })

  test('will never be caught up when more comes in than goes out', () =>
    expect(stageLag([at(0, 10, 1)], [at(10, 30, 1)], 1, 1).catchUpSeconds).toBeUndefined())

  test('is caught up without anything pending, and without a window there are no rates', () => {
    expect(stageLag([at(10, 10)], [at(10, 10)], 0, 1)).toEqual({
      pending: 0,
      oldestSeconds: undefined,
      inPerSecond: 0,
      outPerSecond: 0,
      catchUpSeconds: 0,
    })
  })

  test('a group moved back has no negative rate, and a clock that jumped no negative age', () =>
    expect(stageLag([at(50, 50)], [at(10, 50, 9_000)], 1, 8_000)).toMatchObject({ outPerSecond: 0, oldestSeconds: 0 }))
})
