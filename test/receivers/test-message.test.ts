/** The portal's test message at real receivers: what they take is told as taken, and what they refuse by its class. */
import { join } from 'node:path'
import { agentSchema } from '@siem-relay/common'
import { systemClock } from '@siem-relay/service-kit'
import { sendTestMessage } from '@siem-relay/syslog-sender'
import { describe, expect, test } from 'vitest'
import { makeCertificates } from '../support/certificates.ts'
import { type Daemon, startRsyslog, startSyslogNg } from '../support/daemons.ts'
import { temporaryDirectory } from '../support/relay.ts'

const timeout = 120_000

function send(syslog: object) {
  const agent = agentSchema.parse({
    id: 'draft',
    syslog: { host: '127.0.0.1', ...syslog },
    header: { systemName: 'relay-1' },
  })
  return sendTestMessage(agent, {
    world: { clock: systemClock, hostName: 'relay-1' },
    version: '1.0',
    refuses: () => undefined,
  })
}

async function isStored(daemon: Daemon, line: string): Promise<void> {
  const id = /externalId=test-\d+/.exec(line)?.[0] ?? 'none'
  while (!daemon.stored().some(({ message }) => message.includes(id)))
    await new Promise((resolve) => setTimeout(resolve, 50))
}

describe.each(Object.entries({ rsyslog: startRsyslog, 'syslog-ng': startSyslogNg }))('%s', (name, start) => {
  test('stores the line, and the report says so', { timeout }, async () => {
    using directory = temporaryDirectory()
    const files = makeCertificates(directory.path)
    await using daemon = await start({ directory: directory.path, tls: files })
    const tls = { caFile: files.caFile, serverName: 'receiver.test' }
    const forms = [
      { protocol: 'tcp', port: daemon.tcpPort },
      { protocol: 'tls', port: daemon.tlsPort, tls },
      ...(name === 'rsyslog'
        ? [
            { protocol: 'tcp', port: daemon.tcpPort, framing: 'octet-counting' },
            { protocol: 'relp', port: daemon.relpPort },
            { protocol: 'relp', port: daemon.relpTlsPort, tls },
          ]
        : []),
    ]
    for (const form of forms) {
      const report = await send(form)
      expect(report, JSON.stringify(report.steps, undefined, 1)).toMatchObject({ ok: true })
      await isStored(daemon, report.line)
    }
  })

  test('what does not fit is told by its class', { timeout }, async () => {
    using directory = temporaryDirectory()
    const files = makeCertificates(directory.path)
    await using daemon = await start({ directory: directory.path, tls: files })
    const tls = { caFile: files.caFile, serverName: 'receiver.test' }
    const seen = async (syslog: object) => (await send(syslog)).steps.find(({ outcome }) => outcome === 'failed')?.seen
    expect(await seen({ protocol: 'tcp', port: daemon.tlsPort })).toBe('this port wants TLS')
    expect(await seen({ protocol: 'tls', port: daemon.tcpPort, tls })).toBe('this port does not speak TLS')
    expect(await seen({ protocol: 'relp', port: daemon.tcpPort })).toBe('this port does not speak RELP')
    const another = { ...tls, serverName: 'elsewhere.test' }
    expect(await seen({ protocol: 'tls', port: daemon.tlsPort, tls: another })).toMatch(/for another name/)
    if (name === 'rsyslog')
      expect(await seen({ protocol: 'relp', port: daemon.relpTlsPort })).toBe('this port wants TLS')
  })
})

test('rsyslog that wants a certificate', { timeout }, async () => {
  using directory = temporaryDirectory()
  const files = makeCertificates(directory.path)
  await using daemon = await startRsyslog({ directory: directory.path, tls: { ...files, clientName: 'client.test' } })
  const tls = { caFile: files.caFile, serverName: 'receiver.test' }
  const own = { certFile: join(directory.path, 'client.pem'), keyFile: join(directory.path, 'client.key') }
  for (const [protocol, port] of [
    ['tls', daemon.tlsPort],
    ['relp', daemon.relpTlsPort],
  ] as const) {
    const refused = await send({ protocol, port, tls })
    expect(refused.steps.find(({ outcome }) => outcome === 'failed')?.seen).toMatch(/wants a client certificate/)
    expect(await send({ protocol, port, tls: { ...tls, ...own } })).toMatchObject({ ok: true })
  }
})
