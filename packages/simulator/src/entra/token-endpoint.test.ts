import { describe, expect, test } from 'vitest'
import type { Simulator } from '../simulator.ts'
import { oauth, startForTest } from '../test-support.ts'
import { defenderResource } from './token-endpoint.ts'

const form = {
  grant_type: 'client_credentials',
  client_id: oauth.clientId,
  client_secret: oauth.clientSecret,
  scope: `${defenderResource}/.default`,
}

async function ask(
  url: string,
  fields: Record<string, string>,
): Promise<{ status: number; body: Record<string, unknown> }> {
  const response = await fetch(url, { method: 'POST', body: new URLSearchParams(fields) })
  return { status: response.status, body: (await response.json()) as Record<string, unknown> }
}

async function statusWith(simulator: Simulator, token: unknown): Promise<number> {
  return (await fetch(`${simulator.url}/api/v1/alerts/`, { headers: { authorization: `Bearer ${token}` } })).status
}

describe('token endpoint', () => {
  test('v2 issues a bearer token for an hour less a second, which the API accepts', async () => {
    await using simulator = await startForTest({ oauth })
    const { status, body } = await ask(simulator.tokenUrl, form)
    expect(status).toBe(200)
    expect(body).toMatchObject({ token_type: 'Bearer', expires_in: 3599, ext_expires_in: 3599 })
    expect(await statusWith(simulator, body.access_token)).toBe(200)
  })

  test('the token carries the audience, the tenant and the roles of the application', async () => {
    await using simulator = await startForTest({ oauth, nowMs: () => 1_700_000_000_000 })
    const { body } = await ask(simulator.tokenUrl, form)
    const claims = JSON.parse(Buffer.from(String(body.access_token).split('.')[1] ?? '', 'base64url').toString())
    expect(claims).toMatchObject({
      aud: defenderResource,
      tid: oauth.tenantId,
      appid: oauth.clientId,
      iat: 1_700_000_000,
      exp: 1_700_003_599,
    })
    expect(claims.roles).toContain('investigation.read')
  })

  test('v1 takes a resource and writes its numbers as text', async () => {
    await using simulator = await startForTest({ oauth })
    const { scope: _, ...rest } = form
    const { status, body } = await ask(simulator.tokenUrl.replace('/v2.0', ''), { ...rest, resource: defenderResource })
    expect(status).toBe(200)
    expect(body).toMatchObject({ token_type: 'Bearer', expires_in: '3599', resource: defenderResource })
    expect(await statusWith(simulator, body.access_token)).toBe(200)
  })

  test('a token is refused once its lifetime is over', async () => {
    let nowMs = 5_000_000
    await using simulator = await startForTest({ oauth: { ...oauth, tokenLifetimeSeconds: 60 }, nowMs: () => nowMs })
    const { body } = await ask(simulator.tokenUrl, form)
    nowMs += 59_999
    expect(await statusWith(simulator, body.access_token)).toBe(200)
    nowMs += 1
    expect(await statusWith(simulator, body.access_token)).toBe(401)
  })

  test.each([
    ['a missing field', { scope: '' }, 400, 'invalid_scope', 1002012],
    ['another grant', { grant_type: 'password' }, 400, 'unsupported_grant_type', 70003],
    ['an unknown application', { client_id: 'nobody' }, 400, 'unauthorized_client', 700016],
    ['a wrong secret', { client_secret: 'wrong' }, 401, 'invalid_client', 7000215],
    ['another scope', { scope: 'https://management.azure.com/.default' }, 400, 'invalid_scope', 1002012],
  ])('refuses %s with its AADSTS number', async (_name, change, status, error, number) => {
    await using simulator = await startForTest({ oauth })
    const refused = await ask(simulator.tokenUrl, { ...form, ...change })
    expect(refused.status).toBe(status)
    expect(refused.body).toMatchObject({ error, error_codes: [number] })
    expect(refused.body.error_description).toContain(`AADSTS${number}: `)
  })

  test('names the field that is missing, and does not know other tenants', async () => {
    await using simulator = await startForTest({ oauth })
    const { client_secret: _, ...rest } = form
    expect((await ask(simulator.tokenUrl, rest)).body.error_description).toContain("'client_secret'")
    const other = await ask(simulator.tokenUrl.replace(oauth.tenantId, 'fabrikam'), form)
    expect(other).toMatchObject({ status: 400, body: { error_codes: [90002] } })
  })
})
