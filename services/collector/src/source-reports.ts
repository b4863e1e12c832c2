/** Tells the log how each source is that this instance polls, for whoever looks from another process; takes back what was told
 *  of sources that are not configured any more, also by instances that are gone. Best effort: collecting never waits for it. */
import {
  describeError,
  encodeSourceReport,
  newsOfSource,
  type SourceReport,
  sourceStatusTopic,
} from '@siem-relay/common'
import { StatusPublisher, type World } from '@siem-relay/service-kit'
import type { SourceConfig } from './config.ts'
import type { SourceStatus } from './sources/source.ts'

const lookEveryMs = 1_000
const retryMs = 30_000

export class SourceReports {
  readonly #world: World
  readonly #statuses: () => readonly SourceStatus[]
  readonly #publisher: StatusPublisher<SourceReport>
  #types: ReadonlyMap<string, SourceConfig['type']> = new Map()
  #superseded = new AbortController()
  #clearing: Promise<void> = Promise.resolve()

  /** @param statuses of the sources that this instance polls. */
  constructor(world: World, statuses: () => readonly SourceStatus[]) {
    this.#world = world
    this.#statuses = statuses
    this.#publisher = new StatusPublisher({
      world,
      topic: sourceStatusTopic,
      ownerId: `source-status/${world.instanceId}`,
      present: () => this.reports().map((report) => [report.id, report]),
      newsOf: newsOfSource,
      encode: encodeSourceReport,
      lookEveryMs,
    })
  }

  /** As of now. */
  reports(): readonly SourceReport[] {
    const { instanceId: instance, hostName: host, clock } = this.#world
    return this.#statuses().map((status) => ({
      ...status,
      type: this.#types.get(status.id) ?? '',
      instance,
      host,
      atMs: clock.nowMs(),
    }))
  }

  start(): void {
    this.#publisher.start()
  }

  /** These are the sources there are. */
  configured(sources: readonly SourceConfig[]): void {
    this.#types = new Map(sources.map(({ id, type }) => [id, type]))
    this.#superseded.abort()
    this.#superseded = new AbortController()
    this.#clearing = this.#clear(this.#types, this.#superseded.signal)
  }

  async stop(): Promise<void> {
    this.#superseded.abort()
    await Promise.all([this.#publisher.stop(), this.#clearing])
  }

  /** Tries until it has seen what the log tells, or the signal is aborted. */
  async #clear(configured: ReadonlyMap<string, unknown>, signal: AbortSignal): Promise<void> {
    const { bus, clock, log } = this.#world
    while (!signal.aborted) {
      try {
        await using table = await bus.table(sourceStatusTopic)
        if (signal.aborted) return
        for (const [id] of table.entries()) if (!configured.has(id)) this.#publisher.left(id)
        return
      } catch (error) {
        log.debug({ topic: sourceStatusTopic.name, error: describeError(error) }, 'status not read')
        await clock.sleep(retryMs, signal).catch(() => undefined)
      }
    }
  }
}
