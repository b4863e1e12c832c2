/** Ways to the portal: behind a reverse proxy that ends TLS and keeps a path, and by a certificate of its own. */
import { readFileSync } from 'node:fs'
import { request } from 'node:https'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Relay } from '../../app/src/all-in-one.ts'
import { makeCertificates } from '../support/certificates.ts'
import { startTestRelay, temporaryDirectory } from '../support/relay.ts'
import { startReverseProxy } from '../support/reverse-proxy.ts'
import { launch, openPage, pagesOf, visit } from './support/browser.ts'
import { addSyslogAgent, setUp, signIn } from './support/steps.ts'

let browser: Browser
beforeAll(async () => {
  browser = await launch()
})
afterAll(() => browser.close())

const ada = { name: 'ada', password: 'correct horse battery staple' }
const agents = [{ id: 'soc', name: 'SOC', syslog: { host: '127.0.0.1', port: 1025 } }]

function placesOf({ portal }: Relay): { readonly url: string; readonly setUpLink: string } {
  if (portal?.setUpLink === undefined) throw new Error('the portal runs without a set-up link')
  return { url: portal.url, setUpLink: portal.setUpLink }
}

test('behind a reverse proxy with a path: set up, made and read under the path alone, by cookies of TLS', async () => {
  using directory = temporaryDirectory()
  let target = ''
  await using proxy = await startReverseProxy(makeCertificates(directory.path), '/siem', () => target)
  const relay = await startTestRelay(directory.path, {
    agents,
    portal: {
      listen: '127.0.0.1:0',
      path: '/siem',
      trustProxy: ['127.0.0.1'],
      allowCidrs: ['127.0.0.0/8'],
    },
  })
  try {
    const { url, setUpLink } = placesOf(relay)
    target = new URL(url).origin
    const link = new URL(setUpLink)
    await using watched = await openPage(browser, { takesAnyCertificate: true })
    const { page, context } = watched
    await setUp(page, `${proxy.origin}${link.pathname}${link.hash}`, ada)
    expect(await context.cookies()).toMatchObject([
      { name: '__Host-siem_relay_session', secure: true, httpOnly: true, sameSite: 'Strict' },
    ])
    const token = await addSyslogAgent(page, { name: 'Plant', host: '127.0.0.1', port: 1025, isRemote: true })
    expect(token).toMatch(/^sra_plant_/)
    expect(await page.getByLabel('Start command', { exact: true }).textContent()).toContain(
      `--portal ${proxy.origin}/siem/ --token-file`,
    )
    await page.getByRole('button', { name: 'Finish' }).click()
    await page.getByRole('link', { name: 'Plant' }).waitFor()
    for (const { path, label } of await pagesOf(page)) {
      expect(path).toMatch(/^\/siem\//)
      await visit(watched, `${proxy.origin}${path}`)
      await page.getByRole('link', { name: label, exact: true }).and(page.locator('[aria-current=page]')).waitFor()
    }
    expect(proxy.strays).toEqual([])
    expect(watched.errors).toEqual([])
    const { entries } = relay
    expect(entries).toContainEqual(expect.objectContaining({ action: 'setup', address: '127.0.0.1' }))
  } finally {
    await relay.stop(0)
  }
})

test('with a certificate of its own: by TLS alone, in the name it was made for', async () => {
  using directory = temporaryDirectory()
  const { caFile, certFile, keyFile } = makeCertificates(directory.path)
  const relay = await startTestRelay(directory.path, {
    agents,
    portal: { listen: '127.0.0.1:0', tls: { certFile, keyFile } },
  })
  try {
    const { url, setUpLink } = placesOf(relay)
    expect(url).toMatch(/^https:/)
    expect(await statusOf(`${url}/`, caFile)).toBe(200)
    await expect(fetch(url.replace('https:', 'http:'))).rejects.toThrow()
    await using watched = await openPage(browser, { takesAnyCertificate: true })
    await setUp(watched.page, setUpLink, ada)
    await watched.context.clearCookies()
    await signIn(watched.page, `${url}/`, ada)
    await watched.page.getByRole('link', { name: 'SOC' }).waitFor()
    expect(await watched.context.cookies()).toMatchObject([{ name: '__Host-siem_relay_session', secure: true }])
    expect(watched.errors).toEqual([])
  } finally {
    await relay.stop(0)
  }
})

/** As a program asks that knows the authority, and holds the certificate to its name. */
function statusOf(url: string, caFile: string): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const asked = request(url, { ca: readFileSync(caFile), servername: 'receiver.test' }, (answer) => {
      answer.resume()
      resolve(answer.statusCode)
    })
    asked.on('error', reject)
    asked.end()
  })
}
