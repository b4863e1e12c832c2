/** Consume-transform-produce: what `process` makes of a batch, its state changes and the input offset are one transaction. */
import { inputBeforeDue, isDue, isEmpty, outputOf, readableUntilMs } from '../held-back.ts'
import type { StageOutput, StageSpec, Worker } from '../port.ts'
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
  const commit = async ({ records, state: changes = [] }: StageOutput, next?: number): Promise<void> => {
    if (changes.length > 0 && scope === undefined) throw new Error(`${group} sets state but has no state topic`)
    await core.committer.commit({
      records,
      ...(next === undefined ? {} : { offset: { group, log, next } }),
      ...(scope === undefined ? {} : { state: { scope, changes } }),
    })
    backoff.succeeded()
    stage.committed?.()
  }
  try {
    while (!signal.aborted && cursor.next < until) {
      const read = cursor.read(spec.batchRecordsMax, spec.batchBytesMax, Math.min(until, log.end))
      if (read === undefined) {
        const waiting = new AbortController()
        const input = log.waitBeyond(cursor.next, AbortSignal.any([signal, waiting.signal]))
        const isInput = await inputBeforeDue(stage, input, core.clock, signal)
        waiting.abort()
        const untilMs = readableUntilMs(core.clock)
        if (isInput || log.end > cursor.next || !isDue(stage, untilMs)) continue
        const output = stage.idle?.(untilMs)
        if (output !== undefined && !isEmpty(output)) await commit(output)
        continue
      }
      const isEnd = read.next >= until
      if (read.kind === 'records') await commit(outputOf(stage, read.records, isEnd), read.next)
      else {
        const { records, state: changes } = outputOf(stage, [], isEnd)
        const report = reportDamage(core, group, log, read)
        await commit({ records: [report, ...records], ...(changes && { state: changes }) }, read.next)
      }
    }
  } finally {
    stage.ended?.()
  }
}
