/** Consume-transform-produce: what `process` makes of a batch, its state changes and the input offset are one transaction. */
import type { StageSpec, Worker } from '../port.ts'
import { type Core, restoreState } from './core.ts'
import { reportDamage } from './damage.ts'
import { Cursor } from './reader.ts'
import { type Backoff, type Reach, startWorker } from './worker.ts'

export function startStage(core: Core, spec: StageSpec): Worker {
  const { group, stateTopic } = spec
  if (stateTopic !== undefined) core.catalog.ensure([stateTopic])
  return startWorker(core, {
    group,
    topics: spec.inputs,
    startAtMs: spec.startAtMs,
    stretches: spec.stretches,
    onError: spec.onError === undefined ? undefined : (error) => spec.onError?.(error),
    live: (reach, signal, backoff) => live(core, spec, reach, signal, backoff),
  })
}

async function live(
  core: Core,
  spec: StageSpec,
  { log, from, until }: Reach,
  signal: AbortSignal,
  backoff: Backoff,
): Promise<void> {
  const { group } = spec
  const stateName = `${spec.stateTopic?.name} group ${group} input ${log.topicName}/${log.partition}`
  const scope = spec.stateTopic === undefined ? undefined : core.compacted.scope(stateName)
  const state = scope === undefined ? new Map() : restoreState(core, scope, stateName)
  const stage = spec.open({ topic: log.topicName, partition: log.partition, state })
  const cursor = new Cursor(core.rows, log, from)
  while (!signal.aborted && cursor.next < until) {
    const read = cursor.read(spec.batchRecordsMax, spec.batchBytesMax, Math.min(until, log.end))
    if (read === undefined) {
      await log.waitBeyond(cursor.next, signal)
      continue
    }
    const offset = { group, log, next: read.next }
    if (read.kind === 'damage') {
      await core.committer.commit({ records: [reportDamage(core, group, log, read)], offset })
      continue
    }
    const { records, state: changes = [] } = stage.process(read.records)
    if (changes.length > 0 && scope === undefined) throw new Error(`${group} sets state but has no state topic`)
    await core.committer.commit({ records, offset, ...(scope === undefined ? {} : { state: { scope, changes } }) })
    backoff.succeeded()
    stage.committed?.()
  }
}
