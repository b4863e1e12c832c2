/** Retrying and dropping dead letters. Marks, messages and replay jobs commit in one transaction of one owner: a letter that is
 *  retried twice at once, or by a process that is killed, goes out once. A retried letter travels as a replay, on the sender's
 *  second connection and apart from live delivery, whose balance it leaves alone: it stays counted where it was put aside. */
import type { Bus, BusRecord, NewRecord, Writer } from '@siem-relay/bus'
import {
  type AgentDefinition,
  type Clock,
  deadLetterMarksTopic,
  deadLettersTopic,
  describeError,
  encodeJob,
  jobsTopic,
  letterHeaders,
  RelayError,
  type ReplayJob,
  replayMessagesPerSecondDefault,
  replayTopic,
} from '@siem-relay/common'
import { jobsOf } from '@siem-relay/service-kit'
import type { z } from 'zod'
import { jobId } from '../job-id.ts'
import { type Again, createAgain, type Message } from './again.ts'
import { letterId, readLetter } from './letter.ts'
import { findLetter, openLetters } from './listing.ts'
import { forgottenMarks, type LetterMarks, markRecord, readMarks } from './marks.ts'
import {
  type DroppedLetters,
  type handleLettersRequestSchema,
  lettersMax,
  type RefusedLetter,
  type RetriedLetters,
} from './shapes.ts'

/** One owner for all processes: whoever claims it sees every mark of those before, who can write none any more. */
const ownerId = 'dead-letters/control'
/** Of messages in one transaction. */
const bytesMax = 8_388_608

export interface HandleParts {
  readonly bus: Bus
  readonly clock: Clock
  readonly agents: readonly AgentDefinition[]
  readonly tenants: readonly string[]
  readonly version: string
  readonly runningJobsMax: number
}

type Request = z.output<typeof handleLettersRequestSchema>

export async function retryLetters(parts: HandleParts, request: Request): Promise<RetriedLetters> {
  return handling(parts, async (desk) => {
    const retries = new Map<string, { readonly letters: BusRecord[]; readonly messages: Message[] }>()
    const agains = new Map<string, Again>()
    let bytes = 0
    const { refused, isMore } = await desk.each(request, (letter) => {
      const agent = agentOf(parts, letter)
      const again = agains.get(agent.id) ?? createAgain(agent, { ...parts, nowMs: () => parts.clock.nowMs() })
      agains.set(agent.id, again)
      const message = again(letter)
      const retry = retries.get(agent.id) ?? { letters: [], messages: [] }
      retry.letters.push(letter)
      retry.messages.push(message)
      retries.set(agent.id, retry)
      bytes += message.value.length
      return bytes < bytesMax
    })
    const running = desk.jobs.filter(({ state }) => state === 'running').length
    if (running + retries.size > parts.runningJobsMax)
      throw new RelayError(
        'RELAY_USAGE',
        `${running} replays are running and each agent's letters are one more, of ${parts.runningJobsMax}: wait for one, or cancel one`,
      )
    const retried: RetriedLetters['retried'][number][] = []
    const records: NewRecord[] = []
    const jobs: ReplayJob[] = []
    for (const [agent, { letters, messages }] of retries) {
      const job = jobFor(agent, letters, parts.clock.nowMs(), [...desk.jobs, ...jobs])
      jobs.push(job)
      const mark = { action: 'retried', atMs: job.createdMs, by: request.by, job: job.id } as const
      records.push({ topic: jobsTopic.name, key: job.id, value: encodeJob(job), headers: {} })
      records.push(...messages.map((message) => ({ ...message, topic: replayTopic(job.id).name })))
      records.push(...letters.map((letter) => markRecord(letterId(letter), mark)))
      retried.push(...letters.map((letter) => ({ id: letterId(letter), agent, job: job.id })))
    }
    await desk.commit(records, jobs)
    return { retried, refused, isMore }
  })
}

export async function dropLetters(parts: HandleParts, request: Request): Promise<DroppedLetters> {
  return handling(parts, async (desk) => {
    const dropped: string[] = []
    const { refused, isMore } = await desk.each(request, (letter) => {
      dropped.push(letterId(letter))
      return true
    })
    const mark = { action: 'dropped', atMs: parts.clock.nowMs(), by: request.by } as const
    await desk.commit(
      dropped.map((id) => markRecord(id, mark)),
      [],
    )
    return { dropped, refused, isMore }
  })
}

function agentOf({ agents }: HandleParts, letter: BusRecord): AgentDefinition {
  const { notRetriable } = readLetter(letter, undefined, agents)
  const agent = agents.find(({ id }) => id === letter.headers[letterHeaders.agent])
  if (notRetriable !== undefined || agent === undefined) throw new RelayError('RELAY_USAGE', notRetriable ?? 'no agent')
  return agent
}

function jobFor(agent: string, letters: readonly BusRecord[], nowMs: number, others: readonly ReplayJob[]): ReplayJob {
  let id = jobId(nowMs)
  while (others.some((job) => job.id === id)) id = jobId(nowMs)
  const times = letters.map(({ appendedMs }) => appendedMs)
  return {
    kind: 'replay',
    id,
    agent,
    source: 'letters',
    fromMs: Math.min(...times),
    toMs: Math.max(...times) + 1,
    stretches: [],
    records: letters.length,
    messagesPerSecondMax: replayMessagesPerSecondDefault,
    mark: false,
    createdMs: nowMs,
    state: 'running',
    isCleared: false,
  }
}

async function handling<T>(parts: HandleParts, work: (desk: Desk) => Promise<T>): Promise<T> {
  const { bus } = parts
  await bus.ensureTopics([deadLettersTopic, deadLetterMarksTopic, jobsTopic])
  // Claimed before the marks are read: what an older holder had not committed by now never will be.
  await using writer = await bus.writer(ownerId)
  await using table = await bus.table(jobsTopic)
  const jobs = jobsOf(table)
  try {
    return await work(new Desk(bus, writer, jobs, await readMarks(bus, jobs)))
  } catch (cause) {
    if (!(cause instanceof RelayError) || cause.code !== 'RELAY_BUS_FENCED') throw cause
    throw new RelayError(
      'RELAY_BUS_FENCED',
      'somebody else handles dead letters at this moment, and nothing was changed: list them again, then try again',
      { cause },
    )
  }
}

/** The letters as one holder of the owner id sees them. */
class Desk {
  readonly jobs: readonly ReplayJob[]
  readonly #bus: Bus
  readonly #writer: Writer
  readonly #marks: LetterMarks

  constructor(bus: Bus, writer: Writer, jobs: readonly ReplayJob[], marks: LetterMarks) {
    this.#bus = bus
    this.#writer = writer
    this.jobs = jobs
    this.#marks = marks
  }

  /** @param take says whether there is room for another; what it throws is why this letter stays. */
  async each(
    request: Request,
    take: (letter: BusRecord) => boolean,
  ): Promise<{ readonly refused: readonly RefusedLetter[]; readonly isMore: boolean }> {
    const refused: RefusedLetter[] = []
    const refuse = (id: string, error: unknown): void => {
      if (!(error instanceof RelayError)) throw error
      if (refused.length < lettersMax) refused.push({ id, code: error.code, reason: describeError(error) })
    }
    let taken = 0
    let hasRoom = true
    for await (const [id, letter] of this.#wanted(request)) {
      if (!hasRoom || taken >= lettersMax) return { refused, isMore: true }
      try {
        hasRoom = take(this.#open(id, letter))
        taken++
      } catch (error) {
        refuse(id, error)
      }
    }
    return { refused, isMore: false }
  }

  async commit(records: readonly NewRecord[], jobs: readonly ReplayJob[]): Promise<void> {
    if (records.length === 0) return
    const topics = jobs.map(({ id }) => replayTopic(id))
    await this.#bus.ensureTopics(topics)
    try {
      const positions = await this.#bus.positions.bounds([deadLettersTopic])
      const starts = new Map(positions.map(({ partition, start }) => [partition, start]))
      await this.#writer.commit({ records: [...records, ...forgottenMarks(this.#marks, starts)] })
    } catch (error) {
      await this.#bus.deleteTopics(topics.map(({ name }) => name)).catch(() => undefined)
      throw error
    }
  }

  async *#wanted({ ids, filter }: Request): AsyncIterable<readonly [string, BusRecord | undefined]> {
    if (ids !== undefined) for (const id of new Set(ids)) yield [id, await findLetter(this.#bus, id)]
    else for await (const letter of openLetters(this.#bus, this.#marks, filter ?? {})) yield [letterId(letter), letter]
  }

  #open(id: string, letter: BusRecord | undefined): BusRecord {
    if (letter === undefined) throw new RelayError('RELAY_USAGE', 'there is no such dead letter, or it has expired')
    const mark = this.#marks.get(id)
    if (mark !== undefined)
      throw new RelayError('RELAY_USAGE', `it was ${mark.action} at ${new Date(mark.atMs).toISOString()}`)
    return letter
  }
}
