/** Sample rows for the portal's wizards (New custom log, New data collection rule): a JSON array for each stream, from which the wizard
 *  takes columns and types. The first row has every column of the declared schema, the others are as the formatter makes them. */
import {
  agentSchema,
  createPipeline,
  type EventKind,
  type SentinelTable,
  type SentinelType,
  sentinelTables,
} from '@siem-relay/common'
import { createGenerator } from '@siem-relay/simulator'
import { version } from '../../version.ts'

const rowsPerFile = 10
const stepMs = 60_000

/** One value of each type that a wizard takes for that type: a whole number is a long to it, unless it is cut down by hand. */
const examples: Readonly<Record<SentinelType, unknown>> = {
  string: 'example',
  int: 1,
  long: 1,
  real: 0.5,
  boolean: true,
  datetime: '2026-01-01T00:00:00.000Z',
  dynamic: ['example'],
}

/** @param startMs when the first row happened; the same rows for the same time. */
export function sampleRows(kind: EventKind, startMs: number): readonly Readonly<Record<string, unknown>>[] {
  const generator = createGenerator(1)
  const pipeline = createPipeline(agent, { defaultVersion: version, bytesMax: 65_536, nowMs: () => startMs })
  const rows: Record<string, unknown>[] = []
  for (let index = 0; rows.length < rowsPerFile; index++) {
    const timeMs = startMs + index * stepMs
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
    if (outcome.outcome === 'message') rows.push(JSON.parse(outcome.line) as Record<string, unknown>)
  }
  const { columns }: SentinelTable = sentinelTables[kind]
  const [first, ...others] = rows
  const whole = Object.entries(columns).map(([name, { type }]) => [name, first?.[name] ?? examples[type]])
  return [Object.fromEntries(whole), ...others]
}

const agent = agentSchema.parse({
  id: 'samples',
  activities: { enabled: true },
  // Rows are made as for any agent with a workspace; nothing goes there.
  sentinel: {
    endpoint: 'https://samples.westeurope-1.ingest.monitor.azure.com',
    ruleId: `dcr-${'0'.repeat(32)}`,
    auth: { type: 'managed-identity' },
  },
})
