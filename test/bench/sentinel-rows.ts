/** Rows of a Sentinel table as a formatter makes them, the same on every run. */
import { readFileSync } from 'node:fs'
import type { Bus } from '@siem-relay/bus'
import { agentSchema, createPipeline, type EventKind, outHeaders, outTopic, rowSchemas } from '@siem-relay/common'
import { createGenerator } from '@siem-relay/simulator'

export type RowKind = Extract<EventKind, 'activity' | 'discovery'>

/** What both clients deliver to: a stream each, and one application. */
export const benchRule = {
  ruleId: `dcr-${'0123456789abcdef'.repeat(2)}`,
  streams: { activity: 'Custom-McasActivities', discovery: 'Custom-McasDiscovery' },
  application: { tenantId: 'contoso', clientId: 'bench', clientSecret: 'bench' },
} as const

/** @param agent id of an agent, which the rows name nowhere. */
export function benchAgent(id: string, sentinel: object) {
  const { tenantId, clientId } = benchRule.application
  return agentSchema.parse({
    id,
    activities: { enabled: true },
    sentinel: {
      allowAnyEndpoint: true,
      endpoint: 'https://127.0.0.1',
      ruleId: benchRule.ruleId,
      auth: { type: 'client-secret', tenantId, clientId, clientSecretFile: '/nowhere' },
      ...sentinel,
    },
  })
}

/** A millisecond apart. */
export function benchRows(kind: RowKind, count: number, startMs: number): readonly string[] {
  const generator = createGenerator(7)
  const pipeline = createPipeline(benchAgent('bench', {}), {
    defaultVersion: '1.0.0',
    bytesMax: 65_536,
    nowMs: () => startMs,
  })
  return Array.from({ length: count }, (_, index) => {
    const timeMs = startMs + index
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
    if (outcome.outcome !== 'message') throw new Error('a benchmark record became no row')
    // As any client would write them again: a formatter escapes more than JSON asks for, which would show in the sizes.
    return JSON.stringify(JSON.parse(outcome.line))
  })
}

/** The rows that another process wrote into a file, one a line. */
export function readRows(file: string): readonly string[] {
  return readFileSync(file, 'utf8').split('\n')
}

/** Puts rows into an agent's topic, as a formatter does. */
export async function fillTopic(bus: Bus, agent: string, kind: RowKind, rows: readonly string[]): Promise<void> {
  const topic = outTopic(agent)
  await bus.ensureTopics([topic])
  await using writer = await bus.writer('formatter/bench')
  const headers = {
    [outHeaders.eventTimeMs]: String(Date.now()),
    [outHeaders.kind]: kind,
    [outHeaders.rowSchema]: rowSchemas[kind],
  }
  for (let from = 0; from < rows.length; from += 5_000) {
    const records = rows.slice(from, from + 5_000).map((row, index) => ({
      topic: topic.name,
      key: `r${from + index}`,
      value: Buffer.from(row),
      headers,
    }))
    await writer.commit({ records })
  }
}

/** What the bodies of these rows have in bytes before compression, however they are packed, less one byte for each request:
 *  every row has a comma or a bracket behind it, every request one bracket more. */
export function rawSum(rows: readonly string[]): number {
  return rows.reduce((sum, row) => sum + Buffer.byteLength(row) + 1, 0)
}
