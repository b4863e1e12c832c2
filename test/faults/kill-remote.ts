/** An agent in another network under fire: two processes with one token, the line to the portal cut and torn at random, kill -9 of whoever
 *  works and of the relay with its portal. In the end the receiver has every record. */
import { createHash, randomBytes } from 'node:crypto'
import { existsSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { agentsTopic, encodeStoredAgent } from '@siem-relay/common'
import { seededRandom } from '@siem-relay/service-kit/testing'
import { startRsyslog } from '../support/daemons.ts'
import { startLine } from '../support/line.ts'
import { type RelayProcess, startAgentProcess, startRelayProcess } from '../support/process.ts'
import { tcpReceiver } from '../support/receivers.ts'
import { temporaryDirectory } from '../support/relay.ts'
import { embeddedLog, idOf, inspect } from './ledger.ts'
import type { Report } from './report.ts'
import { startFaultSource } from './source.ts'

const recordsPerRound = 1_500
/** Two rounds of 500 messages in the sender's window, 1,000 confirmed and not reported, a batch of 500 between. */
const repeatsPerKill = 2_500

export async function killRemote(rounds: number, seed: number): Promise<Report> {
  using directory = temporaryDirectory()
  await using source = await startFaultSource(seed)
  await using receiver = await anyReceiver(directory.path)
  const random = seededRandom(seed)
  const log = embeddedLog(join(directory.path, 'log'))
  const portalPort = await freePort()
  const token = `sra_siem_${randomBytes(32).toString('base64url')}`
  await makeAgent(log, token, receiver.syslog)
  writeFileSync(join(directory.path, 'token'), token, { mode: 0o600 })
  const config = { sources: [source.config], agents: [], portal: { listen: `127.0.0.1:${portalPort}` } }
  await using line = await startLine(portalPort)
  const startRelay = (): Promise<RelayProcess> => startRelayProcess(directory.path, config)
  const startAgent = () =>
    startAgentProcess(directory.path, ['--portal', `http://127.0.0.1:${line.port}`, '--token-file', 'token'])
  const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

  const kills = { relay: 0, agent: 0, cuts: 0 }
  let relay = await startRelay()
  const agents = await Promise.all([startAgent(), startAgent()])
  try {
    for (let round = 0; round < rounds; round++) {
      source.add(recordsPerRound)
      line.bytesMax = round % 2 === 0 ? undefined : () => 500 + Math.floor(random() * 200_000)
      await sleep(random() * 1_500)
      const fault = round % 3
      if (fault === 0) {
        kills.relay += 1
        await relay.kill('SIGKILL')
        relay = await startRelay()
      } else if (fault === 1) {
        const index = random() < 0.5 ? 0 : 1
        kills.agent += 1
        await agents[index]?.kill('SIGKILL')
        agents[index] = await startAgent()
      } else {
        kills.cuts += 1
        line.isUp = false
        line.cut()
        await sleep(random() * 2_000)
        line.isUp = true
      }
    }
    line.bytesMax = undefined
    const missing = new Set(source.ids)
    for (let checked = 0; missing.size > 0; await sleep(50)) {
      const messages = receiver.messages()
      for (; checked < messages.length; checked++) missing.delete(safeIdOf(messages[checked] ?? ''))
    }
    const agentCodes = await Promise.all(agents.map((agent) => agent.kill('SIGTERM')))
    const code = await relay.kill('SIGTERM')
    const findings = await inspect({
      open: log,
      tenant: 'contoso',
      agent: 'siem',
      sourceIds: source.ids,
      received: receiver.messages().filter((message) => safeIdOf(message) !== ''),
    })
    const killed = kills.relay + kills.agent
    return {
      name: `kill -9 of an agent in another network and of its relay, ${receiver.name}, ${rounds} rounds`,
      findings,
      extra: {
        killsOfTheRelay: kills.relay,
        killsOfAnAgent: kills.agent,
        cuts: kills.cuts,
        duplicatesPerKill: Number((findings.duplicates / Math.max(1, killed)).toFixed(1)),
        windowPerKill: repeatsPerKill,
        exitCodesAtTheEnd: [...agentCodes, code].join(' '),
      },
      passed:
        findings.missingRaw +
          findings.repeatedRaw +
          findings.missingOut +
          findings.repeatedOut +
          findings.lost +
          findings.outOfOrder +
          findings.deadLetters ===
          0 &&
        findings.duplicates <= killed * repeatsPerKill &&
        [...agentCodes, code].every((one) => one === 0),
    }
  } finally {
    for (const running of [...agents, relay]) if (running.child.exitCode === null) running.child.kill('SIGKILL')
  }
}

/** rsyslog over RELP where it is installed, else a receiver of our own over TCP. */
async function anyReceiver(directory: string) {
  if (!existsSync('/usr/sbin/rsyslogd')) {
    const own = await tcpReceiver('octet-counting')
    return {
      name: 'TCP',
      syslog: {
        host: '127.0.0.1',
        port: own.port,
        framing: 'octet-counting',
        checkpointMessages: 500,
        checkpointSeconds: 0.5,
      },
      messages: (): readonly string[] => own.messages,
      [Symbol.asyncDispose]: () => own[Symbol.asyncDispose](),
    }
  }
  const daemon = await startRsyslog({ directory })
  return {
    name: 'rsyslog over RELP',
    syslog: { host: '127.0.0.1', port: daemon.relpPort, protocol: 'relp' },
    messages: (): readonly string[] =>
      daemon.stored().map(({ message }) => message.replace(/^CEF: ?0\|/, 'CEF:0|').trimEnd()),
    [Symbol.asyncDispose]: () => daemon[Symbol.asyncDispose](),
  }
}

/** As the portal writes one, before any relay runs. */
async function makeAgent(open: ReturnType<typeof embeddedLog>, token: string, syslog: object): Promise<void> {
  await using bus = await open()
  await bus.ensureTopics([agentsTopic])
  await using writer = await bus.writer('portal/agents')
  const hash = createHash('sha256').update(token).digest('hex')
  const stamp = { createdBy: 'ada', createdMs: 0, updatedBy: 'ada', updatedMs: 0 }
  const value = encodeStoredAgent({
    version: 1,
    revision: 1,
    definition: { id: 'siem', remote: true, syslog },
    ...stamp,
    token: { id: 'one', hash, owner: 'ada', createdMs: 0 },
  })
  await writer.commit({ records: [{ topic: agentsTopic.name, key: 'siem', value, headers: {} }] })
}

function safeIdOf(message: string): string {
  try {
    return idOf(message)
  } catch {
    return ''
  }
}

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  await new Promise((resolve) => server.close(resolve))
  return typeof address === 'object' && address !== null ? address.port : 0
}
