/** What becomes of rows when something goes wrong in the middle of them: what the caller of Microsoft's client is told against what
 *  Azure has, and what the sender acknowledged in its log against the same. A row is lost when it counts as stored and is not. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type AggregateLogsUploadError, LogsIngestionClient } from '@azure/monitor-ingestion'
import { openSqliteBus } from '@siem-relay/bus'
import { type AgentDefinition, outTopic, senderGroup } from '@siem-relay/common'
import { start } from '@siem-relay/sentinel-sender'
import { systemClock } from '@siem-relay/service-kit'
import { testWorld } from '@siem-relay/service-kit/testing'
import { type AzureSimulator, startAzureSimulator } from '@siem-relay/simulator'
import { createTokens } from '../../services/sentinel-sender/src/tokens.ts'
import { temporaryDirectory } from '../support/relay.ts'
import { benchAgent, benchRows, benchRule, fillTopic } from './sentinel-rows.ts'

const rowCount = 20_000
const stream = benchRule.streams.activity

interface Trouble {
  readonly name: string
  brew(azure: AzureSimulator): void
  /** Whether the program is told to stop when Azure has stored some. */
  readonly isStopped?: boolean
}

const troubles: readonly Trouble[] = [
  { name: 'told to stop in the middle', brew: () => undefined, isStopped: true },
  {
    name: 'one 429 without Retry-After',
    brew: ({ faults }) => faults.add({ type: 'throttle' }, { after: 3, times: 1 }),
  },
  {
    name: 'thirty answers 503',
    brew: ({ faults }) => faults.add({ type: 'server-error', status: 503 }, { after: 3, times: 30 }),
  },
  {
    name: 'thirty connections cut',
    brew: ({ faults }) => faults.add({ type: 'reset', at: 'while-reading' }, { after: 3, times: 30 }),
  },
]

interface Outcome {
  readonly toldStored: number
  /** Of those that were not told stored, the caller has these in its hands. */
  readonly givenBack: number
  readonly end: string
}

export async function benchSentinelLoss(): Promise<void> {
  const rows = benchRows('activity', rowCount, Date.now() - 3_600_000)
  const lines = [`${rowCount.toLocaleString('en')} rows to Sentinel while something goes wrong`]
  for (const trouble of troubles)
    for (const [name, deliver] of [['Microsoft’s client', bySdk] as const, ['the sender', bySender] as const]) {
      const stopping = Promise.withResolvers<void>()
      await using azure = await startAzure(() => stopping.resolve())
      trouble.brew(azure)
      const { toldStored, givenBack, end } = await deliver(
        azure,
        rows,
        trouble.isStopped ? stopping.promise : undefined,
      )
      const stored = azure.ids.size
      lines.push(
        [
          `  ${trouble.name.padEnd(28)}${name.padEnd(20)}`,
          `counts as stored ${toldStored.toLocaleString('en').padStart(6)}`,
          `stored ${stored.toLocaleString('en').padStart(6)}`,
          `lost ${Math.max(0, toldStored - stored)
            .toLocaleString('en')
            .padStart(6)}`,
          `given back ${givenBack.toLocaleString('en').padStart(6)}`,
          end,
        ].join('  '),
      )
    }
  process.stdout.write(`${lines.join('\n')}\n\n`)
}

/** @param onSome is called when the first rows are stored. */
function startAzure(onSome: () => void): Promise<AzureSimulator> {
  return startAzureSimulator({
    rules: [{ immutableId: benchRule.ruleId, streams: { [stream]: { columns: 'any', idColumn: 'ExtID' } } }],
    credentials: [benchRule.application],
    rowsMax: 10,
    onStored: onSome,
  })
}

async function bySdk(azure: AzureSimulator, rows: readonly string[], stopped?: Promise<void>): Promise<Outcome> {
  using directory = temporaryDirectory()
  const { sentinel } = agentFor(azure, directory.path)
  if (sentinel === undefined) throw new TypeError('the agent has no sentinel')
  const token = await createTokens(sentinel, { clock: systemClock, env: {} }).get(AbortSignal.timeout(10_000))
  const client = new LogsIngestionClient(
    azure.endpoint,
    { getToken: async () => ({ token, expiresOnTimestamp: Date.now() + 3_600_000 }) },
    { tlsOptions: { ca: azure.caCert } },
  )
  const stopping = new AbortController()
  void stopped?.then(() => stopping.abort())
  const objects = rows.map((row) => JSON.parse(row) as Record<string, unknown>)
  try {
    await client.upload(benchRule.ruleId, stream, objects, { abortSignal: stopping.signal })
    return { toldStored: rowCount, givenBack: 0, end: 'resolved' }
  } catch (error) {
    const { errors } = error as AggregateLogsUploadError
    const givenBack = errors.reduce((sum, { failedLogs }) => sum + failedLogs.length, 0)
    return { toldStored: rowCount - givenBack, givenBack, end: `rejected: ${errors[0]?.cause.name}` }
  }
}

/** Stopped and started again, as a service is; what is not stored waits in the log. */
async function bySender(azure: AzureSimulator, rows: readonly string[], stopped?: Promise<void>): Promise<Outcome> {
  using directory = temporaryDirectory()
  await using bus = await openSqliteBus({ path: join(directory.path, 'log'), clock: systemClock, freeBytesMin: 0 })
  await fillTopic(bus, 'bench', 'activity', rows)
  const agents = [agentFor(azure, directory.path)]
  const world = { ...testWorld({ bus }), clock: systemClock, random: Math.random }
  const lag = async (): Promise<number> =>
    (await bus.positions.of(senderGroup('bench'), [outTopic('bench')])).reduce((sum, one) => sum + one.lag, 0)
  let end = 'all stored'
  if (stopped !== undefined) {
    await using senders = await start({ agents }, world)
    await stopped
    await senders.stop(0)
    end = `stopped with ${(await lag()).toLocaleString('en')} in the log, started again, all stored`
  }
  await using _senders = await start({ agents }, world)
  while ((await lag()) > 0) await systemClock.sleep(50)
  return { toldStored: rowCount, givenBack: 0, end }
}

function agentFor({ endpoint, caCert }: AzureSimulator, directory: string): AgentDefinition {
  const [caFile, clientSecretFile] = [join(directory, 'ca.pem'), join(directory, 'secret')]
  const { tenantId, clientId, clientSecret } = benchRule.application
  writeFileSync(caFile, caCert)
  writeFileSync(clientSecretFile, clientSecret)
  const auth = { type: 'client-secret', tenantId, clientId, clientSecretFile }
  return benchAgent('bench', { endpoint, authorityHost: endpoint, caFile, auth })
}
