import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import { RelayError } from '@siem-relay/common'
import { createDispatchers, type DispatcherOptions } from '@siem-relay/http'
import { FakeClock } from '@siem-relay/service-kit/testing'
import { describe, expect, test } from 'vitest'
import { localhostCertFile, serve, serveProxy } from '../testing/servers.ts'
import { type Answer, exchange } from './exchange.ts'

/** Posts `{}` and closes the connections. */
async function post(
  url: string,
  more: { via?: Partial<DispatcherOptions>; bytesMax?: number; clock?: FakeClock; signal?: AbortSignal } = {},
): Promise<Answer> {
  await using dispatchers = createDispatchers({ env: {}, ...more.via })
  return await exchange({
    dispatcher: dispatchers.to(new URL(url)),
    clock: more.clock ?? new FakeClock(),
    url: new URL(url),
    headers: { 'user-agent': 'siem-relay/1' },
    body: '{}',
    signal: more.signal ?? new AbortController().signal,
    ...(more.bytesMax === undefined ? {} : { bodyBytesMax: more.bytesMax }),
  })
}

const refusal = (work: Promise<unknown>): Promise<RelayError> =>
  work.then(
    () => {
      throw new Error('it succeeded')
    },
    (error: unknown) => {
      if (error instanceof RelayError) return error
      throw error
    },
  )

describe('exchange', () => {
  test('posts and reads the whole answer', async () => {
    let seen = ''
    await using server = await serve((request, response) => {
      seen = `${request.method} ${request.url} ${request.headers['user-agent']} ${request.headers['accept-encoding']}`
      response.setHeader('date', 'Sun, 06 Nov 1994 08:49:37 GMT').end('{"a":1}')
    })
    const answer = await post(`http://127.0.0.1:${server.port}/cas/api/`)
    expect(seen).toBe('POST /cas/api/ siem-relay/1 gzip')
    expect([answer.status, answer.body.toString(), answer.dateMs]).toEqual([
      200,
      '{"a":1}',
      Date.UTC(1994, 10, 6, 8, 49, 37),
    ])
  })

  test('unpacks gzip', async () => {
    await using server = await serve((_, response) => {
      response.setHeader('content-encoding', 'gzip').end(gzipSync('{"a":1}'))
    })
    expect((await post(`http://127.0.0.1:${server.port}/`)).body.toString()).toBe('{"a":1}')
  })

  test.each([
    ['a long body', () => ({ body: Buffer.alloc(2_000, 0x20), encoding: 'identity' }), /larger than 1000 bytes/],
    ['a gzip bomb', () => ({ body: gzipSync(Buffer.alloc(1_000_000)), encoding: 'gzip' }), /larger than 1000 bytes/],
    ['half a gzip body', () => ({ body: gzipSync('x'.repeat(99)).subarray(0, 20), encoding: 'gzip' }), /damaged/],
    ['an encoding nobody asked for', () => ({ body: Buffer.from('x'), encoding: 'br' }), /was not asked for/],
  ])('refuses %s', async (_, make, message) => {
    const { body, encoding } = make()
    await using server = await serve((_request, response) => {
      response.setHeader('content-encoding', encoding).end(body)
    })
    const error = await refusal(post(`http://127.0.0.1:${server.port}/`, { bytesMax: 1_000 }))
    expect(error.code).toBe('RELAY_SOURCE_RESPONSE')
    expect(error.message).toMatch(message)
  })

  test('a body that never ends is cut off at the bound', async () => {
    await using server = await serve((_, response) => {
      const more = (error?: Error | null): void => {
        if (!error) response.write('x'.repeat(10_000), more)
      }
      more()
    })
    const error = await refusal(post(`http://127.0.0.1:${server.port}/`, { bytesMax: 1_000_000 }))
    expect(error.code).toBe('RELAY_SOURCE_RESPONSE')
  })

  test('of an error page only the beginning is read', async () => {
    await using server = await serve((_, response) => {
      response.writeHead(502).end('x'.repeat(5_000_000))
    })
    const answer = await post(`http://127.0.0.1:${server.port}/`)
    expect(answer.status).toBe(502)
    expect(answer.body.length).toBeLessThan(1_000_000)
  })

  test('does not follow redirects', async () => {
    let requests = 0
    await using server = await serve((_, response) => {
      requests++
      response.writeHead(302, { location: '/elsewhere' }).end()
    })
    expect((await post(`http://127.0.0.1:${server.port}/`)).status).toBe(302)
    expect(requests).toBe(1)
  })

  test('says which host gave no answer', async () => {
    const server = await serve((request) => request.socket.destroy())
    const url = `http://127.0.0.1:${server.port}/`
    const closed = await refusal(post(url))
    expect(closed).toMatchObject({
      code: 'RELAY_SOURCE_UNAVAILABLE',
      message: expect.stringContaining(`127.0.0.1:${server.port}`),
    })
    await server[Symbol.asyncDispose]()
    expect((await refusal(post(url))).message).toMatch(/ECONNREFUSED/)
  })

  test('gives up after five minutes', async () => {
    const clock = new FakeClock()
    await using server = await serve(() => void clock.advance(300_000))
    const error = await refusal(post(`http://127.0.0.1:${server.port}/`, { clock }))
    expect(error).toMatchObject({ code: 'RELAY_SOURCE_UNAVAILABLE', message: expect.stringContaining('within 300 s') })
  })

  test('an abort ends it with its own reason', async () => {
    const abort = new AbortController()
    await using server = await serve((_, response) => {
      response.write('{', () => abort.abort(new Error('stopping')))
    })
    await expect(post(`http://127.0.0.1:${server.port}/`, { signal: abort.signal })).rejects.toThrow('stopping')
  })
})

describe('TLS', () => {
  test('a certificate nobody trusts is refused, unless its authority is configured', async () => {
    await using server = await serve((_, response) => void response.end('{}'), { tls: true })
    const url = `https://localhost:${server.port}/`
    expect(await refusal(post(url))).toMatchObject({
      code: 'RELAY_SOURCE_UNAVAILABLE',
      message: expect.stringContaining('SELF_SIGNED'),
    })
    expect((await post(url, { via: { caFile: localhostCertFile } })).status).toBe(200)
  })

  test.each([
    ['missing', '/nonexistent/ca.pem', /ENOENT/],
    ['no certificate', fileURLToPath(import.meta.url), /no PEM certificate/],
  ])('a caFile that is %s is named', (_, caFile, message) => {
    expect(() => createDispatchers({ caFile, env: {} })).toThrow(
      expect.objectContaining({ code: 'RELAY_CONFIG_INVALID', message: expect.stringMatching(message) }),
    )
  })
})

describe('proxy', () => {
  test('carries http with an absolute address and its credentials', async () => {
    await using server = await serve((_, response) => void response.end('{}'))
    await using proxy = await serveProxy('user:p@ss:word')
    const url = `http://127.0.0.1:${server.port}/api/`
    const via = { proxy: `http://user:p%40ss%3Aword@127.0.0.1:${proxy.port}` }
    expect((await post(url, { via })).status).toBe(200)
    expect(proxy.asked).toEqual([{ line: `POST ${url}`, credentials: 'user:p@ss:word' }])
  })

  test('carries https through CONNECT, the certificate still being verified', async () => {
    await using server = await serve((_, response) => void response.end('{}'), { tls: true })
    await using proxy = await serveProxy('user:password')
    const url = `https://localhost:${server.port}/api/`
    const via = { proxy: `http://user:password@127.0.0.1:${proxy.port}`, caFile: localhostCertFile }
    expect((await post(url, { via })).status).toBe(200)
    expect(proxy.asked).toEqual([{ line: `CONNECT localhost:${server.port}`, credentials: 'user:password' }])
    expect((await refusal(post(url, { via: { proxy: via.proxy } }))).code).toBe('RELAY_SOURCE_UNAVAILABLE')
  })

  test.each(['http', 'https'])('refused credentials are trouble that names no password (%s)', async (scheme) => {
    await using proxy = await serveProxy('user:other')
    const via = { proxy: `http://user:canary@127.0.0.1:${proxy.port}` }
    const error = await refusal(post(`${scheme}://127.0.0.1:1/`, { via }))
    expect(error).toMatchObject({ code: 'RELAY_SOURCE_UNAVAILABLE', message: expect.stringContaining('407') })
    expect(JSON.stringify(error.message)).not.toContain('canary')
  })

  test('of the environment is left for what NO_PROXY names', async () => {
    await using server = await serve((_, response) => void response.end('{}'), { tls: true })
    await using proxy = await serveProxy()
    // A name of this machine that is not its usual one, so that the environment counts.
    const url = `https://localhost.:${server.port}/`
    const env = { HTTPS_PROXY: `http://127.0.0.1:${proxy.port}` }
    await refusal(post(url, { via: { env } }))
    expect(proxy.asked.map(({ line }) => line)).toEqual([`CONNECT localhost.:${server.port}`])
    await refusal(post(url, { via: { env: { ...env, NO_PROXY: 'localhost.' } } }))
    expect(proxy.asked).toHaveLength(1)
  })
})
