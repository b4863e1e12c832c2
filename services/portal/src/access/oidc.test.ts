import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { setUpPortal } from '../testing/browser.ts'
import { type Issuer, startIssuer } from '../testing/issuer.ts'
import { startTestPortal, type TestPortal } from '../testing/portal.ts'

const clientSecret = 'the secret of the client'
const directory = mkdtempSync(join(tmpdir(), 'siem-relay-oidc-'))
const clientSecretFile = join(directory, 'secret')
let issuer: Issuer
beforeAll(async () => {
  writeFileSync(clientSecretFile, `${clientSecret}\n`, { mode: 0o600 })
  issuer = await startIssuer('portal', clientSecret)
})
afterAll(async () => {
  await issuer[Symbol.asyncDispose]()
  rmSync(directory, { recursive: true })
})

const startPortal = (more: object = {}): Promise<TestPortal> =>
  startTestPortal({
    config: {
      oidc: {
        issuer: issuer.url,
        clientId: 'portal',
        clientSecretFile,
        name: 'Contoso',
        adminGroup: 'relay-admins',
        viewerGroup: 'relay-viewers',
        ...more,
      },
    },
  })

const cookieOf = (answer: Response, name: string): string =>
  answer.headers
    .getSetCookie()
    .map((each) => each.split(';')[0] ?? '')
    .find((each) => each.startsWith(`${name}=`)) ?? ''

/** As a browser goes: to the issuer and back. */
async function signIn(
  url: string,
  change: (back: URLSearchParams) => void = () => undefined,
  keepsCookie = true,
): Promise<{ readonly location: string; readonly session: string }> {
  const started = await fetch(`${url}/api/v1/oidc/start`, { redirect: 'manual' })
  expect(started.status).toBe(302)
  const back = issuer.authorize(started.headers.get('location') ?? '')
  change(back)
  const finished = await fetch(`${url}/api/v1/oidc/callback?${back}`, {
    redirect: 'manual',
    headers: keepsCookie ? { cookie: cookieOf(started, 'siem_relay_oidc') } : {},
  })
  return {
    location: decodeURIComponent(finished.headers.get('location') ?? ''),
    session: cookieOf(finished, 'siem_relay_session'),
  }
}

async function accountOf(url: string, cookie: string): Promise<unknown> {
  const answer = await fetch(`${url}/api/v1/session`, { headers: { cookie } })
  return ((await answer.json()) as { account?: unknown }).account
}

describe('OpenID Connect', () => {
  test.each([
    [['relay-admins', 'x'], 'admin'],
    [['relay-viewers'], 'viewer'],
  ])('who has the groups %j is %s', async (groups, role) => {
    await using made = await startPortal()
    issuer.claims = { sub: 'subject-1', preferred_username: 'ann@contoso.com', groups }
    const { location, session } = await signIn(made.portal.url)
    expect(location).toBe(`${made.portal.url}/`)
    expect(await accountOf(made.portal.url, session)).toEqual({ name: 'ann@contoso.com', role })
  })

  test('who has none of the groups stays out, and the audit log says so', async () => {
    await using made = await startPortal()
    const ada = await setUpPortal(made.portal)
    issuer.claims = { sub: 'subject-2', preferred_username: 'eve', groups: ['x'] }
    const { location, session } = await signIn(made.portal.url)
    expect(location).toMatch(/\/sign-in\?failed=.*none of your groups/)
    expect(session).toBe('')
    expect((await ada.call('GET', '/audit')).body.entries[0]).toMatchObject({ action: 'session.failed' })
  })

  test('nobody takes the account of another by the name alone', async () => {
    await using made = await startPortal()
    await setUpPortal(made.portal)
    issuer.claims = { sub: 'subject-3', preferred_username: 'ada', groups: ['relay-viewers'] }
    const { session } = await signIn(made.portal.url)
    expect(await accountOf(made.portal.url, session)).toEqual({ name: 'ada (2)', role: 'viewer' })
    const again = await signIn(made.portal.url)
    expect(await accountOf(made.portal.url, again.session)).toEqual({ name: 'ada (2)', role: 'viewer' })
  })

  test('an admin by their groups ends the need for a set-up link', async () => {
    await using made = await startPortal()
    issuer.claims = { sub: 'subject-1', groups: ['relay-admins'] }
    await signIn(made.portal.url)
    await expect(setUpPortal(made.portal)).rejects.toThrow(/403/)
  })

  test.each([
    ['another state', (back: URLSearchParams) => back.set('state', 'x'), {}],
    ['a code of another sign-in', (back: URLSearchParams) => back.set('code', 'x'), {}],
    [
      'an error of the issuer',
      (back: URLSearchParams) => {
        back.delete('code')
        back.set('error', 'access_denied')
      },
      {},
    ],
    ['another issuer', (back: URLSearchParams) => back.set('iss', 'https://evil.example'), {}],
    ['an id token with another nonce', () => undefined, { nonce: 'x' }],
    ['an id token for another client', () => undefined, { aud: 'other' }],
    ['an id token of another issuer', () => undefined, { iss: 'https://evil.example' }],
    ['an id token that has expired', () => undefined, { exp: 1 }],
  ])('%s is refused', async (_, change, claims) => {
    await using made = await startPortal()
    issuer.claims = { sub: 'subject-1', groups: ['relay-admins'], ...claims }
    const { location, session } = await signIn(made.portal.url, change)
    expect(location).toMatch(/\/sign-in\?failed=/)
    expect(location).not.toContain(clientSecret)
    expect(session).toBe('')
  })

  test('a sign-in that began in another browser ends nowhere', async () => {
    await using made = await startPortal()
    issuer.claims = { sub: 'subject-1', groups: ['relay-admins'] }
    const { session } = await signIn(made.portal.url, () => undefined, false)
    expect(session).toBe('')
  })

  test('an issuer that is away is told of, with what to check', async () => {
    await using made = await startTestPortal({
      config: { oidc: { issuer: 'http://127.0.0.1:1', clientId: 'portal', clientSecretFile } },
    })
    const answer = await fetch(`${made.portal.url}/api/v1/oidc/start`, { redirect: 'manual' })
    expect(answer.status).toBe(503)
    expect(await answer.json()).toMatchObject({ error: { nextMove: expect.stringMatching(/portal\.oidc/) } })
  })
})
