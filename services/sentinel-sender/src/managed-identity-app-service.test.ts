/** The identity of an App Service, Function or Container App, asked for at the endpoint its environment names. */
import { expect, test, vi } from 'vitest'
import { startIdentities } from './testing/identities.ts'

test('is asked for with the header of the host, and opens the rule', async () => {
  await using world = await startIdentities(['site', 'user'])
  await using machine = await world.azure.startMachine('site')
  vi.stubEnv('IDENTITY_ENDPOINT', machine.identityEndpoint)
  vi.stubEnv('IDENTITY_HEADER', machine.identityHeader)
  try {
    expect(await world.upload({ type: 'managed-identity' })).toBe('stored')
    expect(await world.upload({ type: 'managed-identity', clientId: 'user' })).toBe('stored')
  } finally {
    vi.unstubAllEnvs()
  }
  expect(machine.requests).toEqual([
    { dialect: 'app-service', clientId: undefined, status: 200 },
    { dialect: 'app-service', clientId: 'user', status: 200 },
  ])
  expect(world.azure.tokenRequests).toEqual([])
})
