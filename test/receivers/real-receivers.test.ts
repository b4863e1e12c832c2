/** The lines at real receivers: rsyslog and syslog-ng store every one, unbroken, with the right host and message, in every framing. */
import { join } from 'node:path'
import { openSqliteBus } from '@siem-relay/bus'
import { outTopic } from '@siem-relay/common'
import { systemClock } from '@siem-relay/service-kit'
import { createGenerator, startSimulator } from '@siem-relay/simulator'
import { describe, expect, test } from 'vitest'
import { makeCertificates } from '../support/certificates.ts'
import { type Daemon, type Stored, startRsyslog, startSyslogNg } from '../support/daemons.ts'
import { startTestRelay, temporaryDirectory } from '../support/relay.ts'

const legacyToken = 'r'.repeat(64)
const activityCount = 2_000
const hostName = 'relay-1.contoso.com'

const daemons = { rsyslog: startRsyslog, 'syslog-ng': startSyslogNg }
const forms = [
  { form: 'UDP', syslog: { protocol: 'udp' }, port: 'udpPort', octetCounting: false, isSecure: false },
  {
    form: 'TCP with LF',
    syslog: { protocol: 'tcp', framing: 'lf' },
    port: 'tcpPort',
    octetCounting: false,
    isSecure: false,
  },
  {
    form: 'TCP with octet counting',
    syslog: { protocol: 'tcp', framing: 'octet-counting' },
    port: 'tcpPort',
    octetCounting: true,
    isSecure: false,
  },
  { form: 'TLS', syslog: { protocol: 'tls' }, port: 'tlsPort', octetCounting: false, isSecure: true },
  { form: 'RELP', syslog: { protocol: 'relp' }, port: 'relpPort', octetCounting: false, isSecure: false },
  { form: 'RELP over TLS', syslog: { protocol: 'relp' }, port: 'relpTlsPort', octetCounting: false, isSecure: true },
] as const

describe.each(Object.entries(daemons))('%s', (name, startDaemon) => {
  // syslog-ng takes no RELP.
  test.each(forms.filter(({ syslog }) => name === 'rsyslog' || syslog.protocol !== 'relp'))(
    'stores every line over $form with the default header',
    { timeout: 120_000 },
    async ({ syslog, port, octetCounting, isSecure }) => {
      using directory = temporaryDirectory()
      const tls = makeCertificates(directory.path)
      await using daemon = await startDaemon({
        directory: directory.path,
        octetCounting,
        ...(isSecure ? { tls } : {}),
      })
      const { stored, expected } = await runThrough(
        directory.path,
        {
          ...syslog,
          host: '127.0.0.1',
          port: daemon[port],
          ...(isSecure ? { tls: { caFile: tls.caFile, serverName: 'receiver.test' } } : {}),
        },
        daemon,
      )
      expect(stored.length).toBe(expected.length)
      expect(new Set(stored.map(({ host }) => host))).toEqual(new Set([hostName]))
      // Receivers may put one space behind the tag; the line itself must be whole.
      expect(stored.map(({ message }) => message.replace(/^CEF: ?0\|/, 'CEF:0|').trimEnd()).toSorted()).toEqual(
        [...expected].toSorted(),
      )
    },
  )
})

test('rsyslog with x509/name refuses a sender without its certificate: reported as such, nothing counts as sent', {
  timeout: 120_000,
}, async () => {
  using directory = temporaryDirectory()
  const tls = makeCertificates(directory.path)
  await using daemon = await startRsyslog({ directory: directory.path, tls: { ...tls, clientName: 'client.test' } })
  await using simulator = await fullSimulator(20)
  const relay = await startTestRelay(join(directory.path, 'log'), {
    sources: [sourceOf(simulator.url)],
    agents: [
      {
        id: 'siem',
        syslog: {
          host: '127.0.0.1',
          port: daemon.tlsPort,
          protocol: 'tls',
          tls: { caFile: tls.caFile, serverName: 'receiver.test' },
        },
      },
    ],
  })
  await waitFor(() => relay.entries.some((entry) => JSON.stringify(entry).includes('RELAY_RECEIVER_AUTH')))
  const delivered = await metric(relay.adminUrl, /siem_relay_messages_delivered_total\{agent="siem"[^}]*\} (\d+)/)
  await relay.stop(2_000)
  expect(delivered[1]).toBe('0')
  expect(daemon.stored()).toEqual([])
})

test('rsyslog with x509/name takes a sender with the right certificate', { timeout: 120_000 }, async () => {
  using directory = temporaryDirectory()
  const tls = makeCertificates(directory.path)
  await using daemon = await startRsyslog({ directory: directory.path, tls: { ...tls, clientName: 'client.test' } })
  const { stored, expected } = await runThrough(
    directory.path,
    {
      host: '127.0.0.1',
      port: daemon.tlsPort,
      protocol: 'tls',
      tls: {
        caFile: tls.caFile,
        serverName: 'receiver.test',
        certFile: join(directory.path, 'client.pem'),
        keyFile: join(directory.path, 'client.key'),
      },
    },
    daemon,
  )
  expect(stored.length).toBe(expected.length)
})

test('rsyslog takes RELP from the client its tls.permittedPeer names, and from nobody without a certificate', {
  timeout: 120_000,
}, async () => {
  using directory = temporaryDirectory()
  const tls = makeCertificates(directory.path)
  await using daemon = await startRsyslog({ directory: directory.path, tls: { ...tls, clientName: 'client.test' } })
  const syslog = { host: '127.0.0.1', port: daemon.relpTlsPort, protocol: 'relp' }
  const trust = { caFile: tls.caFile, serverName: 'receiver.test' }
  await using simulator = await fullSimulator(20)
  const refused = await startTestRelay(join(directory.path, 'refused'), {
    sources: [sourceOf(simulator.url)],
    agents: [{ id: 'siem', syslog: { ...syslog, tls: trust } }],
  })
  await waitFor(() => refused.entries.some((entry) => JSON.stringify(entry).includes('RELAY_RECEIVER_AUTH')))
  const delivered = await metric(refused.adminUrl, /siem_relay_messages_delivered_total\{agent="siem"[^}]*\} (\d+)/)
  await refused.stop(2_000)
  expect(delivered[1]).toBe('0')
  expect(daemon.stored()).toEqual([])
  const client = { certFile: join(directory.path, 'client.pem'), keyFile: join(directory.path, 'client.key') }
  const { stored, expected } = await runThrough(directory.path, { ...syslog, tls: { ...trust, ...client } }, daemon)
  expect(stored.length).toBe(expected.length)
})

/** Sends a tenant's activities to the receiver and gives back what it stored beside what the log says was to be sent. */
async function runThrough(
  directory: string,
  syslog: object,
  daemon: Daemon,
): Promise<{ stored: readonly Stored[]; expected: readonly string[] }> {
  await using simulator = await fullSimulator(activityCount)
  const log = join(directory, 'log')
  const relay = await startTestRelay(log, {
    sources: [sourceOf(simulator.url)],
    agents: [{ id: 'siem', syslog, header: { systemName: hostName } }],
  })
  await waitFor(() => daemon.stored().length >= activityCount)
  await relay.stop(8_000)
  await using bus = await openSqliteBus({ path: log, clock: systemClock, freeBytesMin: 1_048_576 })
  const topic = outTopic('siem')
  const expected: string[] = []
  for (let partition = 0; partition < topic.partitions; partition++)
    for await (const record of bus.read(topic, partition, 0)) expected.push(record.value.toString('utf8'))
  return { stored: daemon.stored(), expected }
}

async function fullSimulator(count: number): Promise<Awaited<ReturnType<typeof startSimulator>>> {
  const simulator = await startSimulator({ legacyToken, requestsPerMinute: Number.POSITIVE_INFINITY })
  const generator = createGenerator(3)
  const startMs = Date.now() - 3_600_000
  for (let index = 0; index < count; index++)
    simulator.store.addActivity(generator.activity(startMs + index, startMs + index))
  return simulator
}

function sourceOf(url: string): object {
  return {
    id: 'contoso',
    type: 'defender-for-cloud-apps',
    url,
    auth: { type: 'token', token: legacyToken },
    collect: { alerts: false },
    requestsPerMinute: 100_000,
    pollSeconds: 1,
  }
}

async function waitFor(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setTimeout(resolve, 50))
}

async function metric(adminUrl: string, pattern: RegExp): Promise<RegExpExecArray> {
  for (;;) {
    const found = pattern.exec(await (await fetch(`${adminUrl}/metrics`)).text())
    if (found !== null) return found
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
}
