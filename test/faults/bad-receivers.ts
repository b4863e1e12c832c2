/** Receivers that take connections and do not read, or vanish without a word: nothing is lost, memory stays bounded. */
import { join } from 'node:path'
import { type Gate, startGate } from '../support/gate.ts'
import { residentBytes, startRelayProcess } from '../support/process.ts'
import { type Receiver, tcpReceiver } from '../support/receivers.ts'
import { temporaryDirectory } from '../support/relay.ts'
import { embeddedLog, idOf, inspect } from './ledger.ts'
import type { Report } from './report.ts'
import { startFaultSource } from './source.ts'

const megabyte = 1_048_576
/** What is bounded here is the way of records; what the portal keeps for its pages has a bound of its own. */
const withoutPortal = { portal: { enabled: false } }
const residentMax = 300 * megabyte

export async function receiverThatNeverReads(seed: number): Promise<Report> {
  return badReceiver('a receiver that accepts and never reads', 'never-read', /RELAY_RECEIVER_STALLED/, seed)
}

export async function halfOpenReceiver(seed: number): Promise<Report> {
  return badReceiver(
    'a half-open receiver: takes bytes, answers nothing',
    'swallow',
    /RELAY_RECEIVER_UNCONFIRMED/,
    seed,
  )
}

async function badReceiver(name: string, mode: Gate['mode'], complaint: RegExp, seed: number): Promise<Report> {
  using directory = temporaryDirectory()
  await using source = await startFaultSource(seed)
  await using receiver: Receiver = await tcpReceiver('octet-counting')
  await using gate = await startGate(receiver.port, mode)
  source.add(20_000)
  const relay = await startRelayProcess(directory.path, {
    ...withoutPortal,
    sources: [source.config],
    agents: [
      {
        id: 'siem',
        syslog: {
          host: '127.0.0.1',
          port: gate.port,
          protocol: 'tcp',
          framing: 'octet-counting',
          stallTimeoutMs: 1_000,
          confirmTimeoutMs: 1_000,
          checkpointSeconds: 1,
        },
      },
    ],
  })
  while (!relay.log.some((line) => complaint.test(line))) await new Promise((resolve) => setTimeout(resolve, 50))
  const resident = await residentBytes(relay.pid)
  const readWhileBad = receiver.messages.length
  gate.mode = 'pass'
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
  return {
    name,
    findings,
    extra: { readWhileBad, residentMB: Math.round(resident / megabyte), exitCodeAtTheEnd: code },
    passed:
      findings.lost + findings.outOfOrder + findings.repeatedOut + findings.repeatedRaw === 0 &&
      resident < residentMax &&
      code === 0,
  }
}

/** A backlog and a SIEM that does not read: the source is drained to disk, memory stays flat. */
export async function backlogBehindStalledReceiver(records: number, seed: number): Promise<Report> {
  using directory = temporaryDirectory()
  await using source = await startFaultSource(seed)
  await using gate = await startGate(1, 'never-read')
  // A tenant of two busy days, there before the relay is.
  source.add(Math.ceil(records / 1.1), Date.now() - 40 * 3_600_000)
  const relay = await startRelayProcess(directory.path, {
    ...withoutPortal,
    sources: [source.config],
    agents: [
      { id: 'siem', syslog: { host: '127.0.0.1', port: gate.port, protocol: 'tcp', framing: 'octet-counting' } },
    ],
  })
  let peak = 0
  const watch = setInterval(() => {
    void residentBytes(relay.pid).then((bytes) => {
      peak = Math.max(peak, bytes)
    })
  }, 100)
  while ((await formattedMessages(relay.adminUrl)) < source.ids.length)
    await new Promise((resolve) => setTimeout(resolve, 200))
  clearInterval(watch)
  const code = await relay.kill('SIGTERM')
  return {
    name: `a backlog of ${records.toLocaleString('en')} records behind a SIEM that never reads`,
    extra: { records: source.ids.length, peakResidentMB: Math.round(peak / megabyte), exitCodeAtTheEnd: code },
    passed: peak > 0 && peak < residentMax && code === 0,
  }
}

async function formattedMessages(adminUrl: string): Promise<number> {
  const text = await (await fetch(`${adminUrl}/metrics`)).text()
  return [...text.matchAll(/^siem_relay_messages_formatted_total\{[^}]*\} (\d+)/gm)].reduce(
    (sum, match) => sum + Number(match[1]),
    0,
  )
}
