/** Consume-transform-produce on Kafka: outputs, state changes and the input offset of a batch are one transaction. */
import { inputBeforeDue, isDue, isEmpty, outputOf, readableUntilMs } from '../held-back.ts'
import type { StageOutput, StageSpec, State, Worker } from '../port.ts'
import { byPartition, type Core, fullName } from './core.ts'
import { endOf } from './offsets.ts'
import { PartitionReader, type Read } from './reader.ts'
import { restoreState, type StatePlace, statePlace, stateRecords } from './state.ts'
import { type Held, startWorker } from './worker.ts'

export function startStage(core: Core, spec: StageSpec): Worker {
  return startWorker(core, {
    group: spec.group,
    topics: spec.inputs,
    startAtMs: spec.startAtMs,
    stretches: spec.stretches,
    onError: (error) => spec.onError?.(error),
    places: async (topic, partition) => {
      const place = await placeOf(core, spec, topic, partition)
      return place === undefined ? [] : [{ topic: fullName(core, place.topic), partition: place.partition }]
    },
    live: (held) => live(core, spec, held),
  })
}

async function live(core: Core, spec: StageSpec, held: Held): Promise<void> {
  const { topic, fullTopic, partition, group, owner, from, until, signal } = held
  const place = await placeOf(core, spec, topic, partition)
  const state: State = place === undefined ? new Map() : await restoreState(core, owner, place, signal)
  const stage = spec.open({ topic, partition, state })
  const reader = new PartitionReader({ fetcher: core.fetcher, topic: fullTopic, name: topic, partition, from, until })
  let committed = from
  /** Behind everything that was processed. A read that is under way may have come further. */
  let processed = from
  const commit = async (output: StageOutput, next: number): Promise<void> => {
    const changes = [...(await byPartition(core, output.records)), ...stateOf(core, spec, place, output.state ?? [])]
    signal.throwIfAborted()
    await owner.transact({
      records: changes,
      offsets: { group, next: [{ topic: fullTopic, partition, next }] },
    })
    committed = next
    held.succeeded()
    stage.committed?.()
  }
  const ending = new AbortController()
  const reading = AbortSignal.any([signal, ending.signal])
  let pending: Promise<Read> | undefined
  try {
    while (!signal.aborted) {
      if (reader.isExhausted) {
        if (committed !== reader.next) await commit(outputOf(stage, [], true), reader.next)
        return await aborted(signal)
      }
      // A read goes on while something else is due.
      pending ??= reader.read(spec.batchRecordsMax, spec.batchBytesMax, reading)
      if (!(await inputBeforeDue(stage, pending, core.cluster.clock, signal))) {
        const untilMs = readableUntilMs(core.cluster.clock)
        // Up to the high watermark: what an open transaction has written counts as unread.
        if (!isDue(stage, untilMs) || (await endOf(core, { topic: fullTopic, partition })) > processed) continue
        const output = stage.idle?.(untilMs)
        if (output !== undefined && !isEmpty(output)) await commit(output, processed)
        continue
      }
      const { records, next } = await pending
      pending = undefined
      processed = next
      // Offsets without records are passed with the next commit.
      if (records.length === 0) continue
      const output = outputOf(stage, records, reader.isExhausted)
      reader.prefetch(reading)
      await commit(output, next)
    }
  } finally {
    pending?.catch(() => undefined)
    ending.abort(signal.reason)
    stage.ended?.()
  }
}

async function placeOf(
  core: Core,
  { group, stateTopic }: StageSpec,
  topic: string,
  partition: number,
): Promise<StatePlace | undefined> {
  if (stateTopic === undefined) return undefined
  return statePlace(core, stateTopic, partition, `${group}|${topic}|${partition}`)
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
