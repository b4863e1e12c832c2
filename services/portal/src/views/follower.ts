/** Reads the topics the read models are made of, from where the models stand, and goes on as records come. It belongs to no group and
 *  commits nothing to the log, so it never holds retention back; what was removed before it was read is told. */
import type { BusRecord, PartitionBounds } from '@siem-relay/bus'
import { describeError, discardedTopic, rawTopic, type TopicSpec } from '@siem-relay/common'
import { backoffMs, type World } from '@siem-relay/service-kit'
import type { ViewsMetrics } from './metrics.ts'
import { pack } from './packed.ts'
import type { ViewsThread } from './thread.ts'

/** New records are looked for this often. */
const lookMs = 1_000
const batchRecordsMax = 1_000
const batchBytesMax = 1_048_576
/** Of one partition, before the next one has its turn. */
const batchesMax = 20
const retry = { minMs: 1_000, maxMs: 30_000 }
const pruneEveryMs = 3_600_000
/** Or after so many rows, whichever is first. */
const pruneEveryRows = 1_000_000

export interface FollowerOptions {
  readonly world: World
  readonly thread: ViewsThread
  readonly tenants: () => readonly string[]
  readonly metrics: ViewsMetrics
}

interface Place {
  next: number
}

export class Follower {
  readonly #options: FollowerOptions
  readonly #closing = new AbortController()
  /** By `topic/partition`, as the models have it. */
  readonly #places = new Map<string, Place>()
  #prunedMs: number | undefined
  #countedSincePrune = 0
  #running: Promise<void> = Promise.resolve()

  constructor(options: FollowerOptions) {
    this.#options = options
  }

  start(): void {
    this.#running = this.#run()
  }

  async stop(): Promise<void> {
    this.#closing.abort()
    await this.#running
  }

  async #run(): Promise<void> {
    const { clock, log, random } = this.#options.world
    const { signal } = this.#closing
    let failures = 0
    while (!signal.aborted) {
      let waitMs = lookMs
      try {
        await this.#prune()
        if (await this.#round()) waitMs = 0
        failures = 0
      } catch (error) {
        if (signal.aborted) return
        // The models may stand elsewhere now.
        this.#places.clear()
        waitMs = Math.max(lookMs, backoffMs(++failures, retry, random))
        if (failures === 1) log.warn({ error: describeError(error) }, 'the views of the portal could not be brought up')
      }
      if (waitMs > 0) await clock.sleep(waitMs, signal).catch(() => undefined)
    }
  }

  /** @returns whether there is more to read right away. */
  async #round(): Promise<boolean> {
    const topics = [discardedTopic, ...this.#options.tenants().map((tenant) => rawTopic(tenant, 'discovery'))]
    let hasMore = false
    let failure: unknown
    for (const topic of topics) {
      if (this.#closing.signal.aborted) return false
      try {
        for (const bounds of await this.#options.world.bus.positions.bounds([topic]))
          if (await this.#pull(topic, bounds)) hasMore = true
      } catch (error) {
        // One topic that cannot be read holds up no other.
        failure ??= error
      }
    }
    if (failure !== undefined) throw failure
    return hasMore
  }

  async #pull(topic: TopicSpec, bounds: PartitionBounds): Promise<boolean> {
    const { partition, end } = bounds
    const place = await this.#place(topic, bounds)
    if (place.next >= end) return false
    const { signal } = this.#closing
    let batch: BusRecord[] = []
    let bytes = 0
    let batches = 0
    for await (const record of this.#options.world.bus.read(topic, partition, place.next, signal)) {
      batch.push(record)
      bytes += record.value.length
      if (batch.length < batchRecordsMax && bytes < batchBytesMax) continue
      if (!(await this.#apply(topic, partition, place, batch)) || signal.aborted) return true
      if (++batches >= batchesMax) return true
      batch = []
      bytes = 0
    }
    // Offsets at the end may have no records: they are passed too.
    return !(await this.#apply(topic, partition, place, batch, end))
  }

  /** @param end up to where everything was read. @returns false when the models stood elsewhere. */
  async #apply(
    topic: TopicSpec,
    partition: number,
    place: Place,
    batch: readonly BusRecord[],
    end = 0,
  ): Promise<boolean> {
    const { metrics, thread } = this.#options
    const next = Math.max(end, (batch.at(-1)?.offset ?? place.next - 1) + 1)
    if (next === place.next) return true
    const packed = pack({ topic: topic.name, partition, from: place.next, next, records: batch })
    const applied = await thread.call('apply', [packed], [packed.values.buffer])
    if (applied.outcome === 'moved') {
      place.next = applied.next
      return false
    }
    place.next = next
    this.#countedSincePrune += applied.counts.counted
    metrics.read(topic.name === discardedTopic.name ? 'duplicates' : 'discovery', applied.counts)
    return true
  }

  async #place(topic: TopicSpec, { partition, start, end }: PartitionBounds): Promise<Place> {
    const name = `${topic.name}/${partition}`
    const known = this.#places.get(name)
    if (known !== undefined) return known
    const { thread, world } = this.#options
    const { log } = world
    let next = await thread.call('position', [topic.name, partition])
    if (end < next) {
      log.warn({ topic: topic.name, partition }, 'the log is another one than the views were made of: made anew')
      await thread.call('reset', [])
      this.#places.clear()
      next = 0
    } else if (next > 0 && start > next)
      log.warn({ topic: topic.name, partition, missed: start - next }, 'records were removed before the views had them')
    const place = { next }
    this.#places.set(name, place)
    return place
  }

  async #prune(): Promise<void> {
    const { metrics, thread, world } = this.#options
    const nowMs = world.clock.nowMs()
    const isRecent = this.#prunedMs !== undefined && nowMs - this.#prunedMs < pruneEveryMs
    if (isRecent && this.#countedSincePrune < pruneEveryRows) return
    const pruned = await thread.call('prune', [nowMs])
    this.#prunedMs = nowMs
    this.#countedSincePrune = 0
    metrics.kept(pruned)
    if (pruned.daysCut > 0)
      world.log.warn(
        { days: pruned.daysCut },
        'days of discovery left the views early: raise portal.views.discoveryRowsMax',
      )
  }
}
