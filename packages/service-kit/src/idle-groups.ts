/** Consumer groups of agents that are disabled. Their place moves along with time, two days behind it: whenever the agent is
 *  enabled again it goes on where it stopped or two days back, whichever is later, as the SIEM agent did. The place itself is
 *  the memory: it outlasts restarts, needs no note of who was disabled when, and keeps the log from holding what nobody will
 *  read. An agent that is enabled is never moved, however long the relay was off. */
import type { Bus } from '@siem-relay/bus'
import { describeError, RelayError, type TopicSpec } from '@siem-relay/common'
import { counter } from './metrics.ts'
import type { World } from './world.ts'

const hourMs = 3_600_000
const keptMs = 48 * hourMs

export interface IdleGroup {
  readonly agent: string
  readonly group: string
  readonly topics: readonly TopicSpec[]
}

type IdleWorld = Pick<World, 'bus' | 'clock' | 'log' | 'metrics'>

export class IdleGroups {
  readonly #world: IdleWorld
  readonly #stage: string
  readonly #skipped: ReturnType<typeof skippedCounter>
  readonly #stopping = new AbortController()
  readonly #running: Promise<void>
  #groups: readonly IdleGroup[] = []
  #turn: Promise<void> = Promise.resolve()

  /** @param stage whose groups they are, for the log and metrics. */
  constructor(world: IdleWorld, stage: 'formatter' | 'sender') {
    this.#world = world
    this.#stage = stage
    this.#skipped = skippedCounter(world.metrics)
    this.#running = this.#run()
  }

  /** These are idle from now on; the others may start once this has resolved. Workers of new ones must have stopped. */
  update(groups: readonly IdleGroup[]): Promise<void> {
    return this.#next(async () => {
      const before = this.#groups
      this.#groups = groups
      // Those that end their rest once more, so that they begin two days back to the minute.
      for (const group of [...before, ...groups]) await this.#move(group)
    })
  }

  async stop(): Promise<void> {
    this.#stopping.abort()
    await this.#running
    await this.#turn
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping
    while (!signal.aborted) {
      await this.#world.clock.sleep(hourMs, signal).catch(() => undefined)
      if (signal.aborted) return
      await this.#next(async () => {
        for (const group of this.#groups) if (!signal.aborted) await this.#move(group)
      })
    }
  }

  /** Trouble with the log leaves the group where it is: more is sent than two days, nothing is lost. */
  async #move(idle: IdleGroup): Promise<void> {
    const { bus, clock, log } = this.#world
    const { agent } = idle
    try {
      const records = await passOver(bus, idle, clock.nowMs() - keptMs)
      if (records === 0) return
      this.#skipped.inc({ agent, stage: this.#stage }, records)
      log.info({ agent, stage: this.#stage, records }, 'records older than two days passed over: the agent is disabled')
    } catch (error) {
      log.warn({ agent, stage: this.#stage, error: describeError(error) }, 'a disabled agent was not moved along')
    }
  }

  #next(step: () => Promise<void>): Promise<void> {
    const mine = this.#turn.then(step)
    this.#turn = mine.catch(() => undefined)
    return mine
  }
}

/** @returns how many records appended before the time the group was moved past; none while another instance works for it. */
async function passOver(bus: Bus, { group, topics }: IdleGroup, beforeMs: number): Promise<number> {
  let records = 0
  for (const topic of topics) {
    for (const { partition, start, committed, oldestPendingMs } of await bus.positions.of(group, [topic])) {
      // A group that never ran starts two days back by itself.
      if (committed === undefined || oldestPendingMs === undefined || oldestPendingMs >= beforeMs) continue
      const offset = await bus.positions.offsetAt(topic, partition, beforeMs)
      if (offset <= committed) continue
      const passed = await bus.positions.count(topic, partition, Math.max(committed, start), offset)
      try {
        await bus.positions.set(group, topic, partition, offset)
      } catch (error) {
        if (error instanceof RelayError && error.code === 'RELAY_USAGE') return records
        throw error
      }
      records += passed
    }
  }
  return records
}

function skippedCounter(metrics: World['metrics']) {
  return counter(metrics, {
    name: 'siem_relay_records_skipped_total',
    help: 'Records passed over because they grew older than two days while their agent was disabled.',
    labels: ['agent', 'stage'],
  })
}
