/** Where groups stand, and moving them. */
import type { TopicSpec } from '@siem-relay/common'
import { describe, expect, test } from 'vitest'
import { lastRecords } from '../last-records.ts'
import type { Bus, PartitionPosition } from '../port.ts'
import {
  append,
  type MakeHarness,
  numbered,
  readAll,
  readOf,
  record,
  single,
  triple,
  until,
  withLog,
} from './harness.ts'

const group = 'conformance.positions'

async function positionOf(bus: Bus, topic: TopicSpec = single): Promise<PartitionPosition> {
  const [first] = await bus.positions.of(group, [topic])
  if (first === undefined) throw new Error(`no position of ${topic.name}`)
  return first
}

/** Delivers everything there is, acknowledges it, and returns the keys. */
async function drain(bus: Bus, topic: TopicSpec, count: number): Promise<string[]> {
  const keys: string[] = []
  await using worker = bus.deliver({
    group,
    topics: [topic],
    batchRecordsMax: 100,
    batchBytesMax: 100_000,
    open: (_assignment, acknowledger) => ({
      async deliver(batch) {
        keys.push(...batch.map((one) => one.key))
        acknowledger.acknowledge(batch[0]?.offset ?? 0, batch.at(-1)?.offset ?? -1)
      },
      revoked: () => undefined,
    }),
  })
  await until(`${count} records are delivered`, () => keys.length >= count)
  await worker.stop()
  return keys
}

export function describePositions(make: MakeHarness): void {
  describe('positions', () => {
    test('count what a group has not passed, partition by partition', () =>
      withLog(make, async (open) => {
        await using bus = await open()
        expect(await bus.positions.of(group, [triple, single])).toHaveLength(4)
        for (const part of ['a', 'b', 'c']) await append(bus, numbered(triple, 10, part))
        const before = await bus.positions.of(group, [triple])
        expect(before.map((one) => one.committed)).toEqual([undefined, undefined, undefined])
        const sizes = await Promise.all(
          before.map(async ({ partition }) => (await readOf(bus, triple, partition)).length),
        )
        expect(before.map((one) => one.lag)).toEqual(sizes)
        await drain(bus, triple, 30)
        await until('nothing is left', async () =>
          (await bus.positions.of(group, [triple])).every((one) => one.lag === 0 && one.oldestPendingMs === undefined),
        )
      }))

    test('tell where partitions begin and end, and how many records lie between two offsets', () =>
      withLog(make, async (open) => {
        await using bus = await open()
        const [empty] = await bus.positions.bounds([single])
        expect(empty).toEqual({ topic: single.name, partition: 0, start: 0, end: 0 })
        expect(await bus.positions.count(single, 0, 0, 0)).toBe(0)
        for (let n = 0; n < 5; n++) await append(bus, numbered(single, 3, `t${n}-`))
        const offsets = (await readAll(bus, single)).map(({ offset }) => offset)
        const [{ start = -1, end = -1 } = {}] = await bus.positions.bounds([single])
        expect([start, end > (offsets.at(-1) ?? 0)]).toEqual([offsets[0], true])
        expect(await bus.positions.count(single, 0, start, end)).toBe(15)
        for (const [from, until] of [
          [0, 15],
          [4, 5],
          [4, 14],
          [7, 7],
        ] as const)
          expect(await bus.positions.count(single, 0, offsets[from] ?? end, offsets[until] ?? end)).toBe(until - from)
        expect(await bus.positions.bounds([triple, single])).toHaveLength(4)
      }))

    test('lead to the newest records, however many offsets have none', () =>
      withLog(make, async (open) => {
        await using bus = await open()
        for (let n = 0; n < 9; n++) await append(bus, [record(single, `k${n}`, '')])
        const [bounds] = await bus.positions.bounds([single])
        if (bounds === undefined) throw new Error('there are no bounds')
        await append(bus, [record(single, 'later', '')])
        const newest = async (count: number): Promise<readonly string[]> =>
          (await lastRecords(bus, single, bounds, count)).map(({ key }) => key)
        expect(await newest(1)).toEqual(['k8'])
        expect(await newest(4)).toEqual(['k5', 'k6', 'k7', 'k8'])
        expect(await newest(50)).toHaveLength(9)
      }))

    test('know when the oldest record a group has not passed was appended', () =>
      withLog(make, async (open) => {
        await using bus = await open()
        expect((await positionOf(bus)).oldestPendingMs).toBeUndefined()
        await append(bus, [record(single, 'old', 'old')])
        const oldMs = (await readAll(bus, single))[0]?.appendedMs ?? 0
        await until('the clock has moved on', () => Date.now() > oldMs + 1)
        await append(bus, [record(single, 'new', 'new')])
        const [old, young] = await readAll(bus, single)
        expect((await positionOf(bus)).oldestPendingMs).toBe(old?.appendedMs)
        await bus.positions.set(group, single, 0, young?.offset ?? 0)
        const moved = await positionOf(bus)
        expect([moved.committed, moved.oldestPendingMs]).toEqual([young?.offset, young?.appendedMs])
        expect(moved.lag).toBe(1)
      }))

    test('move a stopped group back and forth, also across a restart', () =>
      withLog(make, async (open) => {
        {
          await using bus = await open()
          await append(bus, numbered(single, 10))
          expect(await drain(bus, single, 10)).toHaveLength(10)
          const seventh = (await readAll(bus, single))[7]?.offset ?? 0
          await bus.positions.set(group, single, 0, seventh)
          expect(await drain(bus, single, 3)).toEqual(['r7', 'r8', 'r9'])
          await bus.positions.set(group, single, 0, seventh)
        }
        await using bus = await open()
        expect(await drain(bus, single, 3)).toEqual(['r7', 'r8', 'r9'])
      }))

    test('a forgotten group starts as a new one', () =>
      withLog(make, async (open) => {
        await using bus = await open()
        await append(bus, numbered(single, 5))
        await drain(bus, single, 5)
        await bus.positions.forget(group)
        expect((await positionOf(bus)).committed).toBeUndefined()
        expect(await drain(bus, single, 5)).toHaveLength(5)
      }))

    test('find the first offset appended at or after a time, or the end', () =>
      withLog(make, async (open) => {
        await using bus = await open()
        for (let n = 0; n < 4; n++) {
          await append(bus, [record(single, `k${n}`, '')])
          const ms = (await readAll(bus, single)).at(-1)?.appendedMs ?? 0
          await until('the clock has moved on', () => Date.now() > ms + 1)
        }
        const all = await readAll(bus, single)
        const offsets: number[] = []
        for (const one of all) offsets.push(await bus.positions.offsetAt(single, 0, one.appendedMs))
        expect(offsets).toEqual(all.map((one) => one.offset))
        expect(await bus.positions.offsetAt(single, 0, (all[1]?.appendedMs ?? 0) + 1)).toBe(all[2]?.offset)
        expect(await bus.positions.offsetAt(single, 0, 0)).toBeLessThanOrEqual(all[0]?.offset ?? 0)
        const { end } = await positionOf(bus)
        expect(await bus.positions.offsetAt(single, 0, Date.now() + 86_400_000)).toBe(end)
      }))
  })
}
