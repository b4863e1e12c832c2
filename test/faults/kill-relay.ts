/** kill -9 of the relay at random points under load: the log has every record once, the receiver read every record. */
import { join } from 'node:path'
import { seededRandom } from '@siem-relay/service-kit/testing'
import { startRelayProcess } from '../support/process.ts'
import { tcpReceiver } from '../support/receivers.ts'
import { temporaryDirectory } from '../support/relay.ts'
import { embeddedLog, idOf, inspect } from './ledger.ts'
import type { Report } from './report.ts'
import { startFaultSource } from './source.ts'

const recordsPerRound = 600
const aliveMsMax = 1_200

export async function killRelay(rounds: number, seed: number): Promise<Report> {
  using directory = temporaryDirectory()
  await using source = await startFaultSource(seed)
  await using receiver = await tcpReceiver('octet-counting')
  const random = seededRandom(seed)
  const checkpointMessages = 500
  const config = {
    sources: [source.config],
    agents: [
      {
        id: 'siem',
        syslog: {
          host: '127.0.0.1',
          port: receiver.port,
          protocol: 'tcp',
          framing: 'octet-counting',
          checkpointMessages,
          checkpointSeconds: 0.5,
        },
      },
    ],
  }
  for (let round = 0; round < rounds; round++) {
    source.add(recordsPerRound)
    const relay = await startRelayProcess(directory.path, config)
    await new Promise((resolve) => setTimeout(resolve, random() * aliveMsMax))
    source.add(50)
    await relay.kill('SIGKILL')
  }
  const relay = await startRelayProcess(directory.path, config)
  const missing = new Set(source.ids)
  let checked = 0
  await receiver.until((messages) => {
    for (; checked < messages.length; checked++) missing.delete(idOf(messages[checked] ?? ''))
    return missing.size === 0
  })
  const code = await relay.kill('SIGTERM')
  const findings = await inspect({
    open: embeddedLog(join(directory.path, 'log')),
    tenant: 'contoso',
    agent: 'siem',
    sourceIds: source.ids,
    received: receiver.messages,
  })
  const windowMax = rounds * 2 * checkpointMessages
  return {
    name: `kill -9 of the relay, ${rounds} rounds at random points`,
    findings,
    extra: {
      exitCodeAtTheEnd: code,
      duplicatesPerKill: Number((findings.duplicates / rounds).toFixed(1)),
      windowPerKill: 2 * checkpointMessages,
    },
    passed:
      findings.missingRaw +
        findings.repeatedRaw +
        findings.missingOut +
        findings.repeatedOut +
        findings.lost +
        findings.outOfOrder ===
        0 &&
      findings.duplicates <= windowMax &&
      code === 0,
  }
}
