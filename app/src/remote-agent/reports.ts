/** What the portal has yet to hear: what each feed acknowledged and has room for, which feeds have ended, how the receiver is. */
import type { DeliverSpec } from '@siem-relay/bus'
import { agentLimits, type Clock, type RemoteStatus, type ReportRequest } from '@siem-relay/common'
import { RemoteFeed } from './remote-feed.ts'
import { messagesIn } from './remote-life.ts'
import type { SessionTuning } from './tuning.ts'

export interface ReportsParts {
  readonly clock: Clock
  readonly random: () => number
}

export type Status = Omit<RemoteStatus, 'nowMs'>

export class Reports {
  readonly #parts: ReportsParts
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

  constructor(parts: ReportsParts, tuning: SessionTuning) {
    this.#parts = parts
    this.#tuning = tuning
  }

  /** Those that go on, by group. */
  get feeds(): ReadonlyMap<string, RemoteFeed> {
    return this.#feeds
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

  leaseBegins(): void {
    this.#isHolding = true
  }

  /** What is not reported comes again under the next one. */
  leaseEnds(): void {
    this.#isHolding = false
    for (const feed of this.#feeds.values()) feed.leaseEnded()
    for (const closed of this.#closing.values()) closed()
    this.#closing.clear()
    this.#noteReported()
  }

  /** @returns what there is to tell now, and the feeds that are over once it has arrived. */
  take(lease: string, number: number, isDue: boolean) {
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

  /** The portal has what was taken last. */
  arrived(closed: readonly RemoteFeed[]): void {
    this.#noteReported()
    for (const feed of closed) {
      this.#closing.get(feed)?.()
      this.#closing.delete(feed)
    }
  }

  /** Resolves when there is something to tell, or it is time to tell that there is nothing. */
  async news(signal: AbortSignal): Promise<void> {
    if (this.#isStatusNews || this.#closing.size > 0 || this.#all().some(hasNews)) return
    const over = new AbortController()
    const { clock } = this.#parts
    const late = clock.sleep(this.#tuning.heartbeatMs, AbortSignal.any([over.signal, signal])).catch(() => undefined)
    await Promise.race([this.#changed.promise, late])
    over.abort()
  }

  /** Those that end first: what they acknowledged is waited for. One group has one feed: the one that ends. */
  #all(): RemoteFeed[] {
    const ending = [...this.#closing.keys()]
    const others = [...this.#feeds.values()].filter((feed) => !ending.some(({ group }) => group === feed.group))
    return [...ending, ...others]
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
}

function hasNews(feed: RemoteFeed): boolean {
  for (const life of feed.lives) if (life.hasNews) return true
  return false
}
