import type { TopicSpec } from '@siem-relay/common'
import { describe, expect, test } from 'vitest'
import { TemporaryLog } from '../testing/temporary-log.ts'

const topics = ['a', 'b', 'c', 'd'].map(
  (name): TopicSpec => ({ name, partitions: 1, cleanup: 'compact', retentionMs: 1 }),
)
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

describe('share on the embedded log', () => {
  test('hands a topic on only after its holder has let go, and moves no more topics than it has to', async () => {
    using log = new TemporaryLog()
    await using bus = await log.open()
    const events: string[] = []
    const { promise: letGo, resolve } = Promise.withResolvers<void>()
    await using _first = bus.share({
      group: 'tasks',
      topics,
      hold: (topic) => {
        events.push(`first holds ${topic}`)
        return {
          released: async () => {
            events.push(`first is asked for ${topic}`)
            await letGo
            events.push(`first let go of ${topic}`)
          },
        }
      },
    })
    expect(events, 'not before share has returned').toEqual([])
    await turn()
    await using _second = bus.share({
      group: 'tasks',
      topics,
      hold: (topic) => {
        events.push(`second holds ${topic}`)
        return { released: () => undefined }
      },
    })
    await turn()
    expect(events.slice(4)).toEqual(['first is asked for a', 'first is asked for b'])
    resolve()
    await turn()
    expect(events.slice(6).toSorted()).toEqual([
      'first let go of a',
      'first let go of b',
      'second holds a',
      'second holds b',
    ])
    expect(events.indexOf('first let go of a')).toBeLessThan(events.indexOf('second holds a'))
    expect(events.indexOf('first let go of b')).toBeLessThan(events.indexOf('second holds b'))
  })

  test('a holder that lets go slowly keeps no other topic waiting', async () => {
    using log = new TemporaryLog()
    await using bus = await log.open()
    const { promise: letGo, resolve } = Promise.withResolvers<void>()
    const first = bus.share({
      group: 'tasks',
      topics,
      hold: (topic) => ({ released: () => (topic === 'a' ? letGo : undefined) }),
    })
    await turn()
    const held: string[] = []
    await using _second = bus.share({
      group: 'tasks',
      topics,
      hold: (topic) => {
        held.push(topic)
        return { released: () => undefined }
      },
    })
    const stopped = first.stop()
    await turn()
    expect(held.toSorted()).toEqual(['b', 'c', 'd'])
    resolve()
    await stopped
    await turn()
    expect(held.toSorted()).toEqual(['a', 'b', 'c', 'd'])
  })
})
