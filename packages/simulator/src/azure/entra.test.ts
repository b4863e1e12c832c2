import { describe, expect, test } from 'vitest'
import { assertionType, encodeJwt } from './assertion.ts'
import { application, receivedMs, rowsOf, secretForm, startForTest } from './testing/client.ts'

const nowSeconds = receivedMs / 1000

function claimsOf(jwt: string): Record<string, unknown> {
  return JSON.parse(Buffer.from(jwt.split('.')[1] ?? '', 'base64url').toString()) as Record<string, unknown>
}

describe('OpenID configuration', () => {
  test('leads to endpoints at the address the client asked', async () => {
    await using setup = await startForTest()
    const { status, text } = await setup.ask('/contoso/v2.0/.well-known/openid-configuration', { method: 'GET' })
    expect(status).toBe(200)
    const root = `${setup.azure.authorityHost}/contoso`
    expect(JSON.parse(text)).toMatchObject({
      issuer: `${root}/v2.0`,
      token_endpoint: `${root}/oauth2/v2.0/token`,
      authorization_endpoint: `${root}/oauth2/v2.0/authorize`,
      jwks_uri: `${root}/discovery/v2.0/keys`,
    })
  })

  test('is not there for another tenant', async () => {
    await using setup = await startForTest()
    const { status, text } = await setup.ask('/fabrikam/v2.0/.well-known/openid-configuration', { method: 'GET' })
    expect(status).toBe(400)
    expect(text).toContain("AADSTS90002: Tenant 'fabrikam' not found.")
  })
})

describe('tokens by secret', () => {
  test('last an hour less a second and name tenant, application and audience', async () => {
    await using setup = await startForTest()
    const { status, text, headers } = await setup.askToken(secretForm())
    expect(status).toBe(200)
    expect(headers['cache-control']).toContain('no-store')
    const token = JSON.parse(text) as { access_token: string }
    expect(token).toMatchObject({ token_type: 'Bearer', expires_in: 3599, ext_expires_in: 3599 })
    expect(claimsOf(token.access_token)).toMatchObject({
      aud: 'https://monitor.azure.com',
      tid: 'contoso',
      appid: 'relay',
      iat: nowSeconds,
      exp: nowSeconds + 3599,
    })
  })

  test.each([
    'https://monitor.azure.com//.default',
    'https://monitor.azure.us/.default',
    'https://monitor.azure.cn/.default openid profile offline_access',
  ])('may be asked for with the scope %s', async (scope) => {
    await using setup = await startForTest()
    expect((await setup.askToken(secretForm({ scope }))).status).toBe(200)
  })

  test.each([
    ['no grant', { grant_type: '' }, 400, 'unsupported_grant_type', 70003],
    ['an unknown application', { client_id: 'nobody' }, 400, 'unauthorized_client', 700016],
    ['a wrong secret', { client_secret: 'wrong' }, 401, 'invalid_client', 7000215],
    ['the scope of another service', { scope: 'https://graph.microsoft.com/.default' }, 400, 'invalid_scope', 1002012],
    ['a scope that is no default', { scope: 'https://monitor.azure.com/x' }, 400, 'invalid_scope', 1002012],
  ])('are refused for %s, with the AADSTS number', async (_, change, status, error, number) => {
    await using setup = await startForTest()
    const refused = await setup.askToken(secretForm(change))
    expect(refused.status).toBe(status)
    expect(JSON.parse(refused.text)).toMatchObject({ error, error_codes: [number] })
    expect(refused.text).toContain(`AADSTS${number}: `)
    expect(refused.text).not.toContain(application.clientSecret)
  })

  test.each(['grant_type', 'client_id', 'scope', 'client_secret'])('need %s', async (name) => {
    await using setup = await startForTest()
    const { [name]: _, ...form } = secretForm()
    const { status, text } = await setup.askToken(form)
    expect(status).toBe(400)
    expect(text).toContain(name)
    expect(text).toContain('AADSTS900144')
  })

  test('are not for an application that has no secret, nor for another tenant', async () => {
    const { clientSecret: _, ...certified } = application
    await using setup = await startForTest({ credentials: [certified] })
    expect((await setup.askToken(secretForm())).text).toContain('AADSTS7000215')
    expect((await setup.askToken(secretForm(), 'fabrikam')).text).toContain('AADSTS90002')
  })

  test('are written down, with how the application proved itself and without its secret', async () => {
    await using setup = await startForTest()
    await setup.askToken(secretForm())
    await setup.askToken(secretForm({ client_secret: 'wrong' }))
    await setup.askToken({})
    expect(setup.azure.tokenRequests).toEqual([
      { atMs: receivedMs, tenantId: 'contoso', clientId: 'relay', proof: 'secret', status: 200 },
      { atMs: receivedMs, tenantId: 'contoso', clientId: 'relay', proof: 'secret', status: 401 },
      { atMs: receivedMs, tenantId: 'contoso', clientId: undefined, proof: 'none', status: 400 },
    ])
  })
})

describe('tokens by assertion', () => {
  const header = { alg: 'PS256', typ: 'JWT', 'x5t#S256': 'thumbprint' }
  const own = {
    aud: 'https://127.0.0.1/contoso/oauth2/v2.0/token',
    iss: 'relay',
    sub: 'relay',
    nbf: nowSeconds,
    exp: nowSeconds + 600,
    jti: 'once',
  }
  const federated = {
    aud: 'api://AzureADTokenExchange',
    iss: 'https://oidc.example/cluster',
    sub: 'system:serviceaccount:siem:relay',
    exp: nowSeconds + 3600,
  }
  const sign = (head: object, claims: object): string => encodeJwt({ ...head }, { ...claims }, 'c2lnbmF0dXJl')
  const formOf = (assertion: string): Record<string, string> => {
    const { client_secret: _, ...form } = secretForm()
    return { ...form, client_assertion_type: assertionType, client_assertion: assertion }
  }

  test.each([
    ['of its certificate', sign(header, own)],
    ['of its certificate, in the older form', sign({ alg: 'RS256', x5t: 'thumbprint' }, own)],
    ['of a workload identity', sign({ alg: 'RS256', kid: 'key' }, federated)],
  ])('an application gets one for an assertion %s, and may upload with it', async (_, assertion) => {
    await using setup = await startForTest()
    const { status, text } = await setup.askToken(formOf(assertion))
    expect(status).toBe(200)
    const { access_token: token } = JSON.parse(text) as { access_token: string }
    expect((await setup.upload(rowsOf('a'), { token })).status).toBe(204)
    expect(setup.azure.tokenRequests[0]).toMatchObject({ proof: 'assertion', status: 200 })
  })

  test.each([
    ['what is no JWT', 'assertion', 50027],
    ['parts that are no JSON', 'YQ.YQ.YQ', 50027],
    ['parts that are no objects', `${btoa('[]')}.${btoa('[]')}.YQ`, 50027],
    ['an unsigned one', sign({ ...header, alg: 'none' }, own), 5002727],
    ['one whose time is over', sign(header, { ...own, exp: nowSeconds - 301 }), 700024],
    ['one whose time has not come', sign(header, { ...own, nbf: nowSeconds + 301 }), 700024],
    ['one without an end', sign(header, { ...own, exp: undefined }), 700024],
    ['one of another application', sign(header, { ...own, iss: 'other' }), 700021],
    ['one for another tenant', sign(header, { ...own, aud: 'https://x/fabrikam/oauth2/v2.0/token' }), 700023],
    ['one that names no certificate', sign({ alg: 'PS256' }, own), 50013],
    ['a federated one without an issuer', sign(header, { ...federated, iss: undefined }), 700211],
    ['a federated one without a subject', sign(header, { ...federated, sub: '' }), 700211],
  ])('%s is refused', async (_, assertion, number) => {
    await using setup = await startForTest()
    const { status, text } = await setup.askToken(formOf(assertion))
    expect(status).toBe(401)
    expect(JSON.parse(text)).toMatchObject({ error: 'invalid_client', error_codes: [number] })
  })

  test('needs its type named', async () => {
    await using setup = await startForTest()
    const { client_assertion_type: _, ...form } = formOf(sign(header, own))
    expect((await setup.askToken(form)).text).toContain("'client_assertion_type'")
  })
})
