/** The demo stack's commands as its containers run them: simulator, relay and receiver as processes of their own, and the
 *  health check that asks them. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { request } from 'node:https'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { sampleLines } from '@siem-relay/simulator'
import { describe, expect, test } from 'vitest'
import { idOf } from '../faults/ledger.ts'
import { startRelayProcess } from '../support/process.ts'
import { temporaryDirectory } from '../support/relay.ts'

const command = join(import.meta.dirname, '..', '..', 'app', 'bin', 'siem-relay.mjs')

interface Started extends AsyncDisposable {
  readonly child: ChildProcess
  /** What `pattern` caught on standard error. */
  readonly address: string
}

/** Starts a command and waits until it says where it listens. */
async function start(
  cwd: string,
  args: readonly string[],
  pattern: RegExp,
  onLine: (line: string) => void = () => undefined,
): Promise<Started> {
  const child = spawn(process.execPath, [command, ...args], { cwd, env: { PATH: process.env.PATH ?? '' } })
  const exited = once(child, 'exit')
  const said = Promise.withResolvers<string>()
  createInterface({ input: child.stderr }).on('line', (line) => {
    onLine(line)
    const found = pattern.exec(line)?.[1]
    if (found !== undefined) said.resolve(found)
  })
  void exited.then(([code]) => said.reject(new Error(`${args[0]} ended with ${String(code)}`)))
  return {
    child,
    address: await said.promise,
    [Symbol.asyncDispose]: async () => {
      child.kill()
      await exited
    },
  }
}

async function health(
  cwd: string,
  args: readonly string[],
  env: Record<string, string> = {},
): Promise<{ readonly code: number; readonly text: string }> {
  const child = spawn(process.execPath, [command, 'health', ...args], {
    cwd,
    env: { PATH: process.env.PATH ?? '', ...env },
  })
  let text = ''
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk) => {
      text += String(chunk)
    })
  const [code] = (await once(child, 'close')) as [number]
  return { code, text }
}

const simulatorSays = /^siem-relay simulator: (http:\S+)/
const receiverSays = /listens on (?:tcp|udp):\/\/(\S+?)\. /

test('simulator → relay → receiver: the samples arrive, health says ready, signals end all of it with code 0', {
  timeout: 90_000,
}, async () => {
  using directory = temporaryDirectory()
  await using simulator = await start(directory.path, ['simulator', '--listen', '127.0.0.1:0'], simulatorSays)
  await using receiver = await start(directory.path, ['receiver', '--listen', '127.0.0.1:0'], receiverSays)
  const samples = new Set(sampleLines().map(({ line }) => idOf(line)))
  const enough = Promise.withResolvers<void>()
  createInterface({ input: receiver.child.stdout as NodeJS.ReadableStream }).on('line', (line) => {
    samples.delete(idOf(line))
    if (samples.size === 0) enough.resolve()
  })
  const relay = await startRelayProcess(directory.path, {
    sources: [
      {
        id: 'demo',
        type: 'defender-for-cloud-apps',
        url: simulator.address,
        auth: { type: 'token', token: 'demo'.repeat(16) },
        lookback: 'P11000D',
        pollSeconds: 1,
        requestsPerMinute: 20,
      },
    ],
    agents: [
      { id: 'siem', syslog: { host: '127.0.0.1', port: Number(receiver.address.split(':')[1]), protocol: 'tcp' } },
    ],
  })
  await enough.promise

  const env = { SIEM_RELAY_ADMIN__LISTEN: new URL(relay.adminUrl).host }
  expect(await health(directory.path, [], env)).toEqual({ code: 0, text: expect.stringMatching(/\nready\n$/) })
  expect(await health(directory.path, ['--live'], env)).toEqual({ code: 0, text: 'ok\n' })
  expect((await health(directory.path, ['--connect', receiver.address])).code).toBe(0)

  expect(await relay.kill('SIGTERM')).toBe(0)
  expect(await health(directory.path, [], env)).toEqual({ code: 1, text: expect.stringMatching(/does not answer/) })
  for (const { child } of [simulator, receiver]) {
    child.kill('SIGTERM')
    expect(await once(child, 'exit')).toEqual([0, null])
  }
  expect((await health(directory.path, ['--connect', receiver.address])).code).toBe(1)
})

test('the demo of docker compose delivers to the simulated Azure: its rows are printed, and lose no column', {
  timeout: 90_000,
}, async () => {
  using directory = temporaryDirectory()
  const args = ['simulator', '--listen', '127.0.0.1:0', '--azure', '127.0.0.1:0', '--data', directory.path]
  args.push('--discovery', join(directory.path, 'discovery'))
  const says = /^siem-relay simulator: (?:Azure at )?(https?:\S+?)(?:;| with)/
  const addresses: string[] = []
  await using simulator = await start(directory.path, args, /(Azure at https:\S+);/, (line) => {
    addresses.push(...(says.exec(line)?.slice(1) ?? []))
  })
  const [api = '', azure = ''] = addresses
  const compose = join(import.meta.dirname, '..', '..', 'deploy', 'compose')
  const demo = readFileSync(join(compose, 'demo.yaml'), 'utf8')
    .replace(/^bus:\n(?: {2}.*\n)+/m, 'bus: { path: log, freeBytesMin: 16777216 }\n')
    .replaceAll('http://simulator:8090', api)
    .replaceAll('https://simulator:8443', azure)
    .replaceAll('/run/azure', directory.path)
    .replaceAll('/run/demo', directory.path)
    .replaceAll('/run/secrets/mda', join(compose, 'demo-token'))
  writeFileSync(join(directory.path, 'demo.yaml'), `${demo}\nadmin: { listen: 127.0.0.1:0 }\n`, { mode: 0o600 })
  const tables = new Set<string>()
  const losses = new Set<string>()
  const enough = Promise.withResolvers<void>()
  createInterface({ input: simulator.child.stdout as NodeJS.ReadableStream }).on('line', (line) => {
    const { table, row: _, isTimeClamped: __, ...lost } = JSON.parse(line) as Record<string, unknown>
    tables.add(String(table))
    for (const name of Object.keys(lost)) losses.add(name)
    if (tables.size === 2) enough.resolve()
  })
  const services = ['collector', 'formatter', 'sentinel-sender'].flatMap((name) => ['--service', name])
  await using _relay = await start(directory.path, ['run', '--config', 'demo.yaml', ...services], /runs with (\S+):/)
  await enough.promise
  expect([...tables].toSorted()).toEqual(['CommonSecurityLog', 'McasAlerts_CL'])
  expect([...losses]).toEqual([])
})

describe('health says no with code 1', () => {
  test('to a relay that is not ready, and why', async () => {
    using directory = temporaryDirectory()
    const relay = await startRelayProcess(directory.path, {
      sources: [
        { id: 'a', type: 'defender-for-cloud-apps', url: 'http://127.0.0.1:1', auth: { type: 'token', token: 'x' } },
      ],
    })
    const env = { SIEM_RELAY_ADMIN__LISTEN: new URL(relay.adminUrl).host }
    expect(await health(directory.path, [], env)).toEqual({
      code: 1,
      text: expect.stringMatching(/\[-\] collector\/a: no request has succeeded yet.*\nnot ready\n/s),
    })
    expect((await health(directory.path, ['--live'], env)).code).toBe(0)
    await relay.kill('SIGTERM')
  })

  test.each([
    ['a configuration that is wrong', { SIEM_RELAY_ADMIN__LISTEN: 'nowhere' }, /admin\.listen|ADMIN__LISTEN/],
    ['a port nobody can know', { SIEM_RELAY_ADMIN__LISTEN: '127.0.0.1:0' }, /give it a port/],
  ])('to %s', async (_, env, text) => {
    using directory = temporaryDirectory()
    expect(await health(directory.path, [], env)).toEqual({ code: 1, text: expect.stringMatching(text) })
  })
})

describe('simulator --azure', () => {
  const azureSays = /^siem-relay simulator: Azure at (https:\S+);/
  const args = ['simulator', '--listen', '127.0.0.1:0', '--azure', '127.0.0.1:0']

  test('gives a token for the secret it wrote down, and prints the rows it stores and what they lost', async () => {
    using directory = temporaryDirectory()
    const rule = {
      type: 'Microsoft.Insights/dataCollectionRules',
      name: 'relay',
      properties: {
        immutableId: `dcr-${'a'.repeat(32)}`,
        streamDeclarations: { 'Custom-McasAlerts': { columns: [{ name: 'RecordId', type: 'string' }] } },
        dataFlows: [{ streams: ['Custom-McasAlerts'], outputStream: 'Custom-McasAlerts_CL' }],
      },
    }
    writeFileSync(join(directory.path, 'rule.json'), JSON.stringify(rule))
    await using simulator = await start(directory.path, [...args, '--azure-rule', 'rule.json'], azureSays)
    const lines = createInterface({ input: simulator.child.stdout as NodeJS.ReadableStream })
    const line = once(lines, 'line')

    const kept = (name: string): string => readFileSync(join(directory.path, 'data', 'simulator', name), 'utf8')
    const post = postWith(simulator.address, kept('azure-ca.pem'))
    const form = {
      grant_type: 'client_credentials',
      client_id: 'siem-relay',
      client_secret: kept('azure-client-secret'),
      scope: 'https://monitor.azure.com/.default',
    }
    const { access_token: token } = JSON.parse(
      (await post('/contoso/oauth2/v2.0/token', {}, new URLSearchParams(form).toString())).text,
    ) as { access_token: string }
    const upload = await post(
      `/dataCollectionRules/dcr-${'a'.repeat(32)}/streams/Custom-McasAlerts?api-version=2023-01-01`,
      { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      JSON.stringify([{ RecordId: 'alert:1', Secret: 'gone' }]),
    )
    expect(upload.status).toBe(204)
    expect(JSON.parse(String((await line)[0]))).toEqual({
      table: 'McasAlerts_CL',
      row: { RecordId: 'alert:1', TimeGenerated: expect.any(String) },
      droppedColumns: ['Secret'],
    })
    simulator.child.kill('SIGTERM')
    expect(await once(simulator.child, 'exit')).toEqual([0, null])
  })

  test('a rule that is none ends it with code 78 and says why', async () => {
    using directory = temporaryDirectory()
    writeFileSync(join(directory.path, 'rule.json'), '{}')
    const child = spawn(process.execPath, [command, ...args, '--azure-rule', 'rule.json'], {
      cwd: directory.path,
      stdio: ['ignore', 'ignore', 'pipe'],
      env: { PATH: process.env.PATH ?? '' },
    })
    let text = ''
    child.stderr.on('data', (chunk) => {
      text += String(chunk)
    })
    expect(await once(child, 'close')).toEqual([78, null])
    expect(text).toContain('rule.json: the template holds no data collection rule')
  })
})

/** Plain HTTPS that trusts one authority. */
function postWith(origin: string, ca: string) {
  return (
    path: string,
    headers: Readonly<Record<string, string>>,
    body: string,
  ): Promise<{ readonly status: number; readonly text: string }> =>
    new Promise((resolve, reject) => {
      const asking = request(`${origin}${path}`, { method: 'POST', ca, headers, agent: false }, (answer) => {
        let text = ''
        answer.on('data', (chunk) => {
          text += String(chunk)
        })
        answer.on('end', () => resolve({ status: answer.statusCode ?? 0, text }))
      })
      asking.on('error', reject).end(body)
    })
}

test.each(['simulator', 'receiver'])('%s refuses an address that is none with code 2', async (name) => {
  using directory = temporaryDirectory()
  const child = spawn(process.execPath, [command, name, '--listen', '5514'], {
    cwd: directory.path,
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { PATH: process.env.PATH ?? '' },
  })
  let text = ''
  child.stderr.on('data', (chunk) => {
    text += String(chunk)
  })
  expect(await once(child, 'close')).toEqual([2, null])
  expect(text).toContain('127.0.0.1:5514')
})
