/** What a stage holds back until its time has come; the same on every bus. */
import type { Clock } from '@siem-relay/common'
import type { BusRecord, PartitionStage, StageOutput } from './port.ts'

/** Records get their time shortly before they can be read: so long after a moment everything of it can. */
const appendingMs = 1_000
/** How soon a stage is asked again that is not up to its input, or still has something due. */
const againMs = 250

const nothing: StageOutput = { records: [] }

/** Everything appended before this can be read by now. */
export function readableUntilMs(clock: Clock): number {
  return clock.nowMs() - appendingMs
}

export function isDue(stage: PartitionStage, untilMs: number): boolean {
  const dueMs = stage.dueMs?.()
  return dueMs !== undefined && dueMs <= untilMs
}

/**
 * Waits for input, or until something held back may be due.
 * @returns whether the input came first. Rejects as `input` does, and with the signal's reason.
 */
export async function inputBeforeDue(
  stage: PartitionStage,
  input: Promise<unknown>,
  clock: Clock,
  signal: AbortSignal,
): Promise<boolean> {
  const dueMs = stage.dueMs?.()
  if (dueMs === undefined) {
    await input
    return true
  }
  const waiting = new AbortController()
  const waitMs = Math.max(againMs, dueMs - readableUntilMs(clock))
  const due = clock.sleep(waitMs, AbortSignal.any([signal, waiting.signal])).then(
    () => false,
    () => {
      signal.throwIfAborted()
      return true
    },
  )
  try {
    return await Promise.race([input.then(() => true), due])
  } finally {
    waiting.abort()
  }
}

/** An empty output is not worth a commit. */
export function isEmpty({ records, state = [] }: StageOutput): boolean {
  return records.length === 0 && state.length === 0
}

/** What becomes of a batch, and at the end of a stretch also of what was held back. */
export function outputOf(stage: PartitionStage, batch: readonly BusRecord[], isEnd: boolean): StageOutput {
  const output = batch.length === 0 ? nothing : stage.process(batch)
  if (!isEnd || stage.idle === undefined || stage.dueMs?.() === undefined) return output
  const rest = stage.idle(Number.POSITIVE_INFINITY)
  return {
    records: [...output.records, ...rest.records],
    state: [...(output.state ?? []), ...(rest.state ?? [])],
  }
}
