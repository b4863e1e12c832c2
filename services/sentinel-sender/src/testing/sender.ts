/** A sender on an embedded log, delivering to a simulated Azure, in a time that runs faster than the wall's. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Bus, openSqliteBus } from '@siem-relay/bus'
import {
  type AgentDefinition,
  agentSchema,
  type Clock,
  createPipeline,
  deadLettersTopic,
  type EventKind,
  letterHeaders,
  outTopic,
  senderGroup,
  sentinelTables,
} from '@siem-relay/common'
import type { RunningSenders } from '@siem-relay/delivery'
import { systemClock, type World } from '@siem-relay/service-kit'
import { metricSum, testWorld } from '@siem-relay/service-kit/testing'
import {
  type AzureSimulator,
  type AzureSimulatorOptions,
  createGenerator,
  startAzureSimulator,
} from '@siem-relay/simulator'
import { vi } from 'vitest'
import type { z } from 'zod'
import { start } from '../start.ts'

type AgentInput = z.input<typeof agentSchema>
type SentinelInput = NonNullable<AgentInput['sentinel']>

const ruleId = `dcr-${'0123456789abcdef'.repeat(2)}`
const application = { tenantId: 'contoso.onmicrosoft.com', clientId: 'relay', clientSecret: 'a secret' }
const streams = { alert: 'Custom-McasAlerts', activity: 'Custom-McasActivities', discovery: 'Custom-McasDiscovery' }

/** A clock that runs so many times as fast. */
function fastClock(factor: number): Clock {
  const startedMs = systemClock.monotonicMs()
  const beganMs = systemClock.nowMs()
  const elapsedMs = (): number => (systemClock.monotonicMs() - startedMs) * factor
  return {
    nowMs: () => Math.floor(beganMs + elapsedMs()),
    monotonicMs: elapsedMs,
    sleep: (ms, signal) => systemClock.sleep(ms / factor, signal),
    after: (ms, callback) => systemClock.after(ms / factor, callback),
  }
}

interface Letter {
  readonly key: string
  readonly code: string
  readonly reason: string
}

export interface AzureUnderTest extends AsyncDisposable {
  readonly azure: AzureSimulator
  readonly bus: Bus
  readonly world: World
  readonly clock: Clock
  readonly secretFile: string
  readonly logged: () => string
  /** Puts formatted rows into the agent's topic: generated records, or these texts as they are. */
  readonly put: (kind: EventKind, rows: number | readonly string[]) => Promise<readonly string[]>
  /** The agent, with other settings. */
  readonly agent: (changes?: Partial<SentinelInput>) => AgentDefinition
  /** Starts a sender; it is stopped at the end, if not before. */
  readonly send: (changes?: Partial<SentinelInput>) => Promise<RunningSenders>
  readonly letters: () => Promise<readonly Letter[]>
  /** Records the agent's group has not passed. */
  readonly lag: () => Promise<number>
  readonly metric: (name: string, labels?: Readonly<Record<string, string>>) => Promise<number>
}

export async function startAzure(
  options: Partial<AzureSimulatorOptions> & { readonly speed?: number } = {},
): Promise<AzureUnderTest> {
  await using stack = new AsyncDisposableStack()
  const directory = mkdtempSync(join(tmpdir(), 'siem-relay-sentinel-'))
  stack.defer(() => rmSync(directory, { recursive: true, force: true }))
  const clock = fastClock(options.speed ?? 100)
  const azure = stack.use(
    await startAzureSimulator({ rules: [rule()], credentials: [application], nowMs: () => clock.nowMs(), ...options }),
  )
  const caFile = join(directory, 'ca.pem')
  const secretFile = join(directory, 'secret')
  writeFileSync(caFile, azure.caCert)
  writeFileSync(secretFile, `${application.clientSecret}\n`)
  const bus = stack.use(await openSqliteBus({ path: join(directory, 'data'), clock: systemClock, freeBytesMin: 0 }))
  const topic = outTopic('sentinel')
  await bus.ensureTopics([topic, deadLettersTopic])
  const base = testWorld({ bus })
  const world: World = { ...base, clock, random: Math.random }
  const agentOf = (changes: Partial<SentinelInput> = {}) =>
    agentSchema.parse({
      id: 'sentinel',
      activities: { enabled: true },
      sentinel: {
        endpoint: azure.endpoint,
        authorityHost: azure.authorityHost,
        allowAnyEndpoint: true,
        ruleId,
        caFile,
        auth: {
          type: 'client-secret',
          tenantId: application.tenantId,
          clientId: 'relay',
          clientSecretFile: secretFile,
        },
        ...changes,
      },
    })
  const rowsOf = createRows(agentOf())
  let chunks = 0
  const closing = stack.move()
  return {
    azure,
    bus,
    world,
    clock,
    secretFile,
    logged: () => JSON.stringify(base.entries),
    put: async (kind, rows) => {
      const records = rowsOf(kind, rows)
      await using writer = await bus.writer('formatter/test')
      for (let from = 0; from < records.length; from += 5_000)
        await writer.commit({
          records: records.slice(from, from + 5_000).map(({ row, key }) => ({
            topic: topic.name,
            key: key ?? `k${chunks++}`,
            value: Buffer.from(row),
            headers: { 'event-time-ms': String(clock.nowMs()), severity: '0', kind, source: 'contoso' },
          })),
        })
      return records.flatMap(({ key }) => key ?? [])
    },
    agent: agentOf,
    send: async (changes) => closing.use(await start({ agents: [agentOf(changes)] }, world, { version: '1.0.0' })),
    letters: () => lettersOf(bus),
    lag: async () => (await bus.positions.of(senderGroup('sentinel'), [topic])).reduce((sum, { lag }) => sum + lag, 0),
    metric: (name, labels = {}) => metricSum(world.metrics, name, labels),
    [Symbol.asyncDispose]: () => closing.disposeAsync(),
  }
}

/** The rule that the declared schema asks for. */
function rule(): AzureSimulatorOptions['rules'][number] {
  const kinds = Object.keys(streams) as EventKind[]
  return {
    immutableId: ruleId,
    streams: Object.fromEntries(
      kinds.map((kind) => {
        const { columns, idColumn } = sentinelTables[kind]
        return [
          streams[kind],
          { columns: Object.entries(columns).map(([name, { type }]) => ({ name, type })), idColumn },
        ]
      }),
    ),
  }
}

interface Row {
  readonly row: string
  /** The row's own id, where it was generated. */
  readonly key: string | undefined
}

/** Rows as a formatter makes them; generated ones have ids of their own. */
function createRows(agent: ReturnType<typeof agentSchema.parse>) {
  const generator = createGenerator(5)
  const pipeline = createPipeline(agent, { defaultVersion: '1.0.0', bytesMax: 999_998, nowMs: () => 0 })
  let count = 0
  return (kind: EventKind, rows: number | readonly string[]): readonly Row[] => {
    if (typeof rows !== 'number') return rows.map((row) => ({ row, key: undefined }))
    return Array.from({ length: rows }, () => {
      const timeMs = Date.now() - 3_600_000 + count++
      const outcome = pipeline(
        {
          body: Buffer.from(JSON.stringify(generator[kind](timeMs))),
          kind,
          tenant: 'contoso',
          source: 'contoso',
          portalUrl: 'https://contoso.portal.cloudappsecurity.com',
          receivedMs: timeMs,
        },
        () => false,
      )
      if (outcome.outcome !== 'message') throw new Error('a generated record became no row')
      const key = (JSON.parse(outcome.line) as Record<string, unknown>)[sentinelTables[kind].idColumn]
      return { row: outcome.line, key: String(key) }
    })
  }
}

async function lettersOf(bus: Bus): Promise<readonly Letter[]> {
  const letters: Letter[] = []
  for (let partition = 0; partition < deadLettersTopic.partitions; partition++)
    for await (const { key, headers } of bus.read(deadLettersTopic, partition, 0))
      letters.push({ key, code: headers[letterHeaders.code] ?? '', reason: headers[letterHeaders.reason] ?? '' })
  return letters
}

/** Polls an assertion; the last failure is thrown. */
export function eventually(check: () => void | Promise<void>, timeoutMs = 30_000): Promise<void> {
  return vi.waitFor(check, { timeout: timeoutMs, interval: 10 })
}
