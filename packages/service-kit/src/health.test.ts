import { describe, expect, test } from 'vitest'
import { createHealth } from './health.ts'

describe('createHealth', () => {
  test('is ready without checks', () => {
    expect(createHealth().report()).toEqual({ isReady: true, checks: [] })
  })

  test('is not ready while one check gives a reason', () => {
    const health = createHealth()
    health.register('bus', () => undefined)
    let reason: string | undefined = 'no page fetched yet'
    health.register('collector/contoso', () => reason)
    expect(health.report()).toEqual({
      isReady: false,
      checks: [
        { name: 'bus', reason: undefined },
        { name: 'collector/contoso', reason: 'no page fetched yet' },
      ],
    })
    reason = undefined
    expect(health.report().isReady).toBe(true)
  })

  test('a check can be taken back, and only it', () => {
    const health = createHealth()
    const remove = health.register('sender/splunk', () => 'old')
    health.register('sender/splunk', () => 'new')
    remove()
    remove()
    expect(health.report().checks).toEqual([{ name: 'sender/splunk', reason: 'new' }])
  })

  test('a check that throws fails with its error', () => {
    const health = createHealth()
    health.register('bus', () => {
      throw new Error('database is closed')
    })
    expect(health.report()).toMatchObject({
      isReady: false,
      checks: [{ name: 'bus', reason: 'the check failed: database is closed' }],
    })
  })
})
