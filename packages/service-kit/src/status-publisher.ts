/** Tells the log where things stand: each under its key of a compacted topic, when there is news of it and as a heartbeat. Best
 *  effort: trouble with the log is logged once and tried again, and never stops or slows the work that is told of. */
import type { NewRecord, Writer } from '@siem-relay/bus'
import { describeError, type TopicSpec } from '@siem-relay/common'
import type { World } from './world.ts'

const heartbeatMs = 30_000
/** What comes and goes is told at this pace. */
const gapMs = 1_000
/** After the log refused. */
const retryMs = 5_000

export interface StatusPublisherParts<Status> {
  readonly world: Pick<World, 'bus' | 'clock' | 'log'>
  readonly topic: TopicSpec
  /** This instance's alone. */
  readonly ownerId: string
  /** What there is to tell, by key. */
  readonly present: () => Iterable<readonly [key: string, status: Status]>
  /** The same text as long as there is no news; what moves by itself, such as times, is left to the heartbeat. */
  readonly newsOf: (status: Status) => string
  readonly encode: (status: Status) => Buffer
  /** How often is looked for news that `changed` does not tell of; default: at heartbeats. */
  readonly lookEveryMs?: number
}

export class StatusPublisher<Status> {
  readonly #parts: StatusPublisherParts<Status>
  readonly #closing = new AbortController()
  /** The news of each key as the log has it. */
  #told: ReadonlyMap<string, string> = new Map()
  /** Keys of what is gone, whose status is to be taken back. */
  readonly #left = new Set<string>()
  #ring = new AbortController()
  #heartbeatAtMs = Number.NEGATIVE_INFINITY
  #writer: Writer | undefined
  #isFailing = false
  #running: Promise<void> = Promise.resolve()

  constructor(parts: StatusPublisherParts<Status>) {
    this.#parts = parts
  }

  start(): void {
    this.#running = this.#run()
  }

  changed(): void {
    this.#ring.abort()
  }

  /** There is nothing under the key any more. */
  left(key: string): void {
    this.#left.add(key)
    this.changed()
  }

  /** Tells once more and lets go of the log. */
  async stop(): Promise<void> {
    this.#closing.abort()
    await this.#running
  }

  async #run(): Promise<void> {
    const { signal } = this.#closing
    for (;;) {
      const isLast = signal.aborted
      // A ring from here on, also while this is being told, is heard below.
      this.#ring = new AbortController()
      await this.#tryToTell(isLast)
      if (isLast) break
      await this.#wait(this.#isFailing ? retryMs : gapMs, signal)
      if (!this.#isFailing) await this.#wait(this.#restMs(), AbortSignal.any([signal, this.#ring.signal]))
    }
    await this.#letGo()
  }

  async #tryToTell(isLast: boolean): Promise<void> {
    const { world, topic } = this.#parts
    try {
      await this.#tell(isLast || world.clock.monotonicMs() >= this.#heartbeatAtMs)
      this.#isFailing = false
    } catch (error) {
      if (!this.#isFailing) world.log.warn({ topic: topic.name, error: describeError(error) }, 'status not published')
      this.#isFailing = true
      // The owner id is this instance's alone: also a commit of unknown outcome is followed by a new claim.
      await this.#letGo()
    }
  }

  async #tell(isHeartbeat: boolean): Promise<void> {
    const { world, topic, ownerId, newsOf, encode } = this.#parts
    const present = new Map(this.#parts.present())
    const news = new Map(Array.from(present, ([key, status]) => [key, newsOf(status)]))
    const left = [...this.#left]
    const record = (key: string, value: Buffer | null): NewRecord => ({ topic: topic.name, key, value, headers: {} })
    const records = [
      ...left.filter((key) => !present.has(key)).map((key) => record(key, null)),
      ...[...present]
        .filter(([key]) => isHeartbeat || this.#told.get(key) !== news.get(key))
        .map(([key, status]) => record(key, encode(status))),
    ]
    if (records.length > 0) {
      if (this.#writer === undefined) {
        await world.bus.ensureTopics([topic])
        this.#writer = await world.bus.writer(ownerId)
      }
      await this.#writer.commit({ records })
    }
    this.#told = news
    for (const key of left) this.#left.delete(key)
    if (isHeartbeat) this.#heartbeatAtMs = world.clock.monotonicMs() + heartbeatMs
  }

  /** How long nothing has to be told unless somebody rings; the gap is over already. */
  #restMs(): number {
    const toHeartbeatMs = this.#heartbeatAtMs - this.#parts.world.clock.monotonicMs()
    return Math.min(toHeartbeatMs, (this.#parts.lookEveryMs ?? heartbeatMs) - gapMs)
  }

  async #wait(ms: number, signal: AbortSignal): Promise<void> {
    if (ms > 0) await this.#parts.world.clock.sleep(ms, signal).catch(() => undefined)
  }

  async #letGo(): Promise<void> {
    const writer = this.#writer
    this.#writer = undefined
    try {
      await writer?.[Symbol.asyncDispose]()
    } catch {
      // A writer that failed has nothing left to lose.
    }
  }
}
