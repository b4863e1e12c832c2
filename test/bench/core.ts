/** The formatter's core on one thread: parse, normalise, filter, drop repeats, encode, bytes. Beside it JSON.parse alone on the
 *  same bytes, round by round in turn, so that a machine that changes its speed changes both. */
import type { BusRecord } from '@siem-relay/bus'
import { agentSchema, type EventKind, outTopic, rawHeaders, rawKindOf, rawTopic } from '@siem-relay/common'
import { openPartition } from '../../services/formatter/src/partition.ts'
import { benchRecords, meanBytes, median } from './records.ts'

const recordCount = 20_000
const rounds = 9
const batchRecords = 1_000

export async function benchCore(): Promise<void> {
  for (const kind of ['alert', 'activity'] as const) {
    const records = benchRecords(kind, recordCount)
    const batches = batchesOf(kind, records)
    const parse: number[] = []
    const core: number[] = []
    for (let round = 0; round < rounds + 2; round++) {
      const parsed = timed(() => parseAll(records))
      const formatted = timed(() => formatAll(kind, batches))
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

/** The stage the bus drives in production, with its state; the log is left out. */
function formatAll(kind: EventKind, batches: readonly (readonly BusRecord[])[]): void {
  const agent = agentSchema.parse({
    id: 'bench',
    console: true,
    alerts: { filter: { severity: { eq: [0, 1, 2, 3] }, 'entity.service': { neq: [999_999] } } },
    activities: { filter: { service: { neq: [999_999] }, 'activity.eventType': { neq: ['EVENT_CATEGORY_NONE'] } } },
  })
  const stage = openPartition(
    { topic: rawTopic('contoso', rawKindOf[kind]).name, partition: 0, state: new Map() },
    { agent, defaultVersion: '1.0.0', bytesMax: 8_192, nowMs: () => 0, count: () => {} },
  )
  for (const batch of batches) {
    const { records } = stage.process(batch)
    if (records.some((record) => record.topic !== outTopic('bench').name))
      throw new Error('a benchmark record became no message')
    stage.committed?.()
  }
}

function batchesOf(kind: EventKind, records: readonly Buffer[]): readonly (readonly BusRecord[])[] {
  const headers = {
    [rawHeaders.source]: 'contoso',
    [rawHeaders.tenant]: 'contoso',
    [rawHeaders.receivedMs]: '1767225600000',
    [rawHeaders.portalUrl]: 'https://contoso.portal.cloudappsecurity.com',
  }
  const all = records.map(
    (value, offset): BusRecord => ({
      topic: rawTopic('contoso', rawKindOf[kind]).name,
      partition: 0,
      offset,
      key: (JSON.parse(value.toString('utf8')) as { _id: string })._id,
      value,
      headers,
      appendedMs: 1_767_225_600_000,
    }),
  )
  return Array.from({ length: Math.ceil(all.length / batchRecords) }, (_, index) =>
    all.slice(index * batchRecords, (index + 1) * batchRecords),
  )
}
