/** The `siem-relay` command as its user meets it: what it prints, what it refuses and with which exit code. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { Readable, Writable } from 'node:stream'
import { sampleLines } from '@siem-relay/simulator'
import { describe, expect, test } from 'vitest'
import { runCli } from '../../app/src/cli.ts'
import { systemTerminal, type Terminal } from '../../app/src/terminal.ts'
import { idOf } from '../faults/ledger.ts'
import { type TemporaryDirectory, temporaryDirectory } from '../support/relay.ts'

const command = join(import.meta.dirname, '..', '..', 'app', 'bin', 'siem-relay.mjs')
const token = 't'.repeat(64)
const config = {
  sources: [
    {
      id: 'contoso',
      type: 'defender-for-cloud-apps',
      url: 'https://contoso.portal.cloudappsecurity.com',
      auth: { type: 'token', token },
    },
  ],
  agents: [
    {
      id: 'soc',
      console: true,
      device: { version: '0.102.17' },
      header: { pri: false, systemName: false },
      alerts: { filter: { severity: { eq: [1, 2] } } },
    },
  ],
}

interface Result {
  readonly code: number
  readonly out: string
  readonly err: string
}

/** Runs a command in this process. */
async function inProcess(
  directory: TemporaryDirectory,
  args: readonly string[],
  { env = {}, stdin = '' } = {},
): Promise<Result> {
  const out: string[] = []
  const err: string[] = []
  const stdout = collector(out)
  const stderr = collector(err)
  let code = 0
  const terminal: Terminal = {
    ...systemTerminal,
    stdin: Readable.from([stdin]),
    stdout,
    stderr,
    env,
    cwd: directory.path,
    setExitCode: (wanted) => {
      code = wanted
    },
    fail: (error) => {
      stderr.write(error instanceof Error ? error.message : String(error))
      code = 1
    },
  }
  await runCli(args, terminal)
  return { code, out: out.join(''), err: err.join('') }
}

function collector(chunks: string[]): Writable {
  return new Writable({
    write(chunk, _encoding, done) {
      chunks.push(String(chunk))
      done()
    },
  })
}

/** Runs a command as a process of its own, in a directory of its own. */
async function asProcess(
  directory: TemporaryDirectory,
  args: readonly string[],
  env: Record<string, string> = {},
): Promise<Result> {
  const child = spawn(process.execPath, [command, ...args], {
    cwd: directory.path,
    env: { PATH: process.env.PATH ?? '', ...env },
  })
  let out = ''
  let err = ''
  child.stdout.on('data', (chunk) => {
    out += String(chunk)
  })
  child.stderr.on('data', (chunk) => {
    err += String(chunk)
  })
  const [code] = (await once(child, 'close')) as [number]
  return { code, out, err }
}

function withConfig(text: string | object): TemporaryDirectory {
  const directory = temporaryDirectory()
  writeFileSync(
    join(directory.path, 'siem-relay.yaml'),
    typeof text === 'string' ? text : JSON.stringify(text, null, 2),
    { mode: 0o600 },
  )
  return directory
}

describe('siem-relay', () => {
  test('validate counts what a valid configuration holds', async () => {
    using directory = withConfig(config)
    expect(await inProcess(directory, ['validate'])).toMatchObject({
      code: 0,
      out: 'siem-relay.yaml: valid; 1 sources, 1 agents\n',
    })
  })

  test('preview shows the sample records as the agent would send them, and why it leaves records out', async () => {
    using directory = withConfig(config)
    const { out, err } = await inProcess(directory, ['preview', '--agent', 'soc', '--sample', '--explain'])
    // The agent wants medium and high alerts; the samples are low.
    expect(out.split('\n').filter((line) => line.includes('CEF:0|'))).toHaveLength(6)
    expect(out).toContain('FAIL  severity is 0 (low)')
    expect(err).toBe('6 would be sent, 6 left out, 0 would go to dead-letters\n')
  })

  test('preview shows the rows of an agent for Microsoft Sentinel as they go out', async () => {
    const sentinel = {
      endpoint: 'https://soc-a1b2.westeurope-1.ingest.monitor.azure.com',
      ruleId: `dcr-${'0'.repeat(32)}`,
      auth: { type: 'managed-identity' },
    }
    using directory = withConfig({ ...config, agents: [{ id: 'soc', sentinel }] })
    const { out, err } = await inProcess(directory, ['preview', '--agent', 'soc', '--sample'])
    const rows = out.split('\n').filter((line) => line.startsWith('{'))
    expect(rows.map((row) => (JSON.parse(row) as { RecordId: string }).RecordId)).toHaveLength(6)
    expect(err).toBe('6 would be sent, 6 left out, 0 would go to dead-letters\n')
  })

  test('preview reads records from standard input, hostile ones too', async () => {
    using directory = withConfig({ ...config, agents: [{ ...config.agents[0], alerts: {} }] })
    const alert = sampleLines().find(({ kind }) => kind === 'alerts')
    const stdin = `${JSON.stringify(alert?.record)}\n{"_id": broken\n`
    const { out, err } = await inProcess(directory, ['preview', '--agent', 'soc', '--input', '-'], { stdin })
    expect(out.split('\n')[0]).toBe(alert?.line)
    expect(err).toContain('1 would go to dead-letters')
  })

  test('generate gives the same records for the same seed, and lines that parse', async () => {
    using directory = temporaryDirectory()
    const first = await inProcess(directory, ['generate', '-n', '20', '--seed', '7'])
    expect(first.out.trim().split('\n')).toHaveLength(20)
    expect((await inProcess(directory, ['generate', '-n', '20', '--seed', '7'])).out).toBe(first.out)
    const lines = (await inProcess(directory, ['generate', '-n', '20', '--seed', '7', '-f', 'cef'])).out
      .trim()
      .split('\n')
    expect(lines.map(idOf)).toEqual(
      first.out
        .trim()
        .split('\n')
        .map((record) => (JSON.parse(record) as { _id: string })._id),
    )
  })

  test('echo-config redacts secrets and says where values come from', async () => {
    using directory = withConfig(config)
    const { out } = await inProcess(directory, ['echo-config'], { env: { SIEM_RELAY_ADMIN__LISTEN: '127.0.0.1:9999' } })
    expect(out).not.toContain(token)
    expect(out).toContain('[redacted]')
    expect(out).toMatch(/listen: 127\.0\.0\.1:9999 # environment SIEM_RELAY_ADMIN__LISTEN/)
    expect(out).toMatch(/id: soc # .*siem-relay\.yaml:\d+:\d+/)
    expect(out).toMatch(/pollSeconds: 10 # default/)
  })
})

describe('what cannot work is refused with one message, its place and the next move', () => {
  test.each([
    [
      'an unknown key',
      'agents:\n  - id: soc\n    syslog: { host: siem, porrt: 514 }\n',
      /siem-relay\.yaml:3:\d+ .*porrt.*did you mean.*port/s,
    ],
    ['no YAML', 'agents: [\n', /siem-relay\.yaml:\d+:\d+/],
    [
      'plain HTTP to another machine',
      'sources: [{ id: a, type: defender-for-cloud-apps, url: "http://contoso.example", auth: { type: token, token: x } }]\n',
      /1:\d+ sources\[0\]\.url: must start with https/,
    ],
    [
      'a secret file that is not there',
      'sources: [{ id: a, type: defender-for-cloud-apps, url: "https://contoso.example", auth: { type: token, tokenFile: nope } }]\n',
      /tokenFile: .*no such file/,
    ],
    [
      'a lossy combination',
      'agents: [{ id: a, syslog: { host: siem, port: 514 }, header: { pri: false } }]\n',
      /header\.pri: .*octet count/,
    ],
    [
      'a filter field that does not exist',
      'agents: [{ id: a, console: true, alerts: { filter: { severty: { eq: [1] } } } }]\n',
      /alerts\.filter\.severty: .*severity/,
    ],
    [
      'two agents with one id',
      'agents: [{ id: a, console: true }, { id: a, console: true }]\n',
      /agents\[1\]\.id: .*taken/,
    ],
    [
      'a tenant without a source',
      'agents: [{ id: a, console: true, tenants: [nobody] }]\n',
      /tenants\[0\]: no source has the tenant nobody/,
    ],
    [
      'an address that is none',
      'admin: { listen: "9464" }\nagents: [{ id: a, console: true }]\n',
      /admin\.listen: .*127\.0\.0\.1:9464/,
    ],
  ])('%s: exit code 78', async (_, text, message) => {
    using directory = withConfig(text)
    const { code, err } = await asProcess(directory, ['run'])
    expect(err).toMatch(message)
    expect(err).not.toMatch(/\n\s+at /)
    expect(code).toBe(78)
  })

  test.each([
    ['an unknown command', ['bogus'], /unknown command/],
    ['an unknown option', ['run', '--bogus'], /unknown option/],
    ['a token without an address', ['run', '--token', 'x'], /--url is missing/],
    ['two tokens', ['run', '--url', 'https://a.example', '--token', 'x', '--token-file', 'y'], /use one/],
    [
      'a token file that is not there',
      ['run', '--url', 'https://a.example', '--token-file', '/nope'],
      /cannot read the token file/,
    ],
    [
      'a receiver that is none',
      ['run', '--url', 'https://a.example', '--token', 'x', '--syslog', 'siem:514'],
      /udp:\/\/HOST:PORT/,
    ],
  ])('%s: exit code 2', async (_, args, message) => {
    using directory = temporaryDirectory()
    const { code, err } = await asProcess(directory, args)
    expect(err).toMatch(message)
    expect(code).toBe(2)
  })

  test('problems of flags are told of the flags', async () => {
    using directory = temporaryDirectory()
    const { code, err } = await asProcess(directory, ['run', '--url', 'ftp://x', '--token', 'x', '--proxy', '::bad'])
    expect(err).toMatch(/--url: must start with https/)
    expect(err).toMatch(/--proxy: must be/)
    expect(code).toBe(78)
  })

  test('a port in use: exit code 1', async () => {
    using directory = temporaryDirectory()
    const server = createServer().listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as { port: number }
    const { code, err } = await asProcess(directory, ['run'], {
      SIEM_RELAY_ADMIN__LISTEN: `127.0.0.1:${port}`,
      SIEM_RELAY_PORTAL__LISTEN: '127.0.0.1:0',
    })
    server.close()
    expect(err).toMatch(new RegExp(`cannot listen on 127\\.0\\.0\\.1:${port}`))
    expect(err).not.toMatch(/\n\s+at /)
    expect(code).toBe(1)
  })
})

test('--demo sentinel shows the rows that a simulated Microsoft Sentinel stored', { timeout: 60_000 }, async () => {
  using directory = temporaryDirectory()
  const child = spawn(process.execPath, [command, 'run', '--demo', 'sentinel'], {
    cwd: directory.path,
    env: { PATH: process.env.PATH ?? '', SIEM_RELAY_ADMIN__LISTEN: '127.0.0.1:0' },
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  const tables = new Set<string>()
  createInterface({ input: child.stdout }).on('line', (line) => {
    tables.add((JSON.parse(line) as { table: string }).table)
    if (!child.killed && tables.size === 2) child.kill('SIGINT')
  })
  expect(await once(child, 'close')).toEqual([0, null])
  expect([...tables].toSorted()).toEqual(['CommonSecurityLog', 'McasAlerts_CL'])
})

test('without a configuration it is a demo: the 12 samples come, a signal ends it with code 0, the next start repeats nothing', {
  timeout: 90_000,
}, async () => {
  using directory = temporaryDirectory()
  const samples = new Set(sampleLines().map(({ line }) => idOf(line)))
  const runDemo = async (
    isEnough: (ids: readonly string[]) => boolean,
  ): Promise<{ ids: readonly string[]; code: number }> => {
    const child = spawn(process.execPath, [command, 'run'], {
      cwd: directory.path,
      env: {
        PATH: process.env.PATH ?? '',
        SIEM_RELAY_ADMIN__LISTEN: '127.0.0.1:0',
        SIEM_RELAY_PORTAL__LISTEN: '127.0.0.1:0',
      },
      stdio: ['ignore', 'pipe', 'ignore'],
    })
    let text = ''
    const idsOf = (): readonly string[] => text.split('\n').slice(0, -1).map(idOf)
    child.stdout.on('data', (chunk) => {
      text += String(chunk)
      // Once: a second signal would end it at once.
      if (!child.killed && isEnough(idsOf())) child.kill('SIGINT')
    })
    const [code] = (await once(child, 'close')) as [number]
    return { ids: idsOf(), code }
  }
  const first = await runDemo((ids) => [...samples].every((id) => ids.includes(id)))
  expect(first.code).toBe(0)
  const second = await runDemo((ids) => ids.length > 0)
  expect(second.code).toBe(0)
  expect(new Set([...first.ids, ...second.ids]).size).toBe(first.ids.length + second.ids.length)
})
