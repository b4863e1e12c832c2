import { describe, expect, test } from 'vitest'
import { FakeClock } from './fake-clock.ts'

describe('FakeClock', () => {
  test('stands still until it is advanced, then both clocks move alike', async () => {
    const clock = new FakeClock(1_000)
    expect([clock.nowMs(), clock.monotonicMs()]).toEqual([1_000, 0])
    await clock.advance(250)
    expect([clock.nowMs(), clock.monotonicMs()]).toEqual([1_250, 250])
  })

  test('runs due timers in the order of their time, each at its own time', async () => {
    const clock = new FakeClock()
    const seen: string[] = []
    clock.after(30, () => seen.push(`c at ${clock.monotonicMs()}`))
    clock.after(10, () => seen.push(`a at ${clock.monotonicMs()}`))
    clock.after(10, () => seen.push(`b at ${clock.monotonicMs()}`))
    clock.after(31, () => seen.push('too late'))
    await clock.advance(30)
    expect(seen).toEqual(['a at 10', 'b at 10', 'c at 30'])
    expect(clock.pending).toBe(1)
  })

  test('a loop of sleeps makes all its turns within one advance', async () => {
    const clock = new FakeClock()
    let turns = 0
    const stop = new AbortController()
    const loop = (async () => {
      for (;;) {
        await clock.sleep(10, stop.signal)
        turns++
      }
    })()
    await clock.advance(100)
    expect(turns).toBe(10)
    stop.abort(new Error('end'))
    await expect(loop).rejects.toThrow('end')
    expect(clock.pending).toBe(0)
  })

  test('a cancelled timer does not run', async () => {
    const clock = new FakeClock()
    let ran = false
    const cancel = clock.after(10, () => {
      ran = true
    })
    cancel()
    await clock.advance(100)
    expect(ran).toBe(false)
  })

  test('a sleep on an aborted signal rejects at once', async () => {
    await expect(new FakeClock().sleep(10, AbortSignal.abort(new Error('gone')))).rejects.toThrow('gone')
  })

  test('a jump of the wall clock moves no timer', async () => {
    const clock = new FakeClock(0)
    let ran = false
    clock.after(10, () => {
      ran = true
    })
    clock.jumpWallClock(3_600_000)
    await clock.settle()
    expect(ran).toBe(false)
    expect([clock.nowMs(), clock.monotonicMs()]).toEqual([3_600_000, 0])
  })
})
