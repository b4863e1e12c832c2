import type { Bus, PartitionPosition } from '@siem-relay/bus'
import { agentSchema, outTopic, senderGroup } from '@siem-relay/common'
import { describe, expect, test } from 'vitest'
import type { StageLag } from './control.ts'
import { measureLag } from './lag.ts'

const agent = agentSchema.parse({ id: 'soc', console: true })
let partitions = 0
const at = (committed: number | undefined, end: number, oldestPendingMs?: number): PartitionPosition => ({
  topic: outTopic('soc').name,
  partition: partitions++,
  start: 0,
  end,
  committed,
  lag: end - (committed ?? 0),
  oldestPendingMs,
})

/** The lag of a sender that stands like this before and after a window. @param markers every so many offsets there is no record. */
async function stageLag(
  before: readonly PartitionPosition[],
  after: readonly PartitionPosition[],
  seconds: number,
  nowMs: number,
  markers = Number.POSITIVE_INFINITY,
): Promise<StageLag> {
  const looks = [before, after].map((look) => look.map((one, partition) => ({ ...one, partition })))
  let monotonicMs = 0
  const positions = {
    of: async (group: string) => (group === senderGroup('soc') ? (looks.shift() ?? []) : []),
    count: async (_topic: unknown, _partition: number, from: number, until: number) =>
      until - from - Math.floor((until - from) / markers),
  }
  const clock = {
    nowMs: () => nowMs,
    monotonicMs: () => monotonicMs,
    sleep: async (ms: number) => {
      monotonicMs += ms
    },
    after: () => () => undefined,
  }
  const bus = { positions } as unknown as Bus
  const [lag] = await measureLag({ bus, clock }, [agent], [], seconds * 1_000)
  return lag?.sender as StageLag
}

describe('the lag of a stage', () => {
  test('adds up its partitions and takes the oldest record of all', async () => {
    const now = [at(5, 10, 7_000), at(undefined, 3, 4_000), at(4, 4)]
    expect(await stageLag(now, now, 1, 10_000)).toEqual({
      pending: 8,
      oldestSeconds: 6,
      inPerSecond: 0,
      outPerSecond: 0,
      catchUpSeconds: undefined,
    })
  })

  test('measures rates, and how long what is pending takes at the difference', async () => {
    expect(await stageLag([at(0, 1_000, 1)], [at(100, 1_050, 1)], 2, 1)).toMatchObject({
      pending: 950,
      inPerSecond: 25,
      outPerSecond: 50,
      catchUpSeconds: 38,
    })
  })

  test('measures records, not offsets', async () =>
    expect(await stageLag([at(0, 10)], [at(20, 50)], 1, 1, 2)).toMatchObject({ inPerSecond: 20, outPerSecond: 10 }))

  test('will never be caught up when more comes in than goes out', async () =>
    expect((await stageLag([at(0, 10, 1)], [at(10, 30, 1)], 1, 1)).catchUpSeconds).toBeUndefined())

  test('is caught up without anything pending, and without a window there are no rates', async () => {
    expect(await stageLag([at(10, 10)], [at(10, 10)], 0, 1)).toEqual({
      pending: 0,
      oldestSeconds: undefined,
      inPerSecond: 0,
      outPerSecond: 0,
      catchUpSeconds: 0,
    })
  })

  test('a group moved back has no negative rate, and a clock that jumped no negative age', async () =>
    expect(await stageLag([at(50, 50)], [at(10, 50, 9_000)], 1, 8_000)).toMatchObject({
      outPerSecond: 0,
      oldestSeconds: 0,
    }))
})
