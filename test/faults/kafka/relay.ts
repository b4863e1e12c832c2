/** The whole relay on Kafka as separate processes: brokers, senders, receivers and everything at once fail under load. */
import { readdirSync, readlinkSync } from 'node:fs'
import { rawHeaders, rawTopic } from '@siem-relay/common'
import { createGenerator } from '@siem-relay/simulator'
import { startRsyslog } from '../../support/daemons.ts'
import { startGate } from '../../support/gate.ts'
import { startKafkaCluster } from '../../support/kafka-cluster.ts'
import { cpuSeconds, residentBytes } from '../../support/process.ts'
import { type Receiver, tcpReceiver } from '../../support/receivers.ts'
import { temporaryDirectory } from '../../support/relay.ts'
import { type Findings, idOf, inspect } from '../ledger.ts'
import type { Report } from '../report.ts'
import { startFaultSource } from '../source.ts'
import { Fleet, kafkaLog } from './fleet.ts'

const checkpointMessages = 500

const agentTo = (port: number, id = 'siem', more: object = {}): object => ({
  id,
  syslog: {
    host: '127.0.0.1',
    port,
    protocol: 'tcp',
    framing: 'octet-counting',
    checkpointMessages,
    checkpointSeconds: 0.5,
    ...more,
  },
})

const isClean = (found: Findings): boolean =>
  found.missingRaw +
    found.repeatedRaw +
    found.missingOut +
    found.repeatedOut +
    found.lost +
    found.outOfOrder +
    found.deadLetters ===
  0

/** The broker is killed and started again under load. */
export async function brokerKills(rounds: number, seed: number): Promise<Report> {
  using directory = temporaryDirectory()
  await using cluster = await startKafkaCluster(1)
  await using source = await startFaultSource(seed)
  await using receiver = await tcpReceiver('octet-counting')
  const log = kafkaLog(cluster)
  await using fleet = new Fleet(directory.path, log, { sources: [source.config], agents: [agentTo(receiver.port)] })
  await fleet.start('collector', 'formatter', 'syslog-sender')
  const recoveries: number[] = []
  source.add(500)
  await received(receiver, source.ids)
  for (let round = 0; round < rounds; round++) {
    source.add(3_000)
    await sleep(300 + round * 50)
    await cluster.kill(0)
    source.add(500)
    await cluster.start(0)
    const startedMs = Date.now()
    source.add(100)
    await received(receiver, source.ids)
    recoveries.push((Date.now() - startedMs) / 1_000)
  }
  const codes = await fleet.stop()
  const findings = await inspect({
    open: log.open,
    tenant: 'contoso',
    agent: 'siem',
    sourceIds: source.ids,
    received: receiver.messages,
  })
  const slowest = Math.max(...recoveries)
  return {
    name: `Kafka: kill -9 of the broker under load, ${rounds} rounds`,
    findings,
    extra: { slowestRecoverySeconds: slowest.toFixed(1), exitCodes: codes.join(' ') },
    passed: isClean(findings) && slowest <= 30 && codes.every((code) => code === 0),
  }
}

/** One sender of three is killed; a real rsyslog reads. */
export async function killSender(rounds: number, seed: number): Promise<Report> {
  using directory = temporaryDirectory()
  await using cluster = await startKafkaCluster(1)
  await using source = await startFaultSource(seed)
  await using daemon = await startRsyslog({ directory: directory.path })
  const log = kafkaLog(cluster)
  await using fleet = new Fleet(directory.path, log, { sources: [source.config], agents: [agentTo(daemon.tcpPort)] })
  await fleet.start('collector', 'formatter', 'syslog-sender', 'syslog-sender', 'syslog-sender')
  source.add(1_000)
  await stored(daemon, source.ids)
  let slowest = 0
  for (let round = 0; round < rounds; round++) {
    const before = daemon.stored().length
    source.add(6_000)
    while (daemon.stored().length < before + 300) await sleep(10)
    const [victim] = fleet.of('syslog-sender')
    if (victim !== undefined) await fleet.kill(victim)
    const killedMs = Date.now()
    await stored(daemon, source.ids)
    slowest = Math.max(slowest, (Date.now() - killedMs) / 1_000)
    await fleet.start('syslog-sender')
  }
  await fleet.stop()
  const findings = await inspect({
    open: log.open,
    tenant: 'contoso',
    agent: 'siem',
    sourceIds: source.ids,
    received: daemon.stored().map(({ message }) => message.replace(/^CEF: ?0\|/, 'CEF:0|').trimEnd()),
  })
  const windowPerKill = 3 * 2 * checkpointMessages
  return {
    name: `Kafka: one sender of three killed under load, rsyslog reads, ${rounds} rounds`,
    findings,
    extra: {
      allStoredAfterKillSeconds: slowest.toFixed(1),
      duplicatesPerKill: findings.duplicates / rounds,
      windowPerKill,
    },
    // Two senders of one partition follow each other: order holds on each one's connection.
    passed: isClean({ ...findings, outOfOrder: 0 }) && slowest <= 30 && findings.duplicates <= rounds * windowPerKill,
  }
}

/** The receiver stalls, everything is killed, everything comes back. */
export async function stalledAndKilled(records: number, seed: number): Promise<Report> {
  using directory = temporaryDirectory()
  await using cluster = await startKafkaCluster(1)
  await using source = await startFaultSource(seed)
  await using receiver = await tcpReceiver('octet-counting')
  await using gate = await startGate(receiver.port, 'never-read')
  const log = kafkaLog(cluster)
  await using fleet = new Fleet(directory.path, log, { sources: [source.config], agents: [agentTo(gate.port)] })
  // Spread over time: the API answers with all records of one millisecond at once.
  source.add(records, Date.now() - records * 10 - 60_000)
  await fleet.start('collector', 'formatter', 'syslog-sender')
  while ((await metric(fleet.of('formatter')[0]?.adminUrl, 'siem_relay_messages_formatted_total')) < source.ids.length)
    await sleep(200)
  await fleet.killAll()
  await cluster.kill(0)
  const readWhileStalled = receiver.messages.length
  gate.mode = 'pass'
  await cluster.start(0)
  await fleet.start('collector', 'formatter', 'syslog-sender')
  await received(receiver, source.ids)
  await fleet.stop()
  const findings = await inspect({
    open: log.open,
    tenant: 'contoso',
    agent: 'siem',
    sourceIds: source.ids,
    received: receiver.messages,
  })
  return {
    name: 'Kafka: the receiver stalls, every process and the broker are killed, all start again',
    findings,
    extra: { readWhileStalled },
    passed: isClean(findings),
  }
}

/** A SIEM that never reads beside a healthy one. */
export async function blockedBesideHealthy(records: number, seed: number): Promise<Report> {
  using directory = temporaryDirectory()
  await using cluster = await startKafkaCluster(1)
  await using source = await startFaultSource(seed)
  await using receiver = await tcpReceiver('octet-counting')
  await using gate = await startGate(1, 'never-read')
  const log = kafkaLog(cluster)
  const agents = [agentTo(gate.port, 'blocked', { windowBytesMax: 1_048_576 }), agentTo(receiver.port, 'healthy')]
  await using fleet = new Fleet(directory.path, log, { sources: [source.config], agents })
  await fleet.start('collector', 'formatter', 'syslog-sender')
  const adminUrl = fleet.of('syslog-sender')[0]?.adminUrl
  const lags: number[] = []
  for (let part = 0; part < 10; part++) {
    source.add(records / 10)
    await received(receiver, source.ids)
    // Once everything is confirmed; a checkpoint takes half a second.
    for (let tries = 0; tries < 20 && (await lagOf(adminUrl, 'healthy')) > 0; tries++) await sleep(250)
    lags.push(await lagOf(adminUrl, 'healthy'))
  }
  const blockedLag = await lagOf(adminUrl, 'blocked')
  const resident = await residentBytes(fleet.of('syslog-sender')[0]?.pid ?? 0)
  return {
    name: 'Kafka: a SIEM that never reads beside a healthy one',
    extra: {
      records: source.ids.length,
      healthyLagMax: Math.max(...lags),
      blockedLag,
      senderResidentMB: Math.round(resident / 1_048_576),
    },
    passed: Math.max(...lags) === 0 && blockedLag > 0,
  }
}

/** A hundred tenants with an agent each on one formatter and one sender: what they cost when nothing happens, and that all work. */
export async function hundredTenants(count: number, idleSeconds: number): Promise<Report> {
  using directory = temporaryDirectory()
  await using cluster = await startKafkaCluster(1)
  await using receiver = await tcpReceiver('octet-counting')
  const log = kafkaLog(cluster)
  const tenants = Array.from({ length: count }, (_, n) => `tenant-${n}`)
  const sources = tenants.map((id) => ({
    id,
    type: 'defender-for-cloud-apps',
    url: 'http://127.0.0.1:9',
    auth: { type: 'token', token: 'x' },
  }))
  const agents = tenants.map((tenant) => ({ ...agentTo(receiver.port, `agent-${tenant}`), tenants: [tenant] }))
  await using fleet = new Fleet(directory.path, log, { sources, agents })
  const startedMs = Date.now()
  await fleet.start('formatter', 'syslog-sender')
  const startSeconds = (Date.now() - startedMs) / 1_000
  const ids: string[] = []
  {
    await using bus = await log.open()
    await bus.ensureTopics(tenants.map((tenant) => rawTopic(tenant, 'activities')))
    await using writer = await bus.writer('records')
    const generator = createGenerator(1)
    for (const tenant of tenants) {
      const nowMs = Date.now()
      const records = Array.from({ length: 20 }, () => {
        const record = generator.activity(nowMs, nowMs)
        ids.push(record._id)
        const headers = {
          [rawHeaders.source]: tenant,
          [rawHeaders.tenant]: tenant,
          [rawHeaders.kind]: 'activities',
          [rawHeaders.receivedMs]: String(nowMs),
          [rawHeaders.portalUrl]: 'https://contoso.portal.cloudappsecurity.com',
        }
        const topic = rawTopic(tenant, 'activities').name
        return { topic, key: record._id, value: Buffer.from(JSON.stringify(record)), headers }
      })
      await writer.commit({ records })
    }
  }
  const writtenMs = Date.now()
  await received(receiver, ids)
  const throughSeconds = (Date.now() - writtenMs) / 1_000
  await sleep(5_000)
  const figures: Record<string, string> = {}
  const roles = ['formatter', 'syslog-sender'] as const
  const pids = roles.map((role) => fleet.of(role)[0]?.pid ?? 0)
  const before = await Promise.all(pids.map(cpuSeconds))
  await sleep(idleSeconds * 1_000)
  const after = await Promise.all(pids.map(cpuSeconds))
  for (const [index, role] of roles.entries()) {
    const pid = pids[index] ?? 0
    figures[`${role} MB`] = String(Math.round((await residentBytes(pid)) / 1_048_576))
    figures[`${role} sockets`] = String(socketsOf(pid))
    figures[`${role} idle CPU %`] = ((((after[index] ?? 0) - (before[index] ?? 0)) / idleSeconds) * 100).toFixed(1)
  }
  return {
    name: `Kafka: ${count} tenants with an agent each on one formatter and one sender`,
    extra: { startSeconds, throughSeconds, ...figures },
    passed: new Set(receiver.messages.map(idOf)).size === ids.length,
  }
}

function socketsOf(pid: number): number {
  return readdirSync(`/proc/${pid}/fd`).filter((fd) => {
    try {
      return readlinkSync(`/proc/${pid}/fd/${fd}`).startsWith('socket:')
    } catch {
      return false
    }
  }).length
}

async function metric(adminUrl: string | undefined, name: string, labels = ''): Promise<number> {
  const text = await (await fetch(`${adminUrl}/metrics`)).text()
  const pattern = new RegExp(`^${name}\\{[^}]*${labels}[^}]*\\} (\\d+)`, 'gm')
  return [...text.matchAll(pattern)].reduce((sum, match) => sum + Number(match[1]), 0)
}

const lagOf = (adminUrl: string | undefined, agent: string): Promise<number> =>
  metric(adminUrl, 'siem_relay_consumer_lag_records', `agent="${agent}",stage="sender"`)

async function received(receiver: Receiver, ids: readonly string[]): Promise<void> {
  const missing = new Set(ids)
  let checked = 0
  await receiver.until((messages) => {
    for (; checked < messages.length; checked++) missing.delete(idOf(messages[checked] ?? ''))
    return missing.size === 0
  })
}

async function stored(daemon: Awaited<ReturnType<typeof startRsyslog>>, ids: readonly string[]): Promise<void> {
  for (;;) {
    const all = daemon.stored()
    if (all.length >= ids.length) {
      const missing = new Set(ids)
      for (const { message } of all) missing.delete(idOf(message.replace(/^CEF: ?0\|/, 'CEF:0|').trimEnd()))
      if (missing.size === 0) return
    }
    await sleep(100)
  }
}

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))
