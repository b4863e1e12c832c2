/** Reads for everybody in the process: each partition asks for what lies at its offset, and all questions to a broker travel in few
 *  requests. Two connections per broker: one carries the partitions that have been quiet in one long poll, the other answers those that
 *  ask meanwhile. So an idle relay costs one request every few seconds, whatever the number of agents, and a busy partition never
 *  waits for a quiet one. */
import type { Cluster } from './cluster.ts'
import { ConnectionError } from './driver.ts'
import { KafkaError } from './wire/error-codes.ts'
import { type FetchedPartition, type FetchPosition, fetchRequest } from './wire/log-requests.ts'
import { decodeBatches, type FetchedBatch } from './wire/record-batch.ts'
import type { TopicPartition } from './wire/request.ts'

/** The long poll of quiet partitions; ended at once by the first new record. */
const longWaitMs = 5_000
/** The poll of those that asked while the long one was out. */
const shortWaitMs = 100
const requestBytesMax = 8_388_608
/** Waits after a failed request, so that a dead broker is not asked in a loop. */
const retryMs = 100

/** What a partition has at an offset. */
export interface Found {
  readonly highWatermark: number
  readonly logStart: number
  readonly batches: readonly FetchedBatch[]
}

interface Question extends FetchPosition {
  readonly signal: AbortSignal
  answer(found: Found): void
  fail(error: unknown): void
}

export class Fetcher {
  readonly #cluster: Cluster
  readonly #closing: AbortSignal
  readonly #nodes = new Map<number, NodeFetcher>()

  constructor(cluster: Cluster, closing: AbortSignal) {
    this.#cluster = cluster
    this.#closing = closing
  }

  /**
   * Waits for something at or behind an offset: records, or markers that hide none.
   * @throws {KafkaError | ConnectionError} when the leader could not be asked; the signal's reason once aborted.
   */
  async fetch(position: FetchPosition, signal: AbortSignal): Promise<Found> {
    signal.throwIfAborted()
    const node = await this.#cluster.leader(position)
    signal.throwIfAborted()
    const fetcher = this.#nodes.get(node) ?? new NodeFetcher(this.#cluster, node, this.#closing)
    this.#nodes.set(node, fetcher)
    return new Promise((resolve, reject) => {
      const abort = (): void => settle(() => reject(signal.reason))
      const settle = (then: () => void): void => {
        signal.removeEventListener('abort', abort)
        then()
      }
      signal.addEventListener('abort', abort, { once: true })
      fetcher.ask({
        ...position,
        signal,
        answer: (found) => settle(() => resolve(found)),
        fail: (error) => settle(() => reject(error)),
      })
    })
  }

  /** What lies at an offset now, without waiting for more. */
  async peek(position: FetchPosition): Promise<Found> {
    const node = await this.#cluster.leader(position)
    const connection = await this.#cluster.connection(node, 'fetch-1')
    const [found] = await connection.send(fetchRequest([position], { waitMs: 0, bytesMax: position.bytesMax }))
    return checked(this.#cluster, found, position)
  }
}

class NodeFetcher {
  readonly #cluster: Cluster
  readonly #node: number
  readonly #closing: AbortSignal
  #questions: Question[] = []
  #isLongOut = false
  #isShortOut = false
  #isScheduled = false

  constructor(cluster: Cluster, node: number, closing: AbortSignal) {
    this.#cluster = cluster
    this.#node = node
    this.#closing = closing
  }

  ask(question: Question): void {
    this.#questions.push(question)
    this.#schedule()
  }

  /** Later in this turn: partitions that were answered together ask together. */
  #schedule(): void {
    if (this.#isScheduled) return
    this.#isScheduled = true
    setImmediate(() => {
      this.#isScheduled = false
      this.#send()
    })
  }

  #send(): void {
    this.#questions = this.#questions.filter(({ signal }) => !signal.aborted)
    if (this.#questions.length === 0 || this.#isShortOut || this.#closing.aborted) return
    const questions = this.#questions
    this.#questions = []
    // While the short one is out nothing is sent: it is back soon, and then all quiet partitions share a poll again.
    if (this.#isLongOut) void this.#poll(questions, 'short')
    else void this.#poll(questions, 'long')
  }

  async #poll(questions: readonly Question[], kind: 'long' | 'short'): Promise<void> {
    if (kind === 'long') this.#isLongOut = true
    else this.#isShortOut = true
    try {
      await this.#ask(questions, kind)
    } catch (error) {
      for (const question of questions) question.fail(error)
      if (error instanceof ConnectionError) for (const { topic } of questions) this.#cluster.forget(topic)
      await this.#cluster.clock.sleep(retryMs, this.#closing).catch(() => undefined)
    }
    if (kind === 'long') this.#isLongOut = false
    else this.#isShortOut = false
    this.#schedule()
  }

  async #ask(questions: readonly Question[], kind: 'long' | 'short'): Promise<void> {
    const connection = await this.#cluster.connection(this.#node, kind === 'long' ? 'fetch-0' : 'fetch-1')
    const chosen = this.#choose(questions, kind)
    const positions = [...chosen.values()].map(([first]) => first as Question)
    const wait = { waitMs: kind === 'long' ? longWaitMs : shortWaitMs, bytesMax: requestBytesMax }
    const answers = await connection.send(fetchRequest(turned(positions), wait))
    for (const found of answers) {
      for (const question of chosen.get(nameOf(found)) ?? []) this.#answer(question, found)
      chosen.delete(nameOf(found))
    }
    for (const unanswered of chosen.values()) this.#questions.push(...unanswered)
  }

  /** One offset per partition and request. Agents that share a partition mostly ask for the same one: they share the answer. The long
   *  poll takes those furthest ahead, so that an agent that catches up never keeps the others from new records. */
  #choose(questions: readonly Question[], kind: 'long' | 'short'): Map<string, Question[]> {
    const chosen = new Map<string, Question[]>()
    for (const question of questions) {
      const rivals = chosen.get(nameOf(question))
      const rivalOffset = rivals?.[0]?.offset ?? question.offset
      if (rivals === undefined) chosen.set(nameOf(question), [question])
      else if (rivalOffset === question.offset) rivals.push(question)
      else if (kind === 'long' && question.offset > rivalOffset) {
        this.#questions.push(...rivals.splice(0, rivals.length, question))
      } else this.#questions.push(question)
    }
    if (this.#questions.length > 0) this.#schedule()
    return chosen
  }

  #answer(question: Question, found: FetchedPartition): void {
    try {
      const answer = checked(this.#cluster, found, question)
      if (answer.batches.length > 0) question.answer(answer)
      else if (!question.signal.aborted) this.#questions.push(question)
    } catch (error) {
      question.fail(error)
    }
  }
}

const nameOf = ({ topic, partition }: TopicPartition): string => `${topic}/${partition}`

let turn = 0

/** An answer is filled in the order of the question: everybody is first in turn. */
function turned<T>(items: readonly T[]): readonly T[] {
  const by = turn++ % Math.max(1, items.length)
  return [...items.slice(by), ...items.slice(0, by)]
}

/** @throws {KafkaError} what the leader says is wrong with this partition. */
function checked(
  cluster: Cluster,
  found: FetchedPartition | undefined,
  { topic, partition, offset }: FetchPosition,
): Found {
  if (found === undefined) throw new ConnectionError(`no answer for ${topic}/${partition}`, false)
  const { error: code, highWatermark, logStart, aborted, bytes } = found
  if (code === 0) return { highWatermark, logStart, batches: decodeBatches(topic, partition, bytes, aborted, offset) }
  const error = new KafkaError(code, `reading ${topic}/${partition}`)
  if (error.isElsewhere) cluster.forget(topic)
  throw error
}
