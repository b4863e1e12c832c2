import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { setUpPortal, signInTo, testPassword } from '../testing/browser.ts'
import { startTestPortal } from '../testing/portal.ts'

const json = { 'content-type': 'application/json' }
const post = (url: string, path: string, body: unknown, headers: Record<string, string> = {}): Promise<Response> =>
  fetch(`${url}/api/v1${path}`, { method: 'POST', headers: { ...json, ...headers }, body: JSON.stringify(body) })

describe('the set-up link', () => {
  test('works once, stands in a file for its user alone, and is gone with the first account', async () => {
    await using made = await startTestPortal()
    const { portal, directory } = made
    const file = join(directory, 'portal', 'set-up-link')
    expect(readFileSync(file, 'utf8').trim()).toBe(portal.setUpLink)
    expect(statSync(file).mode & 0o777).toBe(0o600)
    expect(statSync(join(directory, 'portal', 'portal.db')).mode & 0o077).toBe(0)
    const wrong = await post(portal.url, '/setup', { token: 'x'.repeat(43), name: 'eve', password: testPassword })
    expect(wrong.status).toBe(403)
    const ada = await setUpPortal(portal)
    expect((await ada.call('GET', '/session')).body).toMatchObject({
      state: 'signed-in',
      account: { name: 'ada', role: 'admin' },
    })
    await expect(setUpPortal(portal)).rejects.toThrow(/403/)
    expect(() => statSync(file)).toThrow(/ENOENT/)
    expect(JSON.stringify(made.world.entries)).not.toContain(portal.setUpLink?.split('token=')[1])
  })

  test('that two use at once makes one account', async () => {
    await using made = await startTestPortal()
    const token = made.portal.setUpLink?.split('token=')[1]
    const answers = await Promise.all(
      ['ada', 'eve'].map((name) => post(made.portal.url, '/setup', { token, name, password: testPassword })),
    )
    expect(answers.map(({ status }) => status).toSorted()).not.toEqual([200, 200])
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1)
  })
})

describe('a session', () => {
  test('has a cookie that scripts and other sites cannot use, and a new one at each sign-in', async () => {
    await using made = await startTestPortal()
    await setUpPortal(made.portal)
    const fixed = 'A'.repeat(43)
    const answer = await post(
      made.portal.url,
      '/session',
      { name: 'ada', password: testPassword },
      { cookie: `siem_relay_session=${fixed}` },
    )
    const cookie = answer.headers.getSetCookie()[0] ?? ''
    expect(cookie).toMatch(/^siem_relay_session=[A-Za-z0-9_-]{43}; Max-Age=43200; Path=\/; HttpOnly; SameSite=Strict$/)
    expect(cookie).not.toContain(fixed)
  })

  test('ends after 30 minutes without use, and after 12 hours with it', async () => {
    await using made = await startTestPortal()
    const ada = await setUpPortal(made.portal)
    const minutes = (count: number): Promise<void> => made.world.clock.advance(count * 60_000)
    const status = async (): Promise<number> => (await ada.call('GET', '/accounts')).status
    await minutes(29)
    expect(await status()).toBe(200)
    await minutes(31)
    expect(await status()).toBe(401)
    const again = await signInTo(made.portal.url, 'ada')
    for (let n = 0; n < 28; n++) {
      await minutes(25)
      expect((await again.call('GET', '/accounts')).status).toBe(200)
    }
    await minutes(25)
    expect((await again.call('GET', '/accounts')).status).toBe(401)
  })

  test('ends with sign-out, with another password, and with its account', async () => {
    await using made = await startTestPortal()
    const ada = await setUpPortal(made.portal)
    await ada.call('POST', '/accounts', { name: 'vic', role: 'viewer', password: testPassword })
    const { url } = made.portal
    const status = async (client: typeof ada): Promise<number> => (await client.call('GET', '/agents')).status
    const one = await signInTo(url, 'vic')
    expect((await one.call('DELETE', '/session')).status).toBe(204)
    expect(await status(one)).toBe(401)
    const two = await signInTo(url, 'vic')
    const three = await signInTo(url, 'vic')
    const changed = await two.call('PUT', '/password', { current: testPassword, next: `${testPassword}!` })
    expect(changed.status).toBe(200)
    expect(await status(three)).toBe(401)
    await ada.call('PATCH', '/accounts/vic', { password: testPassword })
    const four = await signInTo(url, 'vic')
    expect((await ada.call('DELETE', '/accounts/vic', { takeOverTokens: false })).status).toBe(204)
    expect(await status(four)).toBe(401)
  })
})

describe('a change', () => {
  test.each([
    ['without the CSRF token', { 'x-csrf-token': '' }],
    ['with that of nobody', { 'x-csrf-token': 'A'.repeat(43) }],
    ['from another site', { origin: 'https://evil.example' }],
    ['from a page without an origin', { origin: 'null' }],
    ['that a browser says is cross-site', { 'sec-fetch-site': 'cross-site' }],
    ['that a browser says is of a sibling', { 'sec-fetch-site': 'same-site' }],
  ])('%s is refused', async (_, headers) => {
    await using made = await startTestPortal()
    const ada = await setUpPortal(made.portal)
    const account = { name: 'vic', role: 'viewer', password: testPassword }
    expect((await ada.call('POST', '/accounts', account, headers)).status).toBe(403)
    expect((await ada.call('GET', '/accounts')).body.accounts).toHaveLength(1)
    const own = { origin: made.portal.url, 'sec-fetch-site': 'same-origin' }
    expect((await ada.call('POST', '/accounts', account, own)).status).toBe(201)
  })

  test('comes from a form of text never: bodies are JSON', async () => {
    await using made = await startTestPortal()
    const { cookie, csrfToken } = await setUpPortal(made.portal)
    for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x']) {
      const answer = await fetch(`${made.portal.url}/api/v1/accounts`, {
        method: 'POST',
        headers: { cookie, 'x-csrf-token': csrfToken, 'content-type': type },
        body: '{}',
      })
      expect(answer.status).toBe(415)
    }
  })
})

describe('signing in', () => {
  test('answers alike for a wrong password and for nobody, and waits after five', async () => {
    await using made = await startTestPortal()
    await setUpPortal(made.portal)
    const answers: (readonly [number, string])[] = []
    for (const name of ['ada', 'nobody']) {
      const answer = await post(made.portal.url, '/session', { name, password: 'wrong password' })
      answers.push([answer.status, await answer.text()])
    }
    expect(answers[0]).toEqual(answers[1])
    expect(answers[0]?.[0]).toBe(401)
    for (let n = 0; n < 4; n++) await post(made.portal.url, '/session', { name: 'ada', password: 'wrong password' })
    const late = await post(made.portal.url, '/session', { name: 'ada', password: testPassword })
    expect(late.status).toBe(429)
    expect(Number(late.headers.get('retry-after'))).toBeGreaterThan(0)
    await made.world.clock.advance(60_000)
    await signInTo(made.portal.url, 'ada')
  })

  test('from a spoofed address is counted by the real one', async () => {
    await using made = await startTestPortal()
    const statuses: number[] = []
    for (let n = 0; n < 25; n++) {
      const headers = { 'x-forwarded-for': `203.0.113.${n}` }
      statuses.push((await post(made.portal.url, '/session', { name: `n${n}`, password: 'x' }, headers)).status)
    }
    expect(statuses.at(-1)).toBe(429)
  })
})

describe('accounts', () => {
  test('the last admin stays', async () => {
    await using made = await startTestPortal()
    const ada = await setUpPortal(made.portal)
    expect((await ada.call('DELETE', '/accounts/ada', { takeOverTokens: true })).status).toBe(409)
    expect((await ada.call('PATCH', '/accounts/ada', { role: 'viewer' })).status).toBe(409)
  })

  test.each([['<img onerror=alert(1)>'], ['a\u0000b'], ['a\u202eb'], [''], ['x'.repeat(129)]])(
    'none is called %j',
    async (name) => {
      await using made = await startTestPortal()
      const ada = await setUpPortal(made.portal)
      expect((await ada.call('POST', '/accounts', { name, role: 'viewer', password: testPassword })).status).toBe(400)
    },
  )

  test('viewers see agents, and neither accounts nor the audit log', async () => {
    await using made = await startTestPortal()
    const ada = await setUpPortal(made.portal)
    await ada.call('POST', '/accounts', { name: 'vic', role: 'viewer', password: testPassword })
    const vic = await signInTo(made.portal.url, 'vic')
    expect((await vic.call('GET', '/agents')).status).toBe(200)
    for (const path of ['/accounts', '/audit']) expect((await vic.call('GET', path)).status).toBe(403)
    const agent = { definition: { id: 'x', syslog: { host: 'siem.contoso.com', port: 514 } } }
    expect((await vic.call('POST', '/agents', agent)).status).toBe(403)
  })
})

test('behind a trusted proxy with TLS the cookie is for this host alone', async () => {
  await using made = await startTestPortal({
    config: { trustProxy: ['127.0.0.1'], publicUrl: 'https://relay.contoso.com/siem', path: '/siem' },
  })
  const token = made.portal.setUpLink?.split('token=')[1]
  expect(made.portal.setUpLink).toMatch(/^https:\/\/relay\.contoso\.com\/siem\/setup#token=/)
  const { port } = made.portal
  const answer = await fetch(`http://127.0.0.1:${port}/siem/api/v1/setup`, {
    method: 'POST',
    headers: {
      ...json,
      'x-forwarded-proto': 'https',
      'x-forwarded-host': 'relay.contoso.com',
      origin: 'https://relay.contoso.com',
    },
    body: JSON.stringify({ token, name: 'ada', password: testPassword }),
  })
  expect(answer.status).toBe(200)
  expect(answer.headers.getSetCookie()[0]).toMatch(
    /^__Host-siem_relay_session=.*; Path=\/; HttpOnly; Secure; SameSite=Strict$/,
  )
  expect(answer.headers.get('strict-transport-security')).toMatch(/max-age/)
})
