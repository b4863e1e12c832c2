/** kill -9 of a real rsyslog in mid-stream: it comes back on the same ports, and in the end has every record. */
import { join } from 'node:path'
import { seededRandom } from '@siem-relay/service-kit/testing'
import { makeCertificates } from '../support/certificates.ts'
import { type Daemon, startRsyslog } from '../support/daemons.ts'
import type { KafkaCluster } from '../support/kafka-cluster.ts'
import { startRelayProcess } from '../support/process.ts'
import { temporaryDirectory } from '../support/relay.ts'
import { kafkaLog } from './kafka/fleet.ts'
import { embeddedLog, idOf, inspect } from './ledger.ts'
import type { Report } from './report.ts'
import { startFaultSource } from './source.ts'

const recordsPerRound = 3_000

/** How the relay talks to the receiver that is killed, how many messages may come twice after each kill, and for how long at most
 *  it lives on after the first lines of a round. */
const wires = {
  tcp: {
    port: 'tcpPort',
    settings: { protocol: 'tcp', framing: 'octet-counting', checkpointMessages: 1_000, checkpointSeconds: 0.5 },
    repeatsMax: 2_000,
    aliveMsMax: 400,
  },
  relp: { port: 'relpPort', settings: { protocol: 'relp' }, repeatsMax: 128, aliveMsMax: 80 },
  'relp-tls': { port: 'relpTlsPort', settings: { protocol: 'relp' }, repeatsMax: 128, aliveMsMax: 80 },
} as const

/** @param onKafka a cluster to carry it; default: the embedded log. */
export async function killReceiver(
  wire: keyof typeof wires,
  rounds: number,
  seed: number,
  onKafka?: KafkaCluster,
): Promise<Report> {
  using directory = temporaryDirectory()
  const log = onKafka === undefined ? embeddedLogIn(directory.path) : kafkaLog(onKafka)
  const { port, settings, repeatsMax, aliveMsMax } = wires[wire]
  const certificates = wire === 'relp-tls' ? makeCertificates(directory.path) : undefined
  const secured = certificates && { tls: certificates }
  await using source = await startFaultSource(seed)
  const random = seededRandom(seed)
  let daemon: Daemon = await startRsyslog({ directory: directory.path, ...secured })
  try {
    const { udpPort, tcpPort, tlsPort, relpPort, relpTlsPort } = daemon
    const ports = { udpPort, tcpPort, tlsPort, relpPort, relpTlsPort }
    const relay = await startRelayProcess(directory.path, {
      ...log.config,
      sources: [source.config],
      agents: [
        {
          id: 'siem',
          syslog: {
            host: '127.0.0.1',
            port: daemon[port],
            ...settings,
            ...(certificates && { tls: { caFile: certificates.caFile, serverName: 'receiver.test' } }),
          },
        },
      ],
    })
    let killsInMidStream = 0
    for (let round = 0; round < rounds; round++) {
      const before = daemon.stored().length
      source.add(recordsPerRound)
      // Killed in mid-stream: once the first lines of the round have come.
      while (daemon.stored().length < before + 100) await new Promise((resolve) => setTimeout(resolve, 5))
      await new Promise((resolve) => setTimeout(resolve, random() * aliveMsMax))
      await daemon.kill('SIGKILL')
      if (daemon.stored().length < source.ids.length) killsInMidStream += 1
      daemon = await startRsyslog({ directory: directory.path, ports, ...secured })
    }
    const wanted = new Set(source.ids)
    for (;;) {
      const stored = daemon.stored()
      // Reading ids takes the time the processes need; worth it only when all could be there.
      if (stored.length >= wanted.size)
        for (const { message } of stored) if (message.includes('externalId=')) wanted.delete(safeIdOf(message))
      if (wanted.size === 0) break
      await new Promise((resolve) => setTimeout(resolve, 200))
    }
    const code = await relay.kill('SIGTERM')
    const all = daemon.stored().map(({ message }) => message.replace(/^CEF: ?0\|/, 'CEF:0|').trimEnd())
    // A message cut by a kill stands as a fragment in the receiver's file; its whole copy comes after it.
    const received = all.filter((message) => safeIdOf(message) !== '')
    const findings = await inspect({
      open: log.open,
      tenant: 'contoso',
      agent: 'siem',
      sourceIds: source.ids,
      received,
    })
    return {
      name: `kill -9 of rsyslog in mid-stream, ${wire}, ${log.name}, ${rounds} rounds`,
      findings,
      extra: {
        torn: all.length - received.length,
        duplicatesPerKill: Number((findings.duplicates / rounds).toFixed(1)),
        killsInMidStream,
        windowPerKill: repeatsMax,
        exitCodeAtTheEnd: code,
      },
      passed:
        findings.missingRaw +
          findings.repeatedRaw +
          findings.missingOut +
          findings.repeatedOut +
          findings.lost +
          findings.outOfOrder ===
          0 &&
        findings.duplicates <= rounds * repeatsMax &&
        code === 0,
    }
  } finally {
    await daemon[Symbol.asyncDispose]()
  }
}

const embeddedLogIn = (directory: string) => ({
  name: 'embedded log',
  config: {},
  open: embeddedLog(join(directory, 'log')),
})

function safeIdOf(message: string): string {
  try {
    return idOf(message)
  } catch {
    return ''
  }
}
