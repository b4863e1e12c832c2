import type { Bus, PartitionPosition } from '@siem-relay/bus'
import { RelayError, type TopicSpec } from '@siem-relay/common'
import { describe, expect, test } from 'vitest'
import { type IdleGroup, IdleGroups } from './idle-groups.ts'
import { FakeClock } from './testing/fake-clock.ts'
import { testWorld } from './testing/test-world.ts'

const hourMs = 3_600_000
const topic: TopicSpec = { name: 'raw', partitions: 1, cleanup: 'delete', retentionMs: 1 }
const idle: IdleGroup = { agent: 'siem', group: 'formatter.siem', topics: [topic] }

/** A log with one record an hour, the first at the start of the test; a group that has read none of them. */
function setup(options: { readonly committed?: number | undefined; readonly fail?: () => Error | undefined } = {}) {
  const clock = new FakeClock()
  const startMs = clock.nowMs()
  let committed = 'committed' in options ? options.committed : 0
  const end = (): number => Math.floor((clock.nowMs() - startMs) / hourMs) + 1
  const position = (): PartitionPosition => {
    const next = committed ?? 0
    const oldestPendingMs = next < end() ? startMs + next * hourMs : undefined
    return { topic: topic.name, partition: 0, start: 0, end: end(), committed, lag: end() - next, oldestPendingMs }
  }
  const positions: Pick<Bus['positions'], 'of' | 'count' | 'offsetAt' | 'set'> = {
    count: async (_topic, _partition, from, until) => until - from,
    of: async () => [position()],
    offsetAt: async (_topic, _partition, timeMs) =>
      Math.min(end(), Math.max(0, Math.ceil((timeMs - startMs) / hourMs))),
    set: async (_group, _topic, _partition, offset) => {
      const failure = options.fail?.()
      if (failure !== undefined) throw failure
      committed = offset
    },
  }
  const world = testWorld({ bus: { positions } as unknown as Bus, clock })
  return { clock, world, groups: new IdleGroups(world, 'formatter'), committed: () => committed }
}

describe('a group that is idle', () => {
  test('stays where it is for two days, then moves along two days behind', async () => {
    await using stack = new AsyncDisposableStack()
    const { clock, groups, committed } = setup()
    stack.defer(() => groups.stop())
    await groups.update([idle])
    await clock.advance(48 * hourMs)
    expect(committed()).toBe(0)
    await clock.advance(10 * hourMs)
    expect(committed()).toBe(10)
  })

  test('ends its rest two days back to the minute, and is left alone from then on', async () => {
    const { clock, groups, committed, world } = setup()
    await groups.update([idle])
    await clock.advance(50.5 * hourMs)
    expect(committed()).toBe(2)
    await groups.update([])
    expect(committed()).toBe(3)
    await clock.advance(10 * hourMs)
    expect(committed()).toBe(3)
    expect((await world.metrics.getSingleMetric('siem_relay_records_skipped_total')?.get())?.values).toMatchObject([
      { labels: { agent: 'siem', stage: 'formatter' }, value: 3 },
    ])
    await groups.stop()
    expect(clock.pending).toBe(0)
  })

  test('that never ran is not given a place', async () => {
    const { clock, groups, committed } = setup({ committed: undefined })
    await groups.update([idle])
    await clock.advance(60 * hourMs)
    expect(committed()).toBeUndefined()
    await groups.stop()
  })

  test('that another instance works for is left to it, without a word', async () => {
    const { clock, groups, committed, world } = setup({ fail: () => new RelayError('RELAY_USAGE', 'it is running') })
    await groups.update([idle])
    await clock.advance(60 * hourMs)
    await groups.stop()
    expect([committed(), world.entries]).toEqual([0, []])
  })

  test('stays where it is while the log is in trouble, with a warning, and moves later', async () => {
    let failures = 1
    const fail = (): Error | undefined => (failures-- > 0 ? new RelayError('RELAY_LOG_WRITE', 'no room') : undefined)
    const { clock, groups, committed, world } = setup({ fail })
    await groups.update([idle])
    await clock.advance(49 * hourMs)
    expect(committed()).toBe(0)
    expect(world.entries).toMatchObject([{ level: 'warn', agent: 'siem', error: 'no room' }])
    await clock.advance(hourMs)
    expect(committed()).toBe(2)
    await groups.stop()
  })
})
