/** No planted secret gets into a bundle, wherever it was planted. */
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openSqliteBus } from '@siem-relay/bus'
import { deadLettersTopic, letterHeaders } from '@siem-relay/common'
import { systemClock } from '@siem-relay/service-kit'
import { describe, expect, test } from 'vitest'
import { runInProcess } from '../testing/terminal.ts'
import { createRedactor } from './redact.ts'

const canaries = {
  token: `canary-token-${'a1'.repeat(20)}`,
  clientSecret: 'canary~secret/with+signs=="quoted"',
  proxyPassword: 'canary-proxy-password',
  saslPassword: 'canary-sasl-password',
  environment: 'canary-from-the-environment',
  logged: 'canary-in-a-log-line',
  person: 'canary.person@contoso.com',
  record: 'canary of a record',
}

async function bundle(
  work: (parts: { cwd: string; run: (...args: string[]) => ReturnType<typeof runInProcess> }) => Promise<void>,
): Promise<void> {
  const cwd = mkdtempSync(join(tmpdir(), 'siem-relay-diagnostics-'))
  try {
    const logs = join(cwd, 'logs')
    mkdirSync(logs)
    writeFileSync(join(cwd, 'secret'), canaries.clientSecret, { mode: 0o600 })
    writeFileSync(
      join(cwd, 'siem-relay.yaml'),
      JSON.stringify({
        bus: { path: join(cwd, 'log') },
        log: { directory: logs },
        sources: [
          {
            id: 'contoso',
            type: 'defender-for-cloud-apps',
            url: 'https://contoso.portal.cloudappsecurity.com',
            proxy: `http://user:${canaries.proxyPassword}@proxy.example:8080`,
            auth: { type: 'token', token: canaries.token },
          },
          {
            id: 'graph',
            type: 'graph-alerts',
            auth: { type: 'oauth', tenantId: 'contoso.com', clientId: 'app', clientSecretFile: join(cwd, 'secret') },
          },
        ],
        agents: [{ id: 'soc', console: true }],
      }),
      { mode: 0o600 },
    )
    const lines = [
      { msg: 'asked', headers: { Authorization: `Token ${canaries.logged}` } },
      { msg: `refused ${canaries.token}` },
      { msg: `sent client_secret=${encodeURIComponent(canaries.clientSecret)}&x=1` },
      { msg: JSON.stringify({ clientSecret: canaries.clientSecret }) },
      { msg: `via http://user:${canaries.proxyPassword}@proxy.example` },
      { msg: 'kept: the receiver closed' },
    ]
    writeFileSync(join(logs, 'relay-1.log'), `${lines.map((line) => JSON.stringify(line)).join('\n')}\n`)
    await using bus = await openSqliteBus({ path: join(cwd, 'log'), clock: systemClock, freeBytesMin: 1_048_576 })
    await bus.ensureTopics([deadLettersTopic])
    await using writer = await bus.writer('test')
    await writer.commit({
      records: [
        {
          topic: deadLettersTopic.name,
          key: canaries.person,
          value: Buffer.from(canaries.record),
          headers: {
            [letterHeaders.agent]: 'soc',
            [letterHeaders.code]: 'RELAY_RECORD_INVALID',
            [letterHeaders.reason]: canaries.person,
          },
        },
      ],
    })
    await bus[Symbol.asyncDispose]()
    await work({ cwd, run: (...args) => runInProcess(['diagnostics', ...args], { cwd }) })
  } finally {
    rmSync(cwd, { recursive: true, force: true })
  }
}

function expectClean(text: string): void {
  for (const [name, canary] of Object.entries(canaries)) {
    expect(text.includes(canary), `${name} got into the bundle`).toBe(false)
    expect(text.includes(encodeURIComponent(canary)), `${name} got into the bundle, encoded`).toBe(false)
    expect(text.includes(JSON.stringify(canary).slice(1, -1)), `${name} got into the bundle, escaped`).toBe(false)
  }
}

describe('siem-relay diagnostics', () => {
  test('writes what a report of trouble needs, without any secret or record', () =>
    bundle(async ({ cwd, run }) => {
      const { code, out } = await run('--directory', 'bundle')
      expect({ code, out }).toEqual({ code: 0, out: 'bundle\n' })
      const files = new Map(
        readdirSync(join(cwd, 'bundle')).map((name) => [name, readFileSync(join(cwd, 'bundle', name), 'utf8')]),
      )
      for (const text of files.values()) expectClean(text)
      expect([...files.keys()].toSorted()).toEqual([
        'README.txt',
        'config.json',
        'dead-letters.json',
        'lag.json',
        'log-1.ndjson',
        'metrics.txt',
        'replays.json',
        'sources.json',
        'versions.json',
      ])
      expect(JSON.parse(files.get('config.json') ?? '')).toMatchObject({
        config: { sources: [{ auth: { token: '[redacted]' } }, {}] },
      })
      expect(files.get('log-1.ndjson')).toContain('kept: the receiver closed')
      expect(JSON.parse(files.get('dead-letters.json') ?? '')).toMatchObject([
        { agent: 'soc', code: 'RELAY_RECORD_INVALID', bytes: canaries.record.length },
      ])
      expect(JSON.parse(files.get('versions.json') ?? '')).toMatchObject({ node: process.version })
      expect(statSync(join(cwd, 'bundle', 'config.json')).mode & 0o777).toBe(0o600)
    }))

  test('writes the same as an archive that tar reads', () =>
    bundle(async ({ cwd, run }) => {
      const { out } = await run()
      const path = join(cwd, out.trim())
      expect(out).toMatch(/^siem-relay-diagnostics-\d{8}T\d{6}\.tar\.gz\n$/)
      const listed = execFileSync('tar', ['-tzf', path], { encoding: 'utf8' }).trim().split('\n')
      expect(listed).toContain(`${out.trim().replace('.tar.gz', '')}/config.json`)
      const everything = execFileSync('tar', ['-xzOf', path], { encoding: 'utf8' })
      expect(everything).toContain('kept: the receiver closed')
      expectClean(everything)
    }))

  test('is written where the configuration is wrong too, and says so', () =>
    bundle(async ({ cwd, run }) => {
      writeFileSync(join(cwd, 'siem-relay.yaml'), 'agent: []\n')
      expect((await run('--directory', 'bundle')).code).toBe(0)
      expect(readFileSync(join(cwd, 'bundle', 'config.json'), 'utf8')).toContain('problems')
      expect(readFileSync(join(cwd, 'bundle', 'lag.json'), 'utf8')).toMatch(
        /^could not be had: the configuration cannot be loaded/,
      )
    }))

  test('says when it cannot be written', () =>
    bundle(async ({ run }) => {
      expect(await run('--output', 'no/such/place.tar.gz')).toMatchObject({
        code: 2,
        err: expect.stringMatching(/cannot be written/),
      })
    }))
})

describe('redaction', () => {
  const redact = createRedactor({}, ['from-the-environment'])
  test.each([
    ['a value of the environment', 'x from-the-environment y', 'x [redacted] y'],
    ['a bearer token', 'authorization: Bearer abc.def-123', 'authorization: [redacted]'],
    ['a JSON Web Token', 'got eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.sig', 'got [redacted]'],
    ['a portal token', `t ${'0f'.repeat(32)}`, 't [redacted]'],
    ['a password in JSON', '{"password":"x y","a":1}', '{"password":"[redacted]","a":1}'],
    ['a key in PEM', 'a -----BEGIN PRIVATE KEY-----\nMIIB\n-----END PRIVATE KEY----- b', 'a [redacted] b'],
    ['credentials in a URL', 'https://user:pw@host/x', 'https://[redacted]@host/x'],
  ])('takes %s out', (_, text, clean) => expect(redact(text)).toBe(clean))

  test('leaves what is no secret', () => {
    const text = '{"offset":123,"topic":"out.soc","host":"receiver.example","code":"RELAY_SENTINEL_TOKEN"}'
    expect(redact(text)).toBe(text)
  })
})
