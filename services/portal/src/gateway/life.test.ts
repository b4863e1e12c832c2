import type { BusRecord } from '@siem-relay/bus'
import { agentLimits } from '@siem-relay/common'
import { describe, expect, test } from 'vitest'
import { Life } from './life.ts'

function record(offset: number): BusRecord {
  return { topic: 't', partition: 0, offset, key: `k${offset}`, value: Buffer.from('x'), headers: {}, appendedMs: 0 }
}

function lifeWith() {
  const acknowledged: [number, number][] = []
  const life = new Life(
    1,
    { topic: 't', partition: 0 },
    {
      acknowledge: (first, last) => acknowledged.push([first, last]),
      deadLetter: () => undefined,
    },
  )
  return { life, acknowledged }
}

describe('Life', () => {
  test('an acknowledgement reaches no further than what was handed out', async () => {
    const { life, acknowledged } = lifeWith()
    void life.offer([record(0), record(1)])
    life.acknowledge(0, 1_000)
    expect(acknowledged).toEqual([])
    life.take('g', 1)
    void life.offer([record(2), record(5)])
    expect(life.acknowledge(0, Number.MAX_SAFE_INTEGER)).toHaveLength(2)
    expect(acknowledged).toEqual([[0, 1]])
    life.take('g', 1)
    // Offsets may have gaps.
    expect(life.acknowledge(3, 9)).toHaveLength(1)
    expect(acknowledged).toEqual([
      [0, 1],
      [5, 5],
    ])
    expect(life.unacknowledged).toBe(1)
  })

  test('a range that ends before it begins, and one again, change nothing', () => {
    const { life, acknowledged } = lifeWith()
    void life.offer([record(0)])
    life.take('g', 1)
    expect(life.acknowledge(5, 1)).toEqual([])
    life.acknowledge(0, 0)
    expect(life.acknowledge(0, 0)).toEqual([])
    expect(acknowledged).toEqual([[0, 0]])
  })

  test('so many batches go ahead of what the agent has dealt with, whatever it claims', () => {
    const { life } = lifeWith()
    let given = 0
    const giveAll = (): number => {
      for (; life.readyBytes !== undefined; given++) {
        life.take('g', 1)
        void life.offer([record(given + 1)])
      }
      return given
    }
    void life.offer([record(0)])
    expect(giveAll()).toBe(agentLimits.batchesAhead)
    life.roomFor(1)
    expect(giveAll()).toBe(agentLimits.batchesAhead + 1)
    life.roomFor(Number.MAX_SAFE_INTEGER)
    expect(giveAll()).toBe(2 * agentLimits.batchesAhead + 1)
    // An older report cannot take room back or give it again.
    life.roomFor(0)
    expect(giveAll()).toBe(2 * agentLimits.batchesAhead + 1)
  })

  test('once it is over, what waits is let go of, so that the bus does not wait for it', async () => {
    const { life } = lifeWith()
    const taken = life.offer([record(0)])
    life.close()
    await taken
    expect(life.take('g', 1)).toBeUndefined()
  })
})
