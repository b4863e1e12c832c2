/** The agent's conversation with the portal: one lease after another; under each, a loop that takes (polls) and one that gives (reports).
 *  Trouble on the way is tried again for ever; what was acknowledged is reported before anything else is forgotten. */
import type { DeliverSpec } from '@siem-relay/bus'
import {
  type AgentOrders,
  agentLimits,
  type Clock,
  describeError,
  leaseAnswerSchema,
  pollAnswerSchema,
  RelayError,
  type RemoteStatus,
  type ReportRequest,
} from '@siem-relay/common'
import { backoffMs, type World } from '@siem-relay/service-kit'
import { z } from 'zod'
import { LeaseLost, type PortalClient, StandBy } from './portal-client.ts'
import { RemoteFeed } from './remote-feed.ts'
import { messagesIn } from './remote-life.ts'
import { type SessionTuning, sessionTuning } from './tuning.ts'

export interface SessionParts {
  readonly client: Pick<PortalClient, 'ask' | 'origin'>
  /** The token in force now. */
  readonly token: () => string
  readonly clock: Clock
  readonly random: () => number
  readonly log: World['log']
  readonly identity: { readonly instance: string; readonly host: string; readonly version: string }
  readonly onOrders: (orders: AgentOrders) => void
  readonly tuning?: Partial<SessionTuning>
}

type Status = Omit<RemoteStatus, 'nowMs'>

export class Session {
  readonly #parts: SessionParts
  readonly #tuning: SessionTuning
  readonly #feeds = new Map<string, RemoteFeed>()
  /** Feeds to take back once what they acknowledged is reported. */
  readonly #closing = new Map<RemoteFeed, () => void>()
  #openings = 0
  #isHolding = false
  #status: Status | undefined
  #isStatusNews = false
  #changed = Promise.withResolvers<void>()
  /** Messages whose acknowledgement is on its way. */
  #inFlight = 0
  #onReported: (() => void)[] = []
  #hasWorked = false
  #refusals = 0
  #failures = 0
  #trouble: string | undefined = 'the portal has not been asked yet'

  constructor(parts: SessionParts) {
    this.#parts = parts
    this.#tuning = { ...sessionTuning, ...parts.tuning }
  }

  /** Why nothing can be delivered now; undefined while the portal's lease is held. */
  get trouble(): string | undefined {
    return this.#trouble
  }

  deliver(spec: DeliverSpec): RemoteFeed {
    const { clock, random } = this.#parts
    return new RemoteFeed({
      spec,
      nextOpening: () => {
        this.#openings += 1
        return this.#openings
      },
      open: (feed) => {
        this.#feeds.set(feed.group, feed)
        this.#ring()
      },
      changed: () => this.#ring(),
      reported: () => this.#reported(),
      pause: () => clock.sleep(this.#tuning.backoff.minMs * (0.5 + random())),
      close: (feed) => this.#close(feed),
    })
  }

  /** Where the connection to the receiver stands; told with the next report. */
  tell(status: Status | undefined): void {
    this.#status = status
    this.#isStatusNews = true
    this.#ring()
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
        this.#isHolding = true
        this.#trouble = undefined
        this.#parts.onOrders(lease.orders)
        await Promise.race([
          this.#take(lease.lease, Math.min(lease.waitMs, agentLimits.waitMsMax), lease.orders.revision, within),
          this.#give(lease.lease, within),
        ])
      } catch (error) {
        if (!signal.aborted) this.#ended(error)
      } finally {
        over.abort()
        this.#isHolding = false
        for (const feed of this.#feeds.values()) feed.leaseEnded()
        for (const closed of this.#closing.values()) closed()
        this.#closing.clear()
        this.#noteReported()
      }
      if (signal.aborted) await this.#release(lease.lease)
    }
    this.#trouble = 'it is stopping'
  }

  /** @returns undefined once the signal is aborted. */
  async #acquire(signal: AbortSignal): Promise<z.output<typeof leaseAnswerSchema> | undefined> {
    const { client, identity, log, token } = this.#parts
    for (let attempt = 1; !signal.aborted; attempt++) {
      const tried = token()
      try {
        const lease = await client.ask('lease', identity, leaseAnswerSchema, signal)
        log.info({ portal: client.origin }, 'portal connected')
        this.#hasWorked = true
        this.#refusals = 0
        this.#failures = 0
        return lease
      } catch (error) {
        if (signal.aborted) break
        if (error instanceof StandBy) await this.#standBy(error, signal)
        else if (isRefusal(error)) await this.#refused(error, tried, signal)
        else await this.#failed(error, attempt, signal)
      }
    }
    return undefined
  }

  /** Takes records and orders, one answer after the other. */
  async #take(lease: string, waitMsMax: number, knownRevision: string, signal: AbortSignal): Promise<void> {
    const { client, clock, onOrders } = this.#parts
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
        this.#recovered()
        waitMs = Math.min(waitMsMax, waitMs + 1_000)
        attempt = 0
        after = answer.number
        for (const life of answer.ended) for (const feed of this.#feeds.values()) feed.end(life)
        for (const batch of answer.batches) {
          const feed = this.#feeds.get(batch.group)
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
        await this.#failed(error, attempt, signal)
      }
    }
  }

  /** Reports what was acknowledged, what there is room for and how the receiver is, whenever there is news and now and then. */
  async #give(lease: string, signal: AbortSignal): Promise<void> {
    const { clock } = this.#parts
    let toldMs = Number.NEGATIVE_INFINITY
    for (let number = 0; !signal.aborted; number++) {
      const isDue = clock.monotonicMs() - toldMs >= this.#tuning.heartbeatMs
      const { report, closed } = this.#report(lease, number, isDue)
      if (report.status !== undefined) toldMs = clock.monotonicMs()
      await this.#send(report, signal)
      signal.throwIfAborted()
      this.#noteReported()
      for (const feed of closed) {
        this.#closing.get(feed)?.()
        this.#closing.delete(feed)
      }
      await clock.sleep(this.#tuning.gapMs, signal).catch(() => undefined)
      if (!this.#hasNews()) await this.#wait(this.#tuning.heartbeatMs, signal)
    }
  }

  async #send(report: ReportRequest, signal: AbortSignal): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      signal.throwIfAborted()
      try {
        await this.#parts.client.ask('report', report, z.object({}), signal)
        this.#recovered()
        return
      } catch (error) {
        if (signal.aborted || isLeaseOver(error)) throw error
        await this.#failed(error, attempt, signal)
      }
    }
  }

  #report(lease: string, number: number, isDue: boolean) {
    this.#changed = Promise.withResolvers<void>()
    const acknowledged: ReportRequest['acknowledged'] = []
    const letters: ReportRequest['letters'] = []
    const taken: ReportRequest['taken'] = []
    let rangesLeft: number = agentLimits.rangesMax
    for (const feed of this.#all())
      for (const life of feed.lives) {
        const ranges = life.takeRanges(rangesLeft)
        rangesLeft -= ranges.length
        this.#inFlight += messagesIn(ranges)
        if (ranges.length > 0) acknowledged.push({ life: life.id, ranges })
        letters.push(...life.takeLetters(agentLimits.lettersMax - letters.length))
        if (taken.length < agentLimits.livesMax) taken.push([life.id, life.taken])
      }
    const closed = [...this.#closing.keys()].filter((feed) => !hasNews(feed))
    const open = this.#all().filter((feed) => !closed.includes(feed))
    const status = isDue || this.#isStatusNews ? this.#status : undefined
    this.#isStatusNews = false
    const report: ReportRequest = {
      lease,
      number,
      feeds: open.slice(0, agentLimits.feedsMax).map(({ group, opening }) => ({ group, opening })),
      taken,
      acknowledged,
      letters,
      ...(status && { status: { ...status, nowMs: this.#parts.clock.nowMs() } }),
    }
    return { report, closed }
  }

  /** Those that end first: what they acknowledged is waited for. One group has one feed: the one that ends. */
  #all(): RemoteFeed[] {
    const ending = [...this.#closing.keys()]
    const others = [...this.#feeds.values()].filter((feed) => !ending.some(({ group }) => group === feed.group))
    return [...ending, ...others]
  }

  #hasNews(): boolean {
    return this.#isStatusNews || this.#closing.size > 0 || this.#all().some(hasNews)
  }

  async #close(feed: RemoteFeed): Promise<void> {
    if (this.#feeds.get(feed.group) === feed) this.#feeds.delete(feed.group)
    if (!this.#isHolding) return
    const reported = new Promise<void>((resolve) => this.#closing.set(feed, resolve))
    this.#ring()
    const timeout = new AbortController()
    const late = this.#parts.clock.sleep(this.#tuning.closeMs, timeout.signal).catch(() => undefined)
    await Promise.race([reported, late])
    timeout.abort()
    this.#closing.delete(feed)
    this.#ring()
  }

  async #release(lease: string): Promise<void> {
    const { client, clock } = this.#parts
    const timeout = new AbortController()
    const cancel = clock.after(this.#tuning.releaseMs, () => timeout.abort())
    // Whoever waits for the lease gets it a little later then.
    await client.ask('release', { lease }, z.object({}), timeout.signal).catch(() => undefined)
    cancel()
  }

  #ended(error: unknown): void {
    const { log } = this.#parts
    this.#trouble = describeError(error)
    if (error instanceof LeaseLost) log.warn({ reason: this.#trouble }, 'the lease is over; taking a new one')
    else log.error({ error: this.#trouble }, 'the conversation with the portal broke off')
  }

  async #standBy(error: StandBy, signal: AbortSignal): Promise<void> {
    const { clock, log, random } = this.#parts
    if (this.#trouble !== error.message) log.info({ reason: error.message }, 'standing by')
    this.#trouble = error.message
    this.#hasWorked = true
    const askedMs = error.retryAfterMs ?? this.#tuning.standByMs
    await clock.sleep(askedMs * (0.75 + random() / 2), signal).catch(() => undefined)
  }

  /** @throws the refusal of a token that never worked, when it comes again and again. */
  async #refused(error: RelayError, token: string, signal: AbortSignal): Promise<void> {
    const { clock, log } = this.#parts
    this.#refusals += 1
    this.#trouble = error.message
    if (!this.#hasWorked && this.#refusals >= this.#tuning.refusalsMax) throw error
    const waitMs = this.#hasWorked
      ? Math.min(this.#tuning.refusedMsMax, this.#tuning.refusedMsMin * 2 ** Math.min(this.#refusals - 1, 10))
      : this.#tuning.refusedMsMin / 15
    const { code, nextMove } = error
    log.error({ code, error: error.message, nextMove, retryInMs: waitMs }, 'the portal refuses the token')
    const untilMs = clock.monotonicMs() + waitMs
    // A new token in the file is tried at once.
    while (clock.monotonicMs() < untilMs && this.#parts.token() === token && !signal.aborted)
      await clock.sleep(Math.min(this.#tuning.lookMs, waitMs), signal).catch(() => undefined)
  }

  async #failed(error: unknown, attempt: number, signal: AbortSignal): Promise<void> {
    const { clock, log, random } = this.#parts
    this.#failures += 1
    const known = error instanceof RelayError ? error : undefined
    this.#trouble = describeError(error)
    const ownMs = backoffMs(attempt, this.#tuning.backoff, random)
    const retryInMs = ownMs + (known?.retryAfterMs ?? 0)
    const fields = { code: known?.code, error: this.#trouble, nextMove: known?.nextMove, retryInMs }
    if (this.#failures % this.#tuning.manyFailures === 0)
      log.error({ ...fields, failures: this.#failures }, 'Too many critical errors: the portal cannot be used')
    else if (this.#failures === 1) log.warn(fields, 'the portal cannot be used')
    else log.debug(fields, 'the portal cannot be used')
    await clock.sleep(retryInMs, signal).catch(() => undefined)
  }

  #recovered(): void {
    if (this.#failures === 0) return
    this.#parts.log.info({ failures: this.#failures }, 'the portal answers again')
    this.#failures = 0
    this.#trouble = undefined
  }

  /** What is confirmed and not reported would come twice if the portal ended now: more of it is not made than this. */
  async #reported(): Promise<void> {
    while (this.#unreported() > this.#tuning.unreportedMax)
      await new Promise<void>((resolve) => this.#onReported.push(resolve))
  }

  #unreported(): number {
    let sum = this.#inFlight
    for (const feed of this.#all()) for (const life of feed.lives) sum += life.unreported
    return sum
  }

  #noteReported(): void {
    this.#inFlight = 0
    const waiting = this.#onReported
    this.#onReported = []
    for (const wake of waiting) wake()
  }

  #ring(): void {
    this.#changed.resolve()
  }

  async #wait(ms: number, signal: AbortSignal): Promise<void> {
    const over = new AbortController()
    const late = this.#parts.clock.sleep(ms, AbortSignal.any([over.signal, signal])).catch(() => undefined)
    await Promise.race([this.#changed.promise, late])
    over.abort()
  }
}

function hasNews(feed: RemoteFeed): boolean {
  for (const life of feed.lives) if (life.hasNews) return true
  return false
}

function isRefusal(error: unknown): error is RelayError {
  return error instanceof RelayError && error.code === 'RELAY_AGENT_TOKEN'
}

function isLeaseOver(error: unknown): boolean {
  return error instanceof LeaseLost || isRefusal(error)
}
