/** docs/using/siems.md as its reader follows it: the receiver with the block given for it, the relay with the block beside it, and
 *  the lines in the file that the page names. Places of this machine (ports, files, the source) are put in, nothing else. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { parseCef } from '@siem-relay/common'
import { sampleRecords, startSimulator } from '@siem-relay/simulator'
import { expect, test } from 'vitest'
import { type DaemonProcess, runRsyslog, runSyslogNg } from '../support/daemons.ts'
import { temporaryDirectory } from '../support/relay.ts'

const root = join(import.meta.dirname, '..', '..')
const page = readFileSync(join(root, 'docs/using/siems.md'), 'utf8')
const legacyToken = 'd'.repeat(64)
const storedFile = '/var/log/siem-relay.log'

const receivers: readonly (readonly [
  name: string,
  run: (config: string, directory: string, port: number) => Promise<DaemonProcess>,
])[] = [
  [
    'rsyslog',
    (config, directory, port) => runRsyslog(`global(workDirectory="${directory}")\n${config}`, directory, port),
  ],
  ['syslog-ng', (config, directory, port) => runSyslogNg(`@version: 3.38\n${config}`, directory, port)],
]

test.each(receivers)('who follows the page has the sample lines in %s', { timeout: 120_000 }, async (name, run) => {
  using directory = temporaryDirectory()
  const agents = blockOf(`${name} relay`)
  const documented = /\bport: (\d+)/.exec(agents)?.[1] ?? ''
  const port = await freePort()
  const stored = join(directory.path, 'siem-relay.log')
  const receiver = blockOf(`${name} receiver`)
  expect(receiver, 'both blocks name the same port').toContain(documented)
  await using _ = await run(
    receiver.replace(documented, String(port)).replace(storedFile, stored),
    directory.path,
    port,
  )
  await using simulator = await startSimulator({ legacyToken })
  const { activities, alerts } = sampleRecords()
  for (const record of activities) simulator.store.addActivity(record)
  for (const record of alerts) simulator.store.addAlert(record)
  const ids = [...activities, ...alerts].map((record) => String(Object(record)._id)).toSorted()
  writeFileSync(
    join(directory.path, 'siem-relay.yaml'),
    `${agents.replace(documented, String(port))}
sources:
  - { id: contoso, type: defender-for-cloud-apps, url: "${simulator.url}", auth: { type: token, token: ${legacyToken} }, lookback: P11000D }
admin: { listen: 127.0.0.1:0 }
`,
  )
  await using __ = await startRelay(directory.path)
  const lines = (): readonly string[] =>
    existsSync(stored) ? readFileSync(stored, 'utf8').split('\n').slice(0, -1) : []
  while (lines().length < ids.length) await new Promise((resolve) => setTimeout(resolve, 50))
  expect(
    lines()
      .map((line) => parseCef(line.slice(line.search(/CEF: ?0\|/))).extension.get('externalId'))
      .toSorted(),
  ).toEqual(ids)
})

/** The code block behind `<!-- tried: NAME -->`. */
function blockOf(name: string): string {
  const [, block] = new RegExp(`<!-- tried: ${name} -->\\n\`\`\`\\w*\\n([\\s\\S]*?)\`\`\``).exec(page) ?? []
  if (block === undefined) throw new Error(`the page has no block ${name}`)
  return block
}

async function startRelay(directory: string): Promise<AsyncDisposable> {
  const child = spawn(process.execPath, [join(root, 'app/bin/siem-relay.mjs'), 'run'], {
    cwd: directory,
    stdio: 'ignore',
    env: { PATH: process.env.PATH ?? '' },
  })
  const exited = once(child, 'exit')
  return {
    [Symbol.asyncDispose]: async () => {
      child.kill('SIGTERM')
      await exited
    },
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  return typeof address === 'object' && address !== null ? address.port : 0
}
