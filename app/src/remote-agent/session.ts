/** The agent's conversation with the portal: one lease after another; under each, a loop that takes (polls) and one that gives (reports).
 *  Trouble on the way is tried again for ever; what was acknowledged is reported before anything else is forgotten. */
import type { DeliverSpec } from '@siem-relay/bus'
import {
  type AgentOrders,
  agentLimits,
  leaseAnswerSchema,
  pollAnswerSchema,
  type ReportRequest,
} from '@siem-relay/common'
import { z } from 'zod'
import { type PortalClient, StandBy } from './portal-client.ts'
import type { RemoteFeed } from './remote-feed.ts'
import { Reports, type Status } from './reports.ts'
import { isLeaseOver, isRefusal, Trouble, type TroubleParts } from './trouble.ts'
import { type SessionTuning, sessionTuning } from './tuning.ts'

export interface SessionParts extends TroubleParts {
  readonly client: Pick<PortalClient, 'ask' | 'origin'>
  readonly identity: { readonly instance: string; readonly host: string; readonly version: string }
  readonly onOrders: (orders: AgentOrders) => void
  readonly tuning?: Partial<SessionTuning>
}

export class Session {
  readonly #parts: SessionParts
  readonly #tuning: SessionTuning
  readonly #reports: Reports
  readonly #trouble: Trouble

  constructor(parts: SessionParts) {
    this.#parts = parts
    this.#tuning = { ...sessionTuning, ...parts.tuning }
    this.#reports = new Reports(parts, this.#tuning)
    this.#trouble = new Trouble(parts, this.#tuning)
  }

  /** Why nothing can be delivered now; undefined while the portal's lease is held. */
  get trouble(): string | undefined {
    return this.#trouble.reason
  }

  deliver(spec: DeliverSpec): RemoteFeed {
    return this.#reports.deliver(spec)
  }

  /** Where the connection to the receiver stands; told with the next report. */
  tell(status: Status | undefined): void {
    this.#reports.tell(status)
  }

  /**
   * Works until the signal is aborted, then gives the lease back.
   * @throws {RelayError} `RELAY_AGENT_TOKEN` when the portal never took the token.
   */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const lease = await this.#acquire(signal)
      if (lease === undefined) break
      const over = new AbortController()
      const within = AbortSignal.any([signal, over.signal])
      try {
        this.#reports.leaseBegins()
        this.#parts.onOrders(lease.orders)
        await Promise.race([
          this.#take(lease.lease, Math.min(lease.waitMs, agentLimits.waitMsMax), lease.orders.revision, within),
          this.#give(lease.lease, within),
        ])
      } catch (error) {
        if (!signal.aborted) this.#trouble.leaseEnded(error)
      } finally {
        over.abort()
        this.#reports.leaseEnds()
      }
      if (signal.aborted) await this.#release(lease.lease)
    }
    this.#trouble.stopping()
  }

  /** @returns undefined once the signal is aborted. */
  async #acquire(signal: AbortSignal): Promise<z.output<typeof leaseAnswerSchema> | undefined> {
    const { client, identity, log, token } = this.#parts
    for (let attempt = 1; !signal.aborted; attempt++) {
      const tried = token()
      try {
        const lease = await client.ask('lease', identity, leaseAnswerSchema, signal)
        log.info({ portal: client.origin }, 'portal connected')
        this.#trouble.connected()
        return lease
      } catch (error) {
        if (signal.aborted) break
        if (error instanceof StandBy) await this.#trouble.standBy(error, signal)
        else if (isRefusal(error)) await this.#trouble.refused(error, tried, signal)
        else await this.#trouble.failed(error, attempt, signal)
      }
    }
    return undefined
  }

  /** Takes records and orders, one answer after the other. */
  async #take(lease: string, waitMsMax: number, knownRevision: string, signal: AbortSignal): Promise<void> {
    const { client, clock, onOrders } = this.#parts
    const { feeds } = this.#reports
    let after = 0
    let revision = knownRevision
    let waitMs = waitMsMax
    let attempt = 0
    while (!signal.aborted) {
      const askedMs = clock.monotonicMs()
      try {
        const answer = await client.ask('poll', { lease, after, revision, waitMs }, pollAnswerSchema, signal)
        // An answer under a lease that has ended meanwhile is nobody's: its lives mean nothing to the next one.
        signal.throwIfAborted()
        this.#trouble.recovered()
        waitMs = Math.min(waitMsMax, waitMs + 1_000)
        attempt = 0
        after = answer.number
        for (const life of answer.ended) for (const feed of feeds.values()) feed.end(life)
        for (const batch of answer.batches) {
          const feed = feeds.get(batch.group)
          if (feed?.opening === batch.opening) feed.receive(batch)
        }
        if (answer.orders === undefined) continue
        revision = answer.orders.revision
        onOrders(answer.orders)
      } catch (error) {
        if (signal.aborted || isLeaseOver(error)) throw error
        // Something on the way may cut requests that wait long.
        if (clock.monotonicMs() - askedMs >= this.#tuning.waitMsMin)
          waitMs = Math.max(this.#tuning.waitMsMin, Math.floor(waitMs / 2))
        attempt += 1
        await this.#trouble.failed(error, attempt, signal)
      }
    }
  }

  /** Reports what was acknowledged, what there is room for and how the receiver is, whenever there is news and now and then. */
  async #give(lease: string, signal: AbortSignal): Promise<void> {
    const { clock } = this.#parts
    let toldMs = Number.NEGATIVE_INFINITY
    for (let number = 0; !signal.aborted; number++) {
      const isDue = clock.monotonicMs() - toldMs >= this.#tuning.heartbeatMs
      const { report, closed } = this.#reports.take(lease, number, isDue)
      if (report.status !== undefined) toldMs = clock.monotonicMs()
      await this.#send(report, signal)
      signal.throwIfAborted()
      this.#reports.arrived(closed)
      await clock.sleep(this.#tuning.gapMs, signal).catch(() => undefined)
      await this.#reports.news(signal)
    }
  }

  async #send(report: ReportRequest, signal: AbortSignal): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      signal.throwIfAborted()
      try {
        await this.#parts.client.ask('report', report, z.object({}), signal)
        this.#trouble.recovered()
        return
      } catch (error) {
        if (signal.aborted || isLeaseOver(error)) throw error
        await this.#trouble.failed(error, attempt, signal)
      }
    }
  }

  async #release(lease: string): Promise<void> {
    const { client, clock } = this.#parts
    const timeout = new AbortController()
    const cancel = clock.after(this.#tuning.releaseMs, () => timeout.abort())
    // Whoever waits for the lease gets it a little later then.
    await client.ask('release', { lease }, z.object({}), timeout.signal).catch(() => undefined)
    cancel()
  }
}
