/** Rows for Microsoft Sentinel through a storm of every fault Azure has, and kill -9 of the relay at random points: each row is stored, the
 *  rows Azure refuses are in the dead letters, and nothing else is. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import {
  agentSchema,
  createPipeline,
  deadLettersTopic,
  type EventKind,
  outTopic,
  senderGroup,
  sentinelTables,
  windowBytesMaxOf,
} from '@siem-relay/common'
import { seededRandom } from '@siem-relay/service-kit/testing'
import { type AzureSimulator, createGenerator, startAzureSimulator } from '@siem-relay/simulator'
import { startRelayProcess } from '../support/process.ts'
import { temporaryDirectory } from '../support/relay.ts'
import { embeddedLog } from './ledger.ts'
import type { Report } from './report.ts'

const ruleId = `dcr-${'0123456789abcdef'.repeat(2)}`
const application = { tenantId: 'contoso', clientId: 'relay', clientSecret: 'fault run' }
const streams = {
  alert: 'Custom-McasAlerts',
  activity: 'Custom-McasActivities',
  discovery: 'Custom-McasDiscovery',
} as const satisfies Record<EventKind, string>
const kinds: readonly EventKind[] = ['discovery', 'activity', 'discovery', 'alert']
const commitRows = 10_000
/** One row in so many is one that Azure refuses. */
const poisonEvery = 50_000
const aliveMs = { min: 3_000, max: 9_000 }

export async function sentinelStorm(rows: number, kills: number, seed: number): Promise<Report> {
  using directory = temporaryDirectory()
  await using azure = await startAzure()
  const { config, agent } = configOf(azure, directory.path)
  const log = embeddedLog(join(directory.path, 'log'))
  const { ids, poison, rowBytes } = await putRows(log, agent, rows)
  brew(azure, poison)
  const random = seededRandom(seed)
  for (let kill = 0; kill < kills; kill++) {
    const relay = await startRelayProcess(directory.path, config)
    await new Promise((resolve) => setTimeout(resolve, aliveMs.min + random() * (aliveMs.max - aliveMs.min)))
    await relay.kill('SIGKILL')
  }
  const relay = await startRelayProcess(directory.path, config)
  await untilStored(azure, ids.size - poison.size)
  const code = await relay.kill('SIGTERM')

  await using bus = await log()
  const letters = new Set<string>()
  for (let partition = 0; partition < deadLettersTopic.partitions; partition++)
    for await (const { key } of bus.read(deadLettersTopic, partition, 0)) letters.add(key)
  const lag = (await bus.positions.of(senderGroup('sentinel'), [outTopic('sentinel')])).reduce(
    (sum, one) => sum + one.lag,
    0,
  )
  const missing = [...ids].filter((id) => !azure.ids.has(id) && !poison.has(id)).length
  const strangers = [...letters].filter((id) => !poison.has(id)).length
  const duplicates = [...azure.ids.values()].reduce((sum, count) => sum + count - 1, 0)
  const { totals } = azure
  const windowRows = Math.ceil(windowBytesMaxOf({ packing: 'raw' }) / rowBytes)
  return {
    name: `${rows} rows to Microsoft Sentinel through a storm of faults and ${kills} kill -9`,
    extra: {
      missing,
      duplicates,
      duplicatesPerKill: kills === 0 ? 0 : Math.round(Math.max(0, duplicates - totals.storedUnanswered) / kills),
      windowPerKill: windowRows,
      storedWithoutAnswer: totals.storedUnanswered,
      poison: `${letters.size - strangers} of ${poison.size} in dead letters`,
      otherDeadLetters: strangers,
      columnsLost: azure.columnLosses.length,
      rowsLost: totals.lost,
      requests: totals.uploads,
      largestRequest: totals.wireBytesMax,
      statuses: JSON.stringify(totals.statuses),
      lag,
      exitCodeAtTheEnd: code,
    },
    passed:
      missing === 0 &&
      strangers === 0 &&
      letters.size === poison.size &&
      azure.columnLosses.length === 0 &&
      totals.lost === 0 &&
      totals.wireBytesMax <= 1_048_576 &&
      lag === 0 &&
      // What was stored and not answered for comes twice, and what was in the window of one that was killed.
      duplicates <= totals.storedUnanswered + kills * windowRows &&
      code === 0,
  }
}

function startAzure(): Promise<AzureSimulator> {
  return startAzureSimulator({
    keep: 'ids',
    tokenSeconds: 60,
    credentials: [application],
    rules: [
      {
        immutableId: ruleId,
        streams: Object.fromEntries(
          Object.entries(sentinelTables).map(([kind, { columns, idColumn }]) => [
            streams[kind as EventKind],
            { columns: Object.entries(columns).map(([name, { type }]) => ({ name, type })), idColumn },
          ]),
        ),
      },
    ],
  })
}

function configOf({ endpoint, authorityHost, caCert }: AzureSimulator, directory: string) {
  const caFile = join(directory, 'ca.pem')
  const clientSecretFile = join(directory, 'secret')
  writeFileSync(caFile, caCert)
  writeFileSync(clientSecretFile, application.clientSecret)
  const { tenantId, clientId } = application
  const auth = { type: 'client-secret', tenantId, clientId, clientSecretFile }
  const sentinel = { endpoint, authorityHost, allowAnyEndpoint: true, ruleId, caFile, auth, timeoutMs: 10_000 }
  const agent = { id: 'sentinel', activities: { enabled: true }, sentinel }
  return { config: { sources: [], agents: [agent] }, agent: agentSchema.parse(agent) }
}

/** Writes rows as a formatter would. */
async function putRows(log: ReturnType<typeof embeddedLog>, agent: ReturnType<typeof agentSchema.parse>, rows: number) {
  const generator = createGenerator(1)
  const pipeline = createPipeline(agent, { defaultVersion: '1.0.0', bytesMax: 999_998, nowMs: () => 0 })
  const ids = new Set<string>()
  const poison = new Set<string>()
  let bytes = 0
  await using bus = await log()
  await bus.ensureTopics([outTopic('sentinel')])
  await using writer = await bus.writer('fault-run')
  const startMs = Date.now() - 3_600_000
  for (let from = 0; from < rows; from += commitRows) {
    const records = Array.from({ length: Math.min(commitRows, rows - from) }, (_, index) => {
      const number = from + index
      const kind = kinds[number % kinds.length] ?? 'discovery'
      const body = Buffer.from(JSON.stringify(generator[kind](startMs + number)))
      const outcome = pipeline(
        { body, kind, tenant: 'contoso', source: 'contoso', portalUrl: '', receivedMs: startMs },
        () => false,
      )
      if (outcome.outcome !== 'message') throw new Error('a generated record became no row')
      const id = String((JSON.parse(outcome.line) as Record<string, unknown>)[sentinelTables[kind].idColumn])
      ids.add(id)
      bytes += outcome.line.length
      if (number % poisonEvery === poisonEvery / 2) poison.add(id)
      const headers = { 'event-time-ms': String(outcome.eventTimeMs), severity: '0', kind, source: 'contoso' }
      return { topic: outTopic('sentinel').name, key: id, value: Buffer.from(outcome.line), headers }
    })
    await writer.commit({ records })
  }
  return { ids, poison, rowBytes: bytes / rows }
}

function brew({ faults }: AzureSimulator, poison: ReadonlySet<string>): void {
  faults.add({ type: 'poison', row: ({ RecordId, ExtID }) => poison.has(String(RecordId ?? ExtID)) })
  faults.add({ type: 'reset', at: 'after-storing' }, { share: 0.01 })
  faults.add({ type: 'reset', at: 'before-reading' }, { share: 0.01 })
  faults.add({ type: 'reset', at: 'while-reading' }, { share: 0.01 })
  faults.add({ type: 'hang', at: 'after-storing' }, { share: 0.001 })
  faults.add({ type: 'throttle' }, { share: 0.005 })
  faults.add({ type: 'throttle', retryAfterSeconds: 1 }, { share: 0.01 })
  faults.add({ type: 'server-error' }, { share: 0.01 })
  faults.add({ type: 'server-error', status: 503, retryAfterSeconds: 1 }, { share: 0.01 })
  faults.add({ type: 'too-large' }, { share: 0.01 })
  faults.add({ type: 'token-expired' }, { share: 0.005 })
  faults.add({ type: 'proxy-page', status: 200 }, { share: 0.005 })
  faults.add({ type: 'slow-response', everyMs: 1 }, { share: 0.005 })
}

/** Looks every second; after five minutes without a new row it is for the report to say what is missing. */
async function untilStored({ ids }: AzureSimulator, wanted: number): Promise<void> {
  let before = -1
  for (let idle = 0; ids.size < wanted && idle < 300; idle++) {
    if (ids.size > before) idle = 0
    before = ids.size
    await new Promise((resolve) => setTimeout(resolve, 1_000))
  }
}
