import { describe, expect, test } from 'vitest'
import { Harness, oauth } from './testing/harness.ts'
import { serve, serveProxy } from './testing/servers.ts'

describe('requests to the source', () => {
  test('go through the proxy of the source, tokens included', async () => {
    await using harness = await Harness.open()
    await using proxy = await serveProxy('user:password')
    await harness.start(
      harness.config({
        proxy: `user:password@127.0.0.1:${proxy.port}`,
        auth: { type: 'oauth', ...oauth, tokenUrl: harness.simulator.tokenUrl },
        collect: { activities: false },
      }),
    )
    await harness.pass(2_000)
    expect(proxy.asked).toEqual([
      { line: `POST ${harness.simulator.tokenUrl}`, credentials: 'user:password' },
      { line: `POST ${harness.simulator.url}/api/v1/alerts/`, credentials: 'user:password' },
    ])
  })

  test.each([
    [301, 'https://evil.example/api/v1/alerts/', 'evil.example'],
    [307, '/api/v1/alerts', 'another place on the same host'],
  ])('a redirect (%i) is refused and named: credentials do not go along', async (status, location, named) => {
    let requests = 0
    await using harness = await Harness.open()
    await using server = await serve((_, response) => {
      requests++
      response.writeHead(status, { location }).end()
    })
    const running = await harness.start(
      harness.config({ url: `http://127.0.0.1:${server.port}`, collect: { activities: false } }),
    )
    while (running.status()[0]?.lastError === undefined) await harness.quiet()
    expect(running.status()[0]).toMatchObject({
      state: 'error',
      lastError: { code: 'RELAY_SOURCE_REQUEST', message: expect.stringContaining(named) },
    })
    expect(requests).toBe(1)
  })

  test('403 for one kind of record leaves the other one going', async () => {
    await using harness = await Harness.open()
    await using server = await serve((request, response) => {
      const isAlerts = request.url === '/api/v1/alerts/'
      response.writeHead(isAlerts ? 403 : 200, { date: new Date(harness.clock.nowMs()).toUTCString() })
      response.end(isAlerts ? '{"detail":"permission denied"}' : '{"data":[],"hasNext":false,"total":0}')
    })
    const running = await harness.start(harness.config({ url: `http://127.0.0.1:${server.port}` }))
    while (running.status()[0]?.streams.some((s) => s.state === 'starting')) await harness.quiet()
    expect(running.status()[0]).toMatchObject({
      state: 'error',
      streams: [
        {
          state: 'error',
          lastError: { code: 'RELAY_SOURCE_AUTH', message: expect.stringContaining('permission denied') },
        },
        { state: 'collecting' },
      ],
    })
  })
})
