/** Consume-transform-produce on Kafka: outputs, state changes and the input offset of a batch are one transaction. */
import type { StageSpec, State, Worker } from '../port.ts'
import { byPartition, type Core } from './core.ts'
import { PartitionReader } from './reader.ts'
import { restoreState, type StatePlace, statePlace, stateRecords } from './state.ts'
import { type Held, startWorker } from './worker.ts'

export function startStage(core: Core, spec: StageSpec): Worker {
  return startWorker(core, {
    group: spec.group,
    topics: spec.inputs,
    startAtMs: spec.startAtMs,
    stretches: spec.stretches,
    onError: (error) => spec.onError?.(error),
    live: (held) => live(core, spec, held),
  })
}

async function live(core: Core, spec: StageSpec, held: Held): Promise<void> {
  const { topic, fullTopic, partition, group, owner, from, until, signal } = held
  const place =
    spec.stateTopic === undefined
      ? undefined
      : await statePlace(core, spec.stateTopic, partition, `${spec.group}|${topic}|${partition}`)
  const state: State = place === undefined ? new Map() : await restoreState(core, place, signal)
  const stage = spec.open({ topic, partition, state })
  const reader = new PartitionReader({ fetcher: core.fetcher, topic: fullTopic, name: topic, partition, from, until })
  const offsets = (next: number) => ({ group, next: [{ topic: fullTopic, partition, next }] })
  let committed = from
  while (!signal.aborted) {
    if (reader.isExhausted) {
      if (committed !== reader.next) await owner.transact({ records: [], offsets: offsets(reader.next) })
      committed = reader.next
      return aborted(signal)
    }
    const { records, next } = await reader.read(spec.batchRecordsMax, spec.batchBytesMax, signal)
    // Offsets without records are passed with the next commit.
    if (records.length === 0) continue
    const output = stage.process(records)
    reader.prefetch(signal)
    const changes = [...(await byPartition(core, output.records)), ...stateOf(core, spec, place, output.state ?? [])]
    signal.throwIfAborted()
    await owner.transact({ records: changes, offsets: offsets(next) })
    committed = next
    held.succeeded()
    stage.committed?.()
  }
}

function stateOf(
  core: Core,
  { group }: StageSpec,
  place: StatePlace | undefined,
  changes: NonNullable<ReturnType<ReturnType<StageSpec['open']>['process']>['state']>,
) {
  if (changes.length === 0) return []
  if (place === undefined) throw new Error(`${group} sets state but has no state topic`)
  return [stateRecords(core, place, changes)]
}

/** Resolves once the signal is aborted. */
export function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })
}
