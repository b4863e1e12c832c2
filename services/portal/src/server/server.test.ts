import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { InjectOptions } from 'fastify'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { admin, testApi, viewer } from '../testing/api.ts'
import { loadAssets, serveAssets } from './assets.ts'
import { route } from './route.ts'

const echo = (server: Parameters<typeof route>[0]): void => {
  route(server, {
    method: 'POST',
    path: '/echo/:id',
    access: 'admin',
    summary: 'Answers what it was given.',
    body: z.strictObject({ text: z.string().max(10) }),
    params: z.object({ id: z.string() }),
    answer: z.object({ text: z.string() }),
    handle: ({ body, params, caller, audit }) => {
      audit('echo', params.id)
      return { text: `${caller.name}: ${body.text}` }
    },
  })
  route(server, {
    method: 'GET',
    path: '/numbers',
    access: 'viewer',
    summary: 'Answers a number.',
    query: z.object({ n: z.coerce.number().max(5) }),
    handle: ({ query }) => ({ n: query.n }),
  })
}

test('a route takes what its schemas take, and notes what was changed', async () => {
  await using api = await testApi(echo)
  expect(await api.call('POST', '/echo/7', { text: 'hi' })).toMatchObject({ status: 200, body: { text: 'ada: hi' } })
  expect(api.notes).toMatchObject([{ actor: 'ada', action: 'echo', subject: '7' }])
  expect(await api.call('GET', '/numbers?n=3')).toMatchObject({ status: 200, body: { n: 3 } })
})

test('what is wrong is named by its place', async () => {
  await using api = await testApi(echo)
  expect(await api.call('POST', '/echo/7', { text: 'far too long a text', more: 1 })).toMatchObject({
    status: 400,
    body: { error: { code: 'invalid', problems: [{ path: ['text'] }, { path: [] }] } },
  })
  expect(await api.call('GET', '/numbers?n=9')).toMatchObject({
    status: 400,
    body: { error: { problems: [{ path: ['query', 'n'] }] } },
  })
  expect(await api.call('GET', '/nowhere')).toMatchObject({ status: 404, body: { error: { code: 'not_found' } } })
})

test.each<[string, InjectOptions]>([
  ['no JSON', { payload: '{"text":' }],
  ['a key that changes prototypes', { payload: '{"__proto__":{}}' }],
  ['no UTF-8', { payload: Buffer.from([0x22, 0xff, 0x22]) }],
  ['half a character', { payload: '{"text":"\\ud800"}' }],
  ['too deep', { payload: '['.repeat(40) }],
  ['too much', { payload: `"${'x'.repeat(2_000_000)}"` }],
  ['another type', { payload: 'a=1', headers: { 'content-type': 'application/x-www-form-urlencoded' } }],
  ['another encoding', { payload: '{}', headers: { 'content-type': 'application/json', 'content-encoding': 'gzip' } }],
  ['a value that does not fit', { payload: '{"text":1}' }],
  ['a path that leads nowhere', { url: '/api/v1/nowhere' }],
  ['a parameter that is too long', { url: `/api/v1/echo/${'7'.repeat(1_000)}` }],
])('the answer to %s names the next move', async (_, request) => {
  await using api = await testApi(echo)
  const headers = { 'content-type': 'application/json' }
  const answer = await api.server.inject({ method: 'POST', url: '/api/v1/echo/7', headers, ...request })
  expect(answer.statusCode).toBeGreaterThanOrEqual(400)
  expect(answer.statusCode).toBeLessThan(500)
  expect(answer.json()).toMatchObject({ error: { nextMove: expect.stringMatching(/^[A-Z].*\.$/) } })
})

test('viewers change nothing, and nobody sees anything without signing in', async () => {
  await using asViewer = await testApi(echo, viewer)
  expect(await asViewer.call('POST', '/echo/7', { text: 'hi' })).toMatchObject({ status: 403 })
  expect(await asViewer.call('GET', '/numbers?n=1')).toMatchObject({ status: 200 })
  await using asNobody = await testApi(echo, { ...admin, name: '' })
  asNobody.server.guard = { ...asNobody.server.guard, callerOf: () => undefined }
  expect(await asNobody.call('GET', '/numbers?n=1')).toMatchObject({
    status: 401,
    body: { error: { code: 'unauthorized' } },
  })
})

test('every answer has the headers that keep a browser from doing more', async () => {
  await using api = await testApi(echo)
  for (const path of ['/numbers?n=1', '/nowhere', '/openapi.json']) {
    const { headers } = await api.call('GET', path)
    expect(headers).toMatchObject({
      'content-security-policy': expect.stringContaining("default-src 'none'; script-src 'self'"),
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
      'cache-control': expect.stringMatching(/no-store|no-cache/),
    })
  }
})

test('the document of the API is made of the routes', async () => {
  await using api = await testApi(echo)
  const { body } = await api.call('GET', '/openapi.json')
  expect(body).toMatchObject({
    openapi: '3.1.0',
    paths: {
      '/api/v1/echo/{id}': {
        post: {
          requestBody: { content: { 'application/json': { schema: { additionalProperties: false } } } },
          parameters: [{ name: 'id', in: 'path', required: true }],
        },
      },
    },
  })
})

test('pages are served as scripts a browser runs, and again only when they changed', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'siem-relay-web-'))
  try {
    writeFileSync(
      join(directory, 'index.html'),
      '<!doctype html><script type="module" src="{{root}}assets/main.ts"></script>',
    )
    writeFileSync(
      join(directory, 'main.ts'),
      "import { html } from 'htm/preact'\nimport type { X } from './types.ts'\nimport { y } from './y.ts'\nexport const z: X = html(y)\n",
    )
    writeFileSync(join(directory, 'main.test.ts'), 'never served')
    await using api = await testApi((server) => serveAssets(server, loadAssets(directory, '/siem/')))
    const script = await api.call('GET', '/assets/main.js')
    expect(script.headers['content-type']).toBe('text/javascript; charset=utf-8')
    expect(script.body).toContain("from './vendor/htm-preact.js'")
    expect(script.body).toContain("from './y.js'")
    expect(script.body).not.toContain(': X')
    expect((await api.call('GET', '/')).body).toContain('src="/siem/assets/main.js"')
    const known = { 'if-none-match': String(script.headers.etag) }
    expect((await api.call('GET', '/assets/main.js', undefined, known)).status).toBe(304)
    expect((await api.call('GET', '/assets/vendor/htm-preact.js')).body).toMatch(/from"\.\/preact\.js"/)
    expect((await api.call('GET', '/assets/vendor/preact-hooks.js')).body).toMatch(/from"\.\/preact\.js"/)
    expect((await api.call('GET', '/assets/main.test.js')).status).toBe(404)
    expect((await api.call('GET', '/assets/..%2fpackage.json')).status).toBe(404)
  } finally {
    rmSync(directory, { recursive: true })
  }
})
