/** Identities that show an assertion to Entra: the token they get opens the rule. Managed identities have files of their own, since
 *  Microsoft's library settles what machine it runs on once for a process. */
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { type Identities, startIdentities } from './testing/identities.ts'

const tenantId = 'contoso'
let world: Identities

beforeEach(async () => {
  world = await startIdentities(['app', 'pod'])
})

afterEach(async () => {
  vi.unstubAllEnvs()
  await world[Symbol.asyncDispose]()
})

describe('a certificate', () => {
  /** As `az ad app credential reset --create-cert` writes it: the key and the certificate in one file. */
  function create(): string {
    const [key, certificate] = ['app.key', 'app.crt'].map((name) => join(world.directory, name)) as [string, string]
    const args = ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-subj', '/CN=siem-relay']
    execFileSync('openssl', [...args, '-keyout', key, '-out', certificate], { stdio: 'pipe' })
    return world.write('app.pem', readFileSync(key, 'utf8') + readFileSync(certificate, 'utf8'))
  }

  test('signs an assertion; no secret is sent', async () => {
    const auth = { type: 'certificate', tenantId, clientId: 'app', certificateFile: create() }
    expect(await world.upload(auth)).toBe('stored')
    expect(world.azure.tokenRequests).toMatchObject([{ clientId: 'app', proof: 'assertion', status: 200 }])
  })

  test('of an application that is not there is refused with the number of Entra', async () => {
    const auth = { type: 'certificate', tenantId, clientId: 'nobody', certificateFile: create() }
    await expect(world.ask(auth)).rejects.toMatchObject({
      code: 'RELAY_SENTINEL_TOKEN',
      message: expect.stringContaining('AADSTS700016'),
    })
  })

  test.each([
    ['that is not there', undefined],
    ['that is none', 'nothing'],
  ])('%s is trouble of the identity, not of the network', async (_, text) => {
    const certificateFile = text === undefined ? join(world.directory, 'nowhere.pem') : world.write('app.pem', text)
    await expect(world.ask({ type: 'certificate', tenantId, clientId: 'app', certificateFile })).rejects.toMatchObject({
      code: 'RELAY_SENTINEL_TOKEN',
    })
  })

  test('of a server that nobody vouches for is trouble of the network', async () => {
    world.write('ca.pem', (await startIdentities([]).then(closed)).caCert)
    const auth = { type: 'certificate', tenantId, clientId: 'app', certificateFile: create() }
    await expect(world.ask(auth)).rejects.toMatchObject({ code: 'RELAY_SENTINEL_UNAVAILABLE' })
  })

  /** Another authority. */
  async function closed(other: Identities): Promise<{ readonly caCert: string }> {
    await other[Symbol.asyncDispose]()
    return other.azure
  }
})

describe('a workload identity', () => {
  function federatedToken(claims: object): string {
    const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url')
    const exp = Math.floor(Date.now() / 1_000) + 3_600
    const sub = 'system:serviceaccount:soc:relay'
    const whole = { iss: 'https://oidc.example', sub, aud: 'api://AzureADTokenExchange', exp, ...claims }
    return `${part({ alg: 'RS256', typ: 'JWT' })}.${part(whole)}.c2lnbmF0dXJl`
  }

  test('shows the token of its platform, by settings', async () => {
    const tokenFile = world.write('federated', federatedToken({}))
    expect(await world.upload({ type: 'workload-identity', tenantId, clientId: 'pod', tokenFile })).toBe('stored')
    expect(world.azure.tokenRequests).toMatchObject([{ clientId: 'pod', proof: 'assertion', status: 200 }])
  })

  test('finds in its environment what the webhook of Kubernetes puts there', async () => {
    vi.stubEnv('AZURE_TENANT_ID', tenantId)
    vi.stubEnv('AZURE_CLIENT_ID', 'pod')
    vi.stubEnv('AZURE_FEDERATED_TOKEN_FILE', world.write('federated', federatedToken({})))
    expect(await world.upload({ type: 'workload-identity' })).toBe('stored')
  })

  test('takes up a token that the platform renewed', async () => {
    const tokenFile = world.write('federated', federatedToken({ exp: 1 }))
    const auth = { type: 'workload-identity', tenantId, clientId: 'pod', tokenFile }
    await expect(world.ask(auth)).rejects.toMatchObject({ message: expect.stringContaining('AADSTS700024') })
    world.write('federated', federatedToken({}))
    expect(await world.upload(auth)).toBe('stored')
  })
})
