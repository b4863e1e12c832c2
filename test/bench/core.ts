/** The formatter's core on one thread: parse, normalise, filter, drop repeats, encode, bytes. Beside it JSON.parse alone on the
 *  same bytes, round by round in turn, so that a machine that changes its speed changes both. */
import { agentSchema, createPipeline, type EventKind, SeenIds } from '@siem-relay/common'
import { benchRecords, meanBytes, median } from './records.ts'

const recordCount = 20_000
const rounds = 9
const batchRecords = 1_000

export async function benchCore(): Promise<void> {
  for (const kind of ['alert', 'activity'] as const) {
    const records = benchRecords(kind, recordCount)
    const parse: number[] = []
    const core: number[] = []
    for (let round = 0; round < rounds + 2; round++) {
      const parsed = timed(() => parseAll(records))
      const formatted = timed(() => formatAll(kind, records))
      if (round < 2) continue
      parse.push(parsed)
      core.push(formatted)
    }
    const ratios = core.map((time, index) => time / (parse[index] ?? 1))
    const perRecord = (times: readonly number[]): string =>
      `${(median(times) / recordCount).toFixed(2)} µs, ${Math.round((recordCount / median(times)) * 1e6).toLocaleString('en')} records/s`
    process.stdout.write(
      [
        `core, ${kind} of ${meanBytes(records)} bytes on average, median of ${rounds} rounds of ${recordCount.toLocaleString('en')} on one thread`,
        `  JSON.parse alone                          ${perRecord(parse)}`,
        `  parse, normalise, filter, repeats, encode ${perRecord(core)}`,
        `  ratio                                     ${median(ratios).toFixed(2)} (${Math.min(...ratios).toFixed(2)}–${Math.max(...ratios).toFixed(2)})`,
        '',
      ].join('\n'),
    )
  }
}

/** @returns CPU microseconds. */
function timed(work: () => void): number {
  const before = process.cpuUsage()
  work()
  const { user, system } = process.cpuUsage(before)
  return user + system
}

function parseAll(records: readonly Buffer[]): void {
  for (const record of records) JSON.parse(record.toString('utf8'))
}

function formatAll(kind: EventKind, records: readonly Buffer[]): void {
  const agent = agentSchema.parse({
    id: 'bench',
    console: true,
    alerts: { filter: { severity: { eq: [0, 1, 2, 3] }, 'entity.service': { neq: [999_999] } } },
    activities: { filter: { service: { neq: [999_999] }, 'activity.eventType': { neq: ['EVENT_CATEGORY_NONE'] } } },
  })
  const pipeline = createPipeline(agent, { defaultVersion: '1.0.0', bytesMax: 8_192, nowMs: () => 0 })
  const seen = new SeenIds({ prefix: 'ids/', idsMax: 100_000 })
  for (let start = 0; start < records.length; start += batchRecords) {
    const fresh: string[] = []
    const lines: Buffer[] = []
    for (let index = start; index < Math.min(start + batchRecords, records.length); index++) {
      const body = records[index] as Buffer
      const id = `${index}_0b076c20-885b-4a86-aec8-f41ade96ee9a`
      const outcome = pipeline(
        {
          body,
          kind,
          tenant: 'contoso',
          source: 'contoso',
          portalUrl: 'https://contoso.portal.cloudappsecurity.com',
          receivedMs: 0,
        },
        () => seen.has(id),
      )
      if (outcome.outcome !== 'message') throw new Error(`a benchmark record became ${outcome.outcome}`)
      fresh.push(id)
      lines.push(Buffer.from(outcome.line))
    }
    seen.addChunk(fresh, 0)
    seen.commit()
  }
}
