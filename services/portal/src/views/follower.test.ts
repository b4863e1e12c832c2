import type { Bus, BusRecord } from '@siem-relay/bus'
import { rawTopic, type TopicSpec } from '@siem-relay/common'
import { testWorld } from '@siem-relay/service-kit/testing'
import { expect, test } from 'vitest'
import { Follower } from './follower.ts'
import { viewsMetrics } from './metrics.ts'
import { noCounts } from './model.ts'
import type { PackedBatch } from './packed.ts'
import type { ViewsThread } from './thread.ts'

const raw = rawTopic('contoso', 'discovery')
const valueBytes = 400_000
const recordCount = 20

/** A log of large records in one partition of one topic. */
function busOf(): Bus {
  return {
    positions: {
      bounds: async (topics: readonly TopicSpec[]) =>
        topics.map(({ name: topic }) => ({ topic, partition: 0, start: 0, end: topic === raw.name ? recordCount : 0 })),
    },
    async *read({ name: topic }: TopicSpec, partition: number, from: number): AsyncGenerator<BusRecord> {
      for (let offset = from; offset < recordCount; offset++)
        yield {
          topic,
          partition,
          offset,
          key: `${offset}`,
          value: Buffer.alloc(valueBytes),
          headers: {},
          appendedMs: 0,
        }
    },
  } as unknown as Bus
}

test('what crosses to the thread at a time is bounded by bytes, and one batch waits for the other', async () => {
  const crossed: number[] = []
  let underWay = 0
  let underWayMost = 0
  const all = Promise.withResolvers<void>()
  const call = async (method: string, [batch]: readonly [PackedBatch]): Promise<unknown> => {
    if (method === 'position') return 0
    if (method === 'prune') return { daysCut: 0, discoveryRows: 0, duplicates: 0 }
    underWayMost = Math.max(underWayMost, ++underWay)
    await new Promise((resolve) => setImmediate(resolve))
    underWay--
    crossed.push(batch.values.length)
    if (batch.next === recordCount) all.resolve()
    return { outcome: 'applied', counts: noCounts() }
  }
  const world = testWorld({ bus: busOf() })
  const thread = { call } as unknown as ViewsThread
  const follower = new Follower({ world, thread, tenants: () => ['contoso'], metrics: viewsMetrics(world.metrics) })
  follower.start()
  await all.promise
  await follower.stop()
  expect(crossed.reduce((sum, bytes) => sum + bytes, 0)).toBe(recordCount * valueBytes)
  expect(underWayMost).toBe(1)
  expect(Math.max(...crossed)).toBeLessThan(1_048_576 + valueBytes)
})
