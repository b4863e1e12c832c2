import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { agentSchema, type SentinelDestination } from '@siem-relay/common'
import { createAuthority } from '@siem-relay/simulator'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Finding } from '../check.ts'
import { checkSettings } from './settings-check.ts'

const nowMs = Date.now()
const dayMs = 86_400_000
let directory: string
let rsa: { readonly key: string; readonly certificate: string }

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'siem-relay-settings-'))
  const [key, certificate] = ['app.key', 'app.crt'].map((name) => join(directory, name)) as [string, string]
  const args = ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '90', '-subj', '/CN=siem-relay']
  execFileSync('openssl', [...args, '-keyout', key, '-out', certificate], { stdio: 'pipe' })
  rsa = { key: readFileSync(key, 'utf8'), certificate: readFileSync(certificate, 'utf8') }
})

afterAll(() => rmSync(directory, { recursive: true, force: true }))

function check(auth: object, env: Record<string, string> = {}, atMs = nowMs): Finding {
  const endpoint = 'https://soc-a1b2.westeurope-1.ingest.monitor.azure.com'
  const ruleId = `dcr-${'0'.repeat(32)}`
  const { enabled, sentinel } = agentSchema.parse({ id: 'soc', sentinel: { endpoint, ruleId, auth } })
  return checkSettings({ enabled }, sentinel as SentinelDestination, env, atMs)
}

describe('a certificate', () => {
  const of = (text: string, atMs?: number): Finding => {
    const certificateFile = join(directory, 'app.pem')
    writeFileSync(certificateFile, text)
    return check({ type: 'certificate', tenantId: 'contoso', clientId: 'relay', certificateFile }, {}, atMs)
  }

  test('with its own key is well, and says until when', () => {
    expect(of(rsa.key + rsa.certificate)).toMatchObject({
      status: 'ok',
      seen: expect.stringMatching(/certificate until \d{4}-\d\d-\d\d$/),
    })
  })

  test('is warned of a month before its end, and failed after it', () => {
    expect(of(rsa.key + rsa.certificate, nowMs + 65 * dayMs).status).toBe('warning')
    expect(of(rsa.key + rsa.certificate, nowMs + 95 * dayMs)).toMatchObject({
      status: 'failed',
      seen: expect.stringContaining('expired on'),
    })
  })

  test.each([
    ['without its key', () => rsa.certificate, /cannot be used/],
    ['with the key of another', () => createAuthority(nowMs).privateKey + rsa.certificate, /not the certificate's/],
    [
      'on an elliptic curve',
      () => Object.values(createAuthority(nowMs)).join(''),
      /its key is ec, and Entra takes RSA/,
    ],
    ['that is none', () => 'nothing', /cannot be used/],
  ])('%s fails, and its key is not shown', (_, text, seen) => {
    const finding = of(text())
    expect(finding).toMatchObject({ status: 'failed', seen: expect.stringMatching(seen) })
    expect(JSON.stringify(finding)).not.toContain('PRIVATE KEY')
  })
})

describe('a workload identity', () => {
  const whole = { AZURE_TENANT_ID: 'contoso', AZURE_CLIENT_ID: 'relay' }

  test('may be told by the environment', () => {
    const AZURE_FEDERATED_TOKEN_FILE = join(directory, 'token')
    writeFileSync(AZURE_FEDERATED_TOKEN_FILE, 'token')
    expect(check({ type: 'workload-identity' }, { ...whole, AZURE_FEDERATED_TOKEN_FILE }).status).toBe('ok')
  })

  test.each([
    ['no token', whole, /AZURE_FEDERATED_TOKEN_FILE/],
    ['no client id', { AZURE_TENANT_ID: 'contoso', AZURE_FEDERATED_TOKEN_FILE: '/nowhere' }, /no clientId/],
    ['a token that is not there', { ...whole, AZURE_FEDERATED_TOKEN_FILE: '/nowhere' }, /\/nowhere.*ENOENT/],
  ])('fails with %s', (_, env, seen) => {
    expect(check({ type: 'workload-identity' }, env)).toMatchObject({
      status: 'failed',
      seen: expect.stringMatching(seen),
    })
  })
})
