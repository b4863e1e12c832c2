/** `npm run bench portal`: the portal over a thousand agents and a million discovery rows, in a process of its own on the embedded log: the
 *  slowest of some answers of the API for each page, and the memory of the process. */
import { mkdtempSync, rmSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { agentStatusTopic, agentsTopic, encodeStoredAgent, outTopic, rawTopic } from '@siem-relay/common'
import { type PortalClient, setUpPortal } from '../../services/portal/src/testing/browser.ts'
import { embeddedLog } from '../faults/ledger.ts'
import { type RelayProcess, residentBytes, startRelayProcess } from '../support/process.ts'
import { discoveryRow } from './views.ts'

const agents = 1_000
const rows = 1_000_000
const batchRows = 10_000
const asked = 5
/** As an open page does, only more often. */
const lookEveryMs = 1_000

/** What each page asks for. */
const pages: Readonly<Record<string, readonly (readonly [method: string, path: string, body?: object])[]>> = {
  'SIEM agents': [['GET', '/agents']],
  'edit an agent': [
    ['GET', '/agents/agent-0500'],
    ['POST', '/agents/check', { definition: definitionAt(500) }],
    ['GET', '/filter-reference'],
  ],
  preview: [['POST', '/preview', { definition: { ...definitionAt(500), discovery: { enabled: true } }, limit: 50 }]],
  sources: [
    ['GET', '/sources'],
    ['GET', '/lag?agent=agent-0500'],
    ['GET', '/lag'],
  ],
  replay: [['GET', '/replays']],
  'dead letters': [['GET', '/dead-letters']],
  duplicates: [['GET', '/duplicates']],
  'discovery, 30 days': discoveryOf(30),
  'discovery, 90 days': discoveryOf(90),
  admins: [['GET', '/accounts']],
  'audit log': [['GET', '/audit']],
}

export async function benchPortal(): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'siem-relay-portal-'))
  try {
    await fill(join(directory, 'log'))
    const relay = await startRelayProcess(
      directory,
      {
        sources: [
          {
            id: 'contoso',
            type: 'defender-for-cloud-apps',
            url: 'http://127.0.0.1:9',
            auth: { type: 'token', token: 'f'.repeat(64) },
          },
        ],
      },
      {},
      ['portal'],
    )
    try {
      await measure(relay)
    } finally {
      await relay.kill('SIGTERM')
    }
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}

/** Agents with a sender that tells of them and a message that waits, and discovery rows of 90 days. */
async function fill(path: string): Promise<void> {
  await using bus = await embeddedLog(path)()
  const raw = rawTopic('contoso', 'discovery')
  const ids = Array.from({ length: agents }, (_, index) => idAt(index))
  await bus.ensureTopics([agentsTopic, agentStatusTopic, raw, ...ids.map((id) => outTopic(id))])
  await using writer = await bus.writer('bench/portal')
  const nowMs = Date.now()
  await writer.commit({
    records: ids.flatMap((id, index) => [
      { topic: agentsTopic.name, key: id, headers: {}, value: storedAt(index, nowMs) },
      { topic: agentStatusTopic.name, key: `${id}/bench`, headers: {}, value: statusAt(index, nowMs) },
      { topic: outTopic(id).name, key: 'waits', headers: {}, value: Buffer.from('CEF:0|MCAS|SIEM_Agent|1|A|a|0|') },
    ]),
  })
  for (let from = 0; from < rows; from += batchRows) {
    const records = Array.from({ length: batchRows }, (_, index) => ({
      topic: raw.name,
      key: `row-${from + index}`,
      headers: {},
      value: Buffer.from(JSON.stringify(discoveryRow((from + index) / rows, nowMs))),
    }))
    await writer.commit({ records })
  }
}

async function measure(relay: RelayProcess): Promise<void> {
  const link = relay.log.map((line) => /^\s+(http\S+)\/setup#\S+$/.exec(line)).find((found) => found !== null)
  if (link === undefined || link === null) throw new Error(`no set-up link: ${relay.log.join('\n')}`)
  const client = await setUpPortal({ url: link[1] ?? '', setUpLink: link[0].trim() })
  console.log(`portal: ${agents} agents, ${rows} discovery rows; the slowest of ${asked} answers`)
  const atMs = performance.now()
  console.log(`  memory after the start: ${await memoryOf(relay)}`)
  const { body } = await client.call('GET', '/agents')
  if (body.agents.length !== agents) throw new Error(`the table has ${body.agents.length} agents`)
  let slowestMs = 0
  while ((await readRows(relay)) < rows) {
    // The table everybody looks at has to answer meanwhile.
    slowestMs = Math.max(slowestMs, await msOf(client, ['GET', '/agents']))
    await setTimeout(lookEveryMs)
  }
  const seconds = ((performance.now() - atMs) / 1_000).toFixed(1)
  console.log(`  read into the views in ${seconds} s; SIEM agents meanwhile: ${slowestMs.toFixed(0)} ms`)
  console.log(`  memory then: ${await memoryOf(relay)}`)
  for (const [page, calls] of Object.entries(pages)) {
    const told: string[] = []
    for (const call of calls) {
      let worst = 0
      for (let time = 0; time < asked; time++) worst = Math.max(worst, await msOf(client, call))
      told.push(`${call[1].split('?')[0]} ${worst.toFixed(0)} ms`)
    }
    console.log(`  ${page}: ${told.join(', ')}`)
  }
  console.log(`  memory at the end: ${await memoryOf(relay)}`)
}

/** Resident now and at most; of that the heap of the main thread. */
async function memoryOf({ pid, adminUrl }: RelayProcess): Promise<string> {
  const peakKb = /^VmHWM:\s+(\d+) kB/m.exec(await readFile(`/proc/${pid}/status`, 'utf8'))?.[1]
  const metrics = await (await fetch(`${adminUrl}/metrics`)).text()
  const heap = Number(/^nodejs_heap_size_total_bytes (\S+)/m.exec(metrics)?.[1])
  return `${mb(await residentBytes(pid))} MB, at most ${mb(Number(peakKb) * 1_024)} MB; heap ${mb(heap)} MB`
}

/** @throws for any answer but a good one: a refusal would be quick. */
async function msOf(client: PortalClient, [method, path, body]: readonly [string, string, object?]): Promise<number> {
  const atMs = performance.now()
  const { status, body: said } = await client.call(method, path, body)
  if (status !== 200) throw new Error(`${method} ${path} answered ${status}: ${JSON.stringify(said)}`)
  return performance.now() - atMs
}

async function readRows({ adminUrl }: RelayProcess): Promise<number> {
  const text = await (await fetch(`${adminUrl}/metrics`)).text()
  const counts = text.matchAll(/^siem_relay_portal_view_records_total\{view="discovery"[^}]*\} (\d+)/gm)
  return [...counts].reduce((sum, [, count]) => sum + Number(count), 0)
}

function discoveryOf(days: number): readonly (readonly [string, string])[] {
  const fromMs = Date.now() - days * 86_400_000
  const paths = ['summary', 'usage', 'apps', 'users', 'ip-addresses', 'users?search=r77', 'apps?user=user7@contoso.com']
  return paths.map((path) => ['GET', `/discovery/${path}${path.includes('?') ? '&' : '?'}fromMs=${fromMs}`])
}

function idAt(index: number): string {
  return `agent-${String(index).padStart(4, '0')}`
}

function definitionAt(index: number): Record<string, unknown> {
  return {
    id: idAt(index),
    name: `Tenant ${index}`,
    syslog: { host: '10.0.0.5', port: 6514, protocol: 'tls' },
    alerts: { enabled: true, filter: { severity: { eq: [1, 2] } } },
  }
}

function storedAt(index: number, nowMs: number): Buffer {
  return encodeStoredAgent({
    version: 1,
    revision: 1,
    definition: definitionAt(index),
    createdBy: 'ada',
    createdMs: nowMs,
    updatedBy: 'ada',
    updatedMs: nowMs,
  })
}

function statusAt(index: number, nowMs: number): Buffer {
  const isDown = index % 3 === 0
  return Buffer.from(
    JSON.stringify({
      agent: idAt(index),
      instance: 'bench',
      state: isDown ? 'disconnected' : 'connected',
      sinceMs: nowMs - 4 * 3_600_000,
      lastConnectedMs: nowMs - (isDown ? 4 * 3_600_000 : 0),
      heartbeatMs: nowMs,
      target: '10.0.0.5:6514',
      host: 'relay-1',
      ...(isDown && {
        lastError: { code: 'RELAY_RECEIVER_REFUSED', message: 'refused', nextMove: 'Start it.', atMs: nowMs },
      }),
    }),
  )
}

function mb(bytes: number): number {
  return Math.round(bytes / 1e6)
}
