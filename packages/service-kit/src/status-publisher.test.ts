import type { Bus, NewRecord } from '@siem-relay/bus'
import { agentStatusTopic } from '@siem-relay/common'
import { describe, expect, test } from 'vitest'
import { StatusPublisher } from './status-publisher.ts'
import { testWorld } from './testing/test-world.ts'

interface Light {
  readonly colour: string
  readonly seenMs: number
}

/** A publisher of lights on a log that keeps what each commit brought, and fails as told. */
function street(options: { readonly lookEveryMs?: number } = {}) {
  const commits: string[] = []
  const lights = new Map<string, string>()
  const log = { claims: 0, open: 0, failure: undefined as Error | undefined }
  const bus = {
    ensureTopics: async () => undefined,
    writer: async () => {
      log.claims++
      log.open++
      return {
        state: new Map(),
        commit: async ({ records = [] }: { readonly records?: readonly NewRecord[] }) => {
          if (log.failure !== undefined) throw log.failure
          commits.push(records.map(({ key, value }) => `${key} ${value === null ? 'gone' : String(value)}`).join(', '))
        },
        [Symbol.asyncDispose]: async () => {
          log.open--
        },
      }
    },
  } as unknown as Bus
  const world = testWorld({ bus })
  const publisher = new StatusPublisher<Light>({
    world,
    topic: agentStatusTopic,
    ownerId: 'street',
    present: () => Array.from(lights, ([key, colour]) => [key, { colour, seenMs: world.clock.nowMs() }]),
    newsOf: ({ colour }) => colour,
    encode: ({ colour }) => Buffer.from(colour),
    ...options,
  })
  return { world, publisher, commits, lights, log, clock: world.clock }
}

describe('StatusPublisher', () => {
  test('tells everything at once, then news when it is rung, and everything every 30 s', async () => {
    const { publisher, commits, lights, clock } = street()
    lights.set('north', 'red').set('south', 'red')
    publisher.start()
    await clock.settle()
    expect(commits).toEqual(['north red, south red'])
    await clock.advance(10_000)
    lights.set('south', 'green')
    await clock.advance(1_000)
    expect(commits).toHaveLength(1)
    publisher.changed()
    await clock.settle()
    expect(commits.slice(1)).toEqual(['south green'])
    publisher.changed()
    await clock.advance(19_000)
    expect(commits.slice(2)).toEqual(['north red, south green'])
    await clock.advance(30_000)
    expect(commits.slice(3)).toEqual(['north red, south green'])
    await publisher.stop()
  })

  test('what comes and goes is told once a second, as it is then', async () => {
    const { publisher, commits, lights, clock } = street()
    lights.set('north', 'red')
    publisher.start()
    for (let n = 0; n < 40; n++) {
      await clock.advance(50)
      lights.set('north', n % 2 === 0 ? 'green' : 'red')
      publisher.changed()
    }
    await clock.advance(1_000)
    expect(commits.length).toBeLessThanOrEqual(4)
    expect(commits.at(-1)).toBe('north red')
    await publisher.stop()
  })

  test('looks for news by itself where it is asked to', async () => {
    const { publisher, commits, lights, clock } = street({ lookEveryMs: 1_000 })
    lights.set('north', 'red')
    publisher.start()
    await clock.advance(5_000)
    lights.set('north', 'green').set('east', 'red')
    await clock.advance(1_000)
    expect(commits).toEqual(['north red', 'north green, east red'])
    await publisher.stop()
  })

  test('takes back what is gone, once, and not what is there again', async () => {
    const { publisher, commits, lights, clock } = street()
    lights.set('north', 'red').set('south', 'red')
    publisher.start()
    await clock.settle()
    lights.delete('north')
    publisher.left('north')
    publisher.left('south')
    await clock.advance(2_000)
    expect(commits.slice(1)).toEqual(['north gone'])
    // What merely is not here any more is another instance's now: it is let alone.
    lights.clear()
    publisher.changed()
    await clock.advance(60_000)
    expect(commits).toHaveLength(2)
    await publisher.stop()
  })

  test('trouble with the log is logged once, tried again every 5 s with a new claim, and nothing is missed', async () => {
    const { publisher, commits, lights, clock, log, world } = street()
    log.failure = new Error('no room')
    lights.set('north', 'red')
    publisher.start()
    publisher.left('west')
    await clock.advance(12_000)
    expect([log.claims, log.open, commits]).toEqual([3, 0, []])
    expect(world.entries).toMatchObject([{ level: 'warn', msg: 'status not published', error: 'no room' }])
    log.failure = undefined
    await clock.advance(5_000)
    expect(commits).toEqual(['west gone, north red'])
    await publisher.stop()
  })

  test('tells once more when it stops, lets go of the log and leaves no timer', async () => {
    const { publisher, commits, lights, clock, log } = street()
    lights.set('north', 'red')
    publisher.start()
    await clock.advance(3_000)
    await publisher.stop()
    expect(commits).toEqual(['north red', 'north red'])
    expect([log.open, clock.pending]).toEqual([0, 0])
  })

  test('without anything to tell claims nothing', async () => {
    const { publisher, clock, log } = street()
    publisher.start()
    await clock.advance(120_000)
    await publisher.stop()
    expect(log.claims).toBe(0)
  })
})
