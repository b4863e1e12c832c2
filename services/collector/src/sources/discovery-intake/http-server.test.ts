/** Where the intake listens: over TLS, and on one of several instances. */
import { Agent, fetch as undiciFetch } from 'undici'
import { describe, expect, test, vi } from 'vitest'
import { sourcesSchema } from '../../config.ts'
import { Harness } from '../../testing/harness.ts'
import { IntakeBench, ndjson, rowOf, token } from '../../testing/intake-bench.ts'
import { localhostCertFile, localhostKeyFile } from '../../testing/servers.ts'

describe('TLS', () => {
  const tls = { certFile: localhostCertFile, keyFile: localhostKeyFile }

  test('rows come over HTTPS', async () => {
    await using bench = await IntakeBench.http({ tls })
    expect(bench.url).toMatch(/^https:/)
    const dispatcher = new Agent({ connect: { rejectUnauthorized: false } })
    const answer = await undiciFetch(bench.url, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/x-ndjson' },
      body: ndjson(rowOf(1)),
      dispatcher,
    })
    expect(answer.status).toBe(200)
    await dispatcher.destroy()
  })

  test('a certificate that cannot be used is named before anything starts', async () => {
    const settings = { http: { token, tls: { ...tls, keyFile: '/nowhere/key.pem' } } }
    await expect(IntakeBench.open(settings)).rejects.toMatchObject({
      code: 'RELAY_CONFIG_INVALID',
      message: expect.stringMatching(/\/nowhere\/key.pem cannot be used: ENOENT/),
    })
    const swapped = { http: { token, tls: { certFile: tls.keyFile, keyFile: tls.certFile } } }
    await expect(IntakeBench.open(swapped)).rejects.toMatchObject({ code: 'RELAY_CONFIG_INVALID' })
  })
})

test('of two instances the one that holds the tenant listens, then the other', async () => {
  await using harness = await Harness.open()
  const sources = sourcesSchema.parse([
    { id: 'contoso', type: 'discovery-intake', http: { listen: '127.0.0.1:0', token } },
  ])
  const urls = () => harness.world.entries.filter(({ msg }) => msg === 'intake listens').map(({ url }) => String(url))
  const first = await harness.start({ sources })
  await vi.waitFor(() => expect(urls()).toHaveLength(1))
  const second = await harness.start({ sources })
  await harness.pass(60_000)
  expect(urls()).toHaveLength(1)
  const holder = first.status().length === 1 ? first : second
  await holder.stop(1_000)
  await vi.waitFor(() => expect(urls()).toHaveLength(2), { timeout: 20_000 })
  await expect(fetch(urls()[0] as string)).rejects.toThrow()
  expect((await fetch(urls()[1] as string)).status).toBe(401)
})
