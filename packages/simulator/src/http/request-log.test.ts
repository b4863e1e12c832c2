import { describe, expect, test } from 'vitest'
import { oauth, post, startForTest } from '../test-support.ts'
import { RequestBook, requestsKeptMax } from './request-log.ts'

describe('requests', () => {
  test('are written down with time, fields, status and kind of authorization', async () => {
    await using simulator = await startForTest({ nowMs: () => 123_000 })
    await post(simulator, 'alerts', { limit: 5, filters: { severity: { eq: [2] } } })
    expect(simulator.requests).toEqual([
      {
        atMs: 123_000,
        method: 'POST',
        path: '/api/v1/alerts/',
        route: 'alerts',
        body: { limit: 5, filters: { severity: { eq: [2] } } },
        status: 200,
        authorization: 'token',
      },
    ])
  })

  test('never hold a client secret or a token', async () => {
    await using simulator = await startForTest({ oauth })
    const body = new URLSearchParams({ grant_type: 'client_credentials', client_secret: oauth.clientSecret })
    await fetch(simulator.tokenUrl, { method: 'POST', body })
    expect(simulator.requests[0]).toMatchObject({ route: 'token', body: { client_secret: '[redacted]' } })
    expect(JSON.stringify(simulator.requests)).not.toContain(oauth.clientSecret)
  })

  test('keep the latest 10,000', () => {
    const book = new RequestBook()
    for (let atMs = 0; atMs <= requestsKeptMax; atMs += 1) {
      book.open(
        {
          method: 'GET',
          path: '/',
          route: 'other',
          host: '127.0.0.1',
          authorization: undefined,
          parameters: {},
          isMalformed: false,
        },
        atMs,
      )
    }
    expect(book.requests).toHaveLength(10_000)
    expect(book.requests[0]?.atMs).toBe(1)
  })
})

describe('violations', () => {
  test.each([
    ['seconds', { seconds: 30 }],
    ['an HTTP date', { dateInSeconds: 30 }],
  ])(
    'a request before a Retry-After in %s has passed is one, a request after it is none',
    async (_name, retryAfter) => {
      let nowMs = 1_000_000
      await using simulator = await startForTest({ nowMs: () => nowMs })
      simulator.faults.add({ type: 'throttle', retryAfter })
      await post(simulator, 'alerts')
      nowMs += 29_000
      await post(simulator, 'activities')
      expect(simulator.violations).toEqual([{ atMs: 1_029_000, path: '/api/v1/activities/', allowedAtMs: 1_030_000 }])
      nowMs += 1000
      await post(simulator, 'alerts')
      expect(simulator.violations).toHaveLength(1)
    },
  )

  test('a Retry-After that makes no sense, or is absent, binds nobody', async () => {
    await using simulator = await startForTest({ nowMs: () => 1_000_000 })
    simulator.faults.add({ type: 'throttle', retryAfter: { text: 'soon' } })
    simulator.faults.add({ type: 'throttle' })
    for (let count = 0; count < 3; count += 1) await post(simulator, 'alerts')
    expect(simulator.violations).toEqual([])
  })

  test('the token endpoint is another service: waiting for the API does not bar it', async () => {
    await using simulator = await startForTest({ oauth, nowMs: () => 1_000_000 })
    simulator.faults.add({ type: 'unavailable', retryAfter: { seconds: 5 } })
    await post(simulator, 'alerts')
    await fetch(simulator.tokenUrl, { method: 'POST' })
    expect(simulator.violations).toEqual([])
  })
})
