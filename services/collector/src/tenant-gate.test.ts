import { FakeClock } from '@siem-relay/service-kit/testing'
import { describe, expect, test } from 'vitest'
import { TenantGate } from './tenant-gate.ts'

const { signal } = new AbortController()

function gate(requestsPerMinute = 30): { clock: FakeClock; gate: TenantGate; sent: string[] } {
  const clock = new FakeClock()
  return { clock, gate: new TenantGate({ requestsPerMinute, clock, random: () => 0.5 }), sent: [] }
}

describe('TenantGate', () => {
  test('lets one request through at a time, the most urgent first', async () => {
    const { clock, gate: g, sent } = gate()
    let finish = (): void => undefined
    const first = g.run(1, signal, () => new Promise<void>((resolve) => (finish = resolve)))
    const others = [
      g.run(2, signal, async () => void sent.push('back')),
      g.run(1, signal, async () => void sent.push('activities')),
      g.run(0, signal, async () => void sent.push('alerts')),
    ]
    await clock.settle()
    expect(sent).toEqual([])
    finish()
    await Promise.all([first, ...others])
    expect(sent).toEqual(['alerts', 'activities', 'back'])
  })

  test('a request that hangs keeps the others waiting for ten seconds only', async () => {
    const { clock, gate: g, sent } = gate()
    let finish = (): void => undefined
    const slow = g.run(0, signal, () => new Promise<void>((resolve) => (finish = resolve)))
    const next = g.run(0, signal, async () => void sent.push('next'))
    await clock.advance(9_999)
    expect(sent).toEqual([])
    await clock.advance(1)
    await next
    finish()
    await slow
    await g.run(0, signal, async () => void sent.push('last'))
    expect(sent).toEqual(['next', 'last'])
    expect(clock.pending).toBe(0)
  })

  test('a failed request lets the next one through and its error out', async () => {
    const { gate: g, sent } = gate()
    await expect(g.run(0, signal, () => Promise.reject(new Error('no')))).rejects.toThrow('no')
    await g.run(0, signal, async () => void sent.push('next'))
    expect(sent).toEqual(['next'])
  })

  test('keeps the budget', async () => {
    const { clock, gate: g, sent } = gate(2)
    const runs = [1, 2, 3].map((n) => g.run(0, signal, async () => void sent.push(`${n}`)))
    await clock.settle()
    expect([sent, g.remaining]).toEqual([['1', '2'], 0])
    await clock.advance(60_000)
    await Promise.all(runs)
    expect(sent).toEqual(['1', '2', '3'])
  })

  test('nobody asks during a pause', async () => {
    const { clock, gate: g, sent } = gate()
    expect(g.throttled(30_000)).toBe(30_000)
    const run = g.run(0, signal, async () => void sent.push('after'))
    await clock.advance(29_999)
    expect(sent).toEqual([])
    await clock.advance(1)
    await run
    expect(sent).toEqual(['after'])
  })

  test('without a Retry-After the pause is five seconds at least and grows until an answer comes', () => {
    const { gate: g } = gate()
    expect([g.throttled(undefined), g.throttled(undefined), g.throttled(undefined)]).toEqual([7_500, 10_000, 15_000])
    g.answered()
    expect(g.throttled(undefined)).toBe(7_500)
  })

  test('who is aborted while waiting leaves without a trace', async () => {
    const { clock, gate: g, sent } = gate(1)
    const abort = new AbortController()
    await g.run(0, signal, async () => undefined)
    const atBudget = g.run(0, abort.signal, async () => void sent.push('never'))
    const atDoor = g.run(0, abort.signal, async () => void sent.push('never'))
    abort.abort(new Error('stopping'))
    await expect(atBudget).rejects.toThrow('stopping')
    await expect(atDoor).rejects.toThrow('stopping')
    await expect(g.run(0, abort.signal, async () => undefined)).rejects.toThrow('stopping')
    const next = g.run(0, signal, async () => void sent.push('next'))
    await clock.advance(60_000)
    await next
    expect(sent).toEqual(['next'])
    expect(clock.pending).toBe(0)
  })
})
