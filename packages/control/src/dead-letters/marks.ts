/** What people did with dead letters: a topic is a log, so a letter stays where it is and a mark says that it is dealt with. */
import type { Bus, NewRecord } from '@siem-relay/bus'
import { deadLetterMarksTopic, type ReplayJob } from '@siem-relay/common'
import { z } from 'zod'
import type { LetterMark } from './shapes.ts'

const markSchema = z.object({
  action: z.enum(['retried', 'dropped']),
  atMs: z.number(),
  by: z.string(),
  job: z.string().optional(),
})

export type LetterMarks = ReadonlyMap<string, LetterMark>

/**
 * @param jobs a letter whose replay was cancelled or failed is open again.
 */
export async function readMarks(bus: Bus, jobs: readonly ReplayJob[]): Promise<LetterMarks> {
  await bus.ensureTopics([deadLetterMarksTopic])
  await using table = await bus.table(deadLetterMarksTopic)
  const undone = new Set(jobs.filter(({ state }) => state === 'cancelled' || state === 'failed').map(({ id }) => id))
  const marks = new Map<string, LetterMark>()
  for (const [id, value] of table.entries()) {
    const mark = decodeMark(value)
    if (mark !== undefined && !(mark.job !== undefined && undone.has(mark.job))) marks.set(id, mark)
  }
  return marks
}

export function markRecord(id: string, mark: LetterMark): NewRecord {
  return { topic: deadLetterMarksTopic.name, key: id, value: Buffer.from(JSON.stringify(mark)), headers: {} }
}

/** Forgets the marks of letters that have expired. */
export function forgottenMarks(marks: LetterMarks, starts: ReadonlyMap<number, number>): readonly NewRecord[] {
  return [...marks.keys()]
    .filter((id) => {
      const [partition, offset] = id.split('-').map(Number)
      return (offset ?? 0) < (starts.get(partition ?? -1) ?? 0)
    })
    .map((id) => ({ topic: deadLetterMarksTopic.name, key: id, value: null, headers: {} }))
}

function decodeMark(value: Uint8Array): LetterMark | undefined {
  try {
    return markSchema.safeParse(JSON.parse(Buffer.from(value).toString('utf8'))).data
  } catch {
    return undefined
  }
}
