/** Dead letters from the newest back, a page at a time. A log is read forwards, so each partition is read in steps from its end;
 *  what is kept in memory is what a list shows, not the records. */
import type { Bus, BusRecord } from '@siem-relay/bus'
import { type AgentDefinition, deadLettersTopic, RelayError } from '@siem-relay/common'
import type { z } from 'zod'
import { fits, letterId, readLetter } from './letter.ts'
import type { LetterMarks } from './marks.ts'
import type { DeadLetter, DeadLetterPage, deadLettersRequestSchema, LetterFilter } from './shapes.ts'

/** Offsets of a partition looked at in one step. */
const stepOffsets = 500
/** Offsets one call looks at: a filter that fits hardly anything must not read a whole log at once. */
const scannedMax = 30_000

type Request = z.output<typeof deadLettersRequestSchema>

export interface LetterSource {
  readonly bus: Bus
  readonly marks: LetterMarks
  readonly agents: readonly Pick<AgentDefinition, 'id'>[]
}

/** One partition on the way back. */
interface Walk {
  readonly partition: number
  readonly start: number
  /** Everything at or beyond was looked at. */
  upper: number
  /** Found and not given out yet, oldest first. */
  readonly found: DeadLetter[]
}

export async function listLetters(source: LetterSource, request: Request): Promise<DeadLetterPage> {
  const { bus } = source
  await bus.ensureTopics([deadLettersTopic])
  const positions = await bus.positions.bounds([deadLettersTopic])
  const uppers = cursorOf(request.before, positions.length)
  const walks: readonly Walk[] = positions.map(({ partition, start, end }) => ({
    partition,
    start,
    upper: Math.min(end, uppers?.[partition] ?? end),
    found: [],
  }))
  const letters: DeadLetter[] = []
  let scanned = 0
  while (letters.length < request.limit) {
    // The newest of all can only be told when every partition shows its own newest.
    for (const walk of walks)
      while (walk.found.length === 0 && walk.upper > walk.start && scanned < scannedMax)
        scanned += await stepBack(source, request, walk)
    if (scanned >= scannedMax && walks.some((walk) => walk.found.length === 0 && walk.upper > walk.start)) break
    const newest = walks
      .filter(({ found }) => found.length > 0)
      .reduce<Walk | undefined>((best, walk) => (isNewer(walk, best) ? walk : best), undefined)
    const letter = newest?.found.pop()
    if (letter === undefined) return { letters }
    letters.push(letter)
  }
  const rest = walks.map(({ found, upper }) => {
    const next = found.at(-1)
    return next === undefined ? upper : Number(next.id.split('-')[1]) + 1
  })
  return walks.every(({ start, partition }) => (rest[partition] ?? 0) <= start)
    ? { letters }
    : { letters, before: rest.join('.') }
}

function cursorOf(before: string | undefined, partitions: number): readonly number[] | undefined {
  if (before === undefined) return undefined
  const uppers = before.split('.').map(Number)
  if (uppers.length === partitions) return uppers
  throw new RelayError('RELAY_USAGE', `${before} is no cursor of these dead letters: begin again without one`)
}

function isNewer(walk: Walk, than: Walk | undefined): boolean {
  return than === undefined || (walk.found.at(-1)?.atMs ?? 0) > (than.found.at(-1)?.atMs ?? 0)
}

/** @returns how many offsets it looked at. */
async function stepBack({ bus, marks, agents }: LetterSource, request: Request, walk: Walk): Promise<number> {
  const from = Math.max(walk.start, walk.upper - stepOffsets)
  for await (const record of bus.read(deadLettersTopic, walk.partition, from)) {
    if (record.offset >= walk.upper) break
    const mark = marks.get(letterId(record))
    if (fits(record, request) && (request.all || mark === undefined)) walk.found.push(readLetter(record, mark, agents))
  }
  const looked = walk.upper - from
  walk.upper = from
  return looked
}

/** @returns undefined when there is no letter of the id, or no more. */
export async function findLetter(bus: Bus, id: string): Promise<BusRecord | undefined> {
  await bus.ensureTopics([deadLettersTopic])
  const [partition = 0, offset = 0] = id.split('-').map(Number)
  const positions = await bus.positions.bounds([deadLettersTopic])
  const position = positions.find((one) => one.partition === partition)
  if (position === undefined || offset < position.start || offset >= position.end) return undefined
  for await (const record of bus.read(deadLettersTopic, partition, offset))
    return record.offset === offset ? record : undefined
  return undefined
}

/** Those that fit and are open, oldest of each partition first. */
export async function* openLetters(bus: Bus, marks: LetterMarks, filter: LetterFilter): AsyncIterable<BusRecord> {
  await bus.ensureTopics([deadLettersTopic])
  for (const { partition, start, end } of await bus.positions.bounds([deadLettersTopic])) {
    if (start >= end) continue
    for await (const record of bus.read(deadLettersTopic, partition, start))
      if (fits(record, filter) && !marks.has(letterId(record))) yield record
  }
}
