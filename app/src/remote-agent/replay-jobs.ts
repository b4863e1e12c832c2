/** The jobs table as the sender sees it here: replays the portal orders, running until it orders them no more. What became of a job is
 *  for the portal to write. */
import type { Table } from '@siem-relay/bus'
import { type AgentOrders, encodeJob, outTopic } from '@siem-relay/common'

/** Jobs that have ended are shown for a while, so that their work is seen to end. */
const endedMax = 100

type Replay = AgentOrders['replays'][number]

export class ReplayJobs implements Table {
  readonly #jobs = new Map<string, Buffer>()
  readonly #running = new Map<string, Replay>()
  readonly #ended: string[] = []
  readonly #listeners = new Set<(key: string, value: Buffer | undefined) => void>()

  /** These run, and no others. */
  show(agent: string, replays: readonly Replay[], nowMs: number): void {
    for (const [id, replay] of this.#running) {
      if (replays.some((one) => one.id === id)) continue
      this.#running.delete(id)
      this.#set(id, encode(agent, replay, nowMs, true))
      this.#ended.push(id)
    }
    for (const replay of replays) {
      if (this.#running.has(replay.id)) continue
      this.#running.set(replay.id, replay)
      this.#set(replay.id, encode(agent, replay, nowMs, false))
    }
    for (const id of this.#ended.splice(0, Math.max(0, this.#ended.length - endedMax)))
      if (!this.#running.has(id)) this.#jobs.delete(id)
  }

  get(key: string): Buffer | undefined {
    return this.#jobs.get(key)
  }

  entries(): IterableIterator<[string, Buffer]> {
    return this.#jobs.entries()
  }

  onChange(listener: (key: string, value: Buffer | undefined) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#listeners.clear()
  }

  #set(id: string, value: Buffer): void {
    this.#jobs.set(id, value)
    for (const listener of this.#listeners) listener(id, value)
  }
}

/** A stretch that is never passed: the portal knows where the job's are, and when they are through. */
function encode(agent: string, { id, messagesPerSecondMax, mark }: Replay, nowMs: number, isOver: boolean): Buffer {
  return encodeJob({
    kind: 'replay',
    id,
    agent,
    fromMs: 0,
    toMs: nowMs,
    source: 'out',
    stretches: [{ topic: outTopic(agent).name, partition: 0, from: 0, until: 1 }],
    records: 0,
    messagesPerSecondMax,
    mark,
    createdMs: nowMs,
    state: isOver ? 'cancelled' : 'running',
    isCleared: isOver,
  })
}
