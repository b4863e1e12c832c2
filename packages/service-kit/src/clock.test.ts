import { describe, expect, test } from 'vitest'
import { systemClock } from './clock.ts'

describe('systemClock', () => {
  test('tells milliseconds since the epoch', () => {
    expect(Math.abs(systemClock.nowMs() - Date.now())).toBeLessThan(60_000)
  })

  test('monotonicMs never goes back', () => {
    const first = systemClock.monotonicMs()
    expect(systemClock.monotonicMs()).toBeGreaterThanOrEqual(first)
  })

  test('sleep resolves', async () => {
    await expect(systemClock.sleep(0)).resolves.toBeUndefined()
    await expect(systemClock.sleep(-5)).resolves.toBeUndefined()
  })

  test("an aborted sleep rejects with the signal's reason", async () => {
    const stop = new AbortController()
    const sleeping = systemClock.sleep(3_600_000, stop.signal)
    stop.abort(new Error('shutting down'))
    await expect(sleeping).rejects.toThrow('shutting down')
  })

  test('a sleep on an aborted signal rejects at once', async () => {
    await expect(systemClock.sleep(3_600_000, AbortSignal.abort(new Error('too late')))).rejects.toThrow('too late')
  })

  test('a wait longer than 2^31-1 ms does not end at once', async () => {
    const stop = new AbortController()
    let hasEnded = false
    const sleeping = systemClock.sleep(2 ** 33, stop.signal).then(() => {
      hasEnded = true
    })
    await systemClock.sleep(5)
    expect(hasEnded).toBe(false)
    stop.abort(new Error('enough'))
    await expect(sleeping).rejects.toThrow('enough')
  })

  test('after calls back once', async () => {
    const { promise, resolve } = Promise.withResolvers<void>()
    systemClock.after(0, resolve)
    await Promise.all([promise, systemClock.sleep(20)])
  })

  test('a cancelled after does not call back', async () => {
    let calls = 0
    const cancel = systemClock.after(0, () => calls++)
    cancel()
    await systemClock.sleep(5)
    expect(calls).toBe(0)
  })
})
