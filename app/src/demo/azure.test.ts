import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type DemoAzure, type DemoAzureOptions, startDemoAzure } from './azure.ts'

let directory: string
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'siem-relay-azure-'))
})
afterEach(() => rmSync(directory, { recursive: true, force: true }))

const start = (options: Partial<DemoAzureOptions> = {}): Promise<DemoAzure> =>
  startDemoAzure({
    directory,
    listen: { host: '127.0.0.1', port: 0 },
    ruleFile: undefined,
    onStored: () => Promise.resolve(),
    ...options,
  })
const kept = (name: string): string => readFileSync(join(directory, name), 'utf8')

async function authorityOfStart(): Promise<string> {
  await using azure = (await start()).azure
  return azure.caCert
}

describe('the authority', () => {
  test('is written down, stays the same over starts, and keeps its key to itself', async () => {
    const first = await authorityOfStart()
    expect(kept('azure-ca.pem')).toBe(first)
    expect(statSync(join(directory, 'azure-ca.key')).mode & 0o777).toBe(0o600)
    expect(statSync(join(directory, 'azure-client-secret')).mode & 0o777).toBe(0o600)
    expect(await authorityOfStart()).toBe(first)
  })

  test.each(['azure-ca.pem', 'azure-ca.key'])('is a new one when %s is damaged', async (name) => {
    const first = await authorityOfStart()
    writeFileSync(join(directory, name), 'damaged')
    const second = await authorityOfStart()
    expect(second).not.toBe(first)
    expect(kept('azure-ca.pem')).toBe(second)
  })
})

test('the agent’s example names where to deliver, whom to trust and which secret to use', async () => {
  const { azure, agentExample } = await start()
  await using _ = azure
  expect(agentExample).toContain(`      endpoint: ${azure.endpoint}\n`)
  expect(agentExample).toContain(`      authorityHost: ${azure.authorityHost}\n`)
  expect(agentExample).toContain(`      caFile: "${join(directory, 'azure-ca.pem')}"\n`)
  expect(agentExample).toContain(`      ruleId: dcr-${'0'.repeat(32)}\n`)
  expect(agentExample).toContain(`        clientSecretFile: "${join(directory, 'azure-client-secret')}"\n`)
})

describe('a start is refused', () => {
  test('where the port is in use, with its address', async () => {
    await using azure = (await start()).azure
    const listen = { host: '127.0.0.1', port: Number(new URL(azure.endpoint).port) }
    await expect(start({ listen })).rejects.toMatchObject({
      code: 'RELAY_LISTEN_FAILED',
      message: expect.stringContaining(String(listen.port)),
    })
  })

  test.each([
    ['that is not there', undefined, 'ENOENT'],
    ['that is no template', 'resource rule', 'no JSON'],
    [
      'that Azure would refuse',
      JSON.stringify({
        name: 'x',
        streamDeclarations: { 'Custom-X': { columns: [{ name: 'TenantId', type: 'string' }] } },
      }),
      'TenantId is reserved',
    ],
  ])('for a rule %s, with the file and the reason', async (_, text, reason) => {
    const ruleFile = join(directory, 'rule.json')
    if (text !== undefined) writeFileSync(ruleFile, text)
    await expect(start({ ruleFile })).rejects.toMatchObject({
      code: 'RELAY_CONFIG_INVALID',
      message: expect.stringMatching(new RegExp(`rule\\.json: .*${reason}`)),
    })
  })
})
