/** Reading a partition without a group: for preview, replay, tools and tests. Commits nothing, skips what is damaged and tells. */
import type { TopicSpec } from '@siem-relay/common'
import { closedError } from '../closed-error.ts'
import type { BusRecord } from '../port.ts'
import type { Log } from './catalog.ts'
import type { Core } from './core.ts'
import { tellDamage } from './damage.ts'
import { Cursor } from './reader.ts'

const recordsPerStep = 500
const bytesPerStep = 1024 * 1024

/** The end is taken now, not when the first record is asked for. */
export function readPartition(core: Core, topic: TopicSpec, partition: number, from: number): AsyncIterable<BusRecord> {
  core.catalog.ensure([topic])
  const log = core.catalog.log(topic.name, partition)
  return log.isCompacted ? readEntries(core, log, from, log.end) : readRecords(core, log, from, log.end)
}

async function* readRecords(core: Core, log: Log, from: number, until: number): AsyncGenerator<BusRecord> {
  const cursor = new Cursor(core.rows, log, from)
  for (;;) {
    if (core.closing.aborted) throw closedError()
    const read = cursor.read(recordsPerStep, bytesPerStep, until)
    if (read === undefined) return
    if (read.kind === 'damage') tellDamage(core, undefined, log, read)
    else yield* read.records
    // Reading is synchronous: a long way lets others run in between.
    await new Promise((resolve) => setImmediate(resolve))
  }
}

async function* readEntries(core: Core, log: Log, from: number, until: number): AsyncGenerator<BusRecord> {
  const { topicName: topic, partition } = log
  for (let at: number | undefined = from; at !== undefined; ) {
    if (core.closing.aborted) throw closedError()
    const { rows, damaged, next } = core.compacted.entries(log, at, recordsPerStep)
    for (const { key } of damaged) core.emit({ kind: 'value-corrupt', where: topic, key })
    for (const row of rows) if (row.offset < until) yield { topic, partition, ...row }
    at = next
  }
}
