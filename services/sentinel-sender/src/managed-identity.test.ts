/** The identity of a virtual machine, asked for at its metadata service. */
import type { SimulatedMachine } from '@siem-relay/simulator'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { type Identities, startIdentities } from './testing/identities.ts'

/** Nobody listens at the discard port. */
const deadProxy = 'http://127.0.0.1:9'
let world: Identities
let machine: SimulatedMachine

// One machine for all: which one it is, Microsoft's library remembers for the life of the process.
beforeAll(async () => {
  world = await startIdentities(['vm', 'user', 'other'])
  machine = await world.azure.startMachine('vm')
  vi.stubEnv('AZURE_POD_IDENTITY_AUTHORITY_HOST', machine.imdsHost)
})

afterAll(async () => {
  vi.unstubAllEnvs()
  await machine[Symbol.asyncDispose]()
  await world[Symbol.asyncDispose]()
})

// First: with the connections of its first agent the library goes on for the life of the process.
test('is asked for on the machine, also by an agent with a proxy', async () => {
  await expect(world.ask({ type: 'managed-identity', clientId: 'other' }, { proxy: deadProxy })).resolves.toMatch(/^ey/)
  expect(machine.requests.at(-1)).toEqual({ dialect: 'imds', clientId: 'other', status: 200 })
})

test("is the machine's own by default, and asks nobody at Entra", async () => {
  expect(await world.upload({ type: 'managed-identity' })).toBe('stored')
  expect(machine.requests.at(-1)).toEqual({ dialect: 'imds', clientId: undefined, status: 200 })
  expect(world.azure.tokenRequests).toEqual([])
})

test('is a user-assigned one by its client id', async () => {
  expect(await world.upload({ type: 'managed-identity', clientId: 'user' })).toBe('stored')
  expect(machine.requests.at(-1)).toEqual({ dialect: 'imds', clientId: 'user', status: 200 })
})

test('that the machine does not have is trouble of the identity', async () => {
  await expect(world.ask({ type: 'managed-identity', clientId: 'nobody' })).rejects.toMatchObject({
    code: 'RELAY_SENTINEL_TOKEN',
    message: expect.stringContaining('Identity not found'),
  })
})
