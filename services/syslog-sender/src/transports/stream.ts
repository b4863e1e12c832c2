/** TCP and TLS: one connection at a time carries all partitions of an agent; what a connection leaves unconfirmed goes out
 *  again on the next, from the oldest on. When a message counts as delivered is decided in confirm/, how a connection is
 *  opened in stream-open.ts. */
import { RelayError, type SyslogDestination } from '@siem-relay/common'
import { createPace, earliest, type Pace } from '@siem-relay/delivery'
import type { Confirmation } from '../confirm/confirmation.ts'
import type { KernelQueues } from '../proc-net-tcp.ts'
import { noteHanded } from '../segment.ts'
import type { Targets } from '../targets.ts'
import { explainTlsError } from '../tls.ts'
import type { Transport, TransportContext } from '../transport.ts'
import type { Tuning } from '../tuning.ts'
import { ConnectionLoop } from './connection-loop.ts'
import { LinkWatch } from './link-watch.ts'
import type { StreamLink } from './stream-link.ts'

export interface StreamSettings {
  readonly destination: SyslogDestination
  readonly targets: Targets
  readonly tuning: Tuning
  readonly queues: KernelQueues | undefined
  /** Makes the measure of delivery; asked once. */
  readonly confirmation: (isDraining: () => boolean) => Confirmation
  /** Tries all receivers once. */
  readonly open: (signal: AbortSignal) => Promise<StreamLink>
}

/** A connection opened ahead: its link once it is there, undefined if that failed (the next round says why). */
type OpenedAhead = Promise<StreamLink | undefined>

export class StreamTransport implements Transport {
  readonly #settings: StreamSettings
  readonly #context: TransportContext
  readonly #loop: ConnectionLoop
  readonly #pace: Pace
  readonly #confirmation: Confirmation
  /** The receiver has confirmed something on the connection before this one, and nothing failed since. */
  #isProven = false
  /** Connections in a row that the receiver closed right after the handshake. */
  #earlyCloses = 0
  #ahead: OpenedAhead | undefined

  constructor(settings: StreamSettings, context: TransportContext) {
    this.#settings = settings
    this.#context = context
    this.#loop = new ConnectionLoop(context, settings.tuning)
    this.#pace = createPace(settings.destination.messagesPerSecondMax, context.clock)
    this.#confirmation = settings.confirmation(() => this.#loop.isDraining)
  }

  pushed(): void {
    this.#loop.bell.ring()
  }

  drain(): void {
    this.#loop.drain()
  }

  close(): void {
    this.#loop.close()
  }

  async run(): Promise<void> {
    await this.#loop.run(() => this.#connectAndSend())
    this.#dropAhead()
  }

  /** One connection after another until there is a reason to pause; returns for how long. */
  async #connectAndSend(): Promise<number> {
    if (this.#loop.isDone) return this.#loop.untilNeeded(undefined)
    let link = await this.#nextLink()
    for (;;) {
      this.#context.report.connected(link.target.name)
      const outcome = await this.#useLink(link)
      if (outcome === 'rotate') {
        this.#noteProgress()
        if (this.#loop.isDone) return 0
        link = await this.#nextLink()
        continue
      }
      if (outcome === 'leave') return 0
      this.#isProven = false
      return this.#loop.afterIdleClose(link.openedMs)
    }
  }

  /** Uses one connection until it is done with: `rotate` confirmed and closed, `leave` given up while idle, `ended` by the receiver while idle. */
  async #useLink(link: StreamLink): Promise<'rotate' | 'leave' | 'ended'> {
    const { clock, window } = this.#context
    const { signal, bell } = this.#loop
    const watch = new LinkWatch(link, this.#settings.queues, clock, bell)
    link.attach(bell)
    this.#confirmation.begin(link, watch, this.#isProven)
    try {
      for (;;) {
        signal.throwIfAborted()
        const before = window.messages
        if (this.#confirmation.review() === 'rotate') return 'rotate'
        if (window.messages < before) this.#noteProgress()
        if (link.isBroken) {
          if (window.hasUnconfirmed || this.#closedEarly(link)) throw this.#explainBreak(link)
          return 'ended'
        }
        this.#refuseStall(link, watch)
        const writeAtMs = this.#write(link)
        if (this.#mayLeave()) return 'leave'
        if (this.#confirmation.wantsNext()) this.#openAhead()
        const lookAtMs = watch.look(this.#confirmation.lookEveryMs())
        await bell.wait(earliest(writeAtMs, lookAtMs, this.#confirmation.nextReviewMs()))
      }
    } catch (error) {
      // Bytes of a given-up connection must not arrive after their copies.
      if (window.hasUnconfirmed) link.reset()
      this.#isProven = false
      this.#dropAhead()
      if (!signal.aborted) this.#settings.targets.failed(link.target)
      throw error
    } finally {
      link.close()
    }
  }

  /** Writes what may be written; returns when the pace allows more, if that is what it waits for. */
  #write(link: StreamLink): number | undefined {
    const { window, report } = this.#context
    while (link.mayWrite && this.#confirmation.mayWrite() && window.hasUnsent) {
      if (this.#pace.take(1) === 0) return this.#pace.nextAtMs()
      const segment = window.takeUnsent()
      if (segment === undefined) return undefined
      // The segment's other messages are paid for in advance; the pace makes up for them.
      const messages = segment.records.length
      this.#pace.charge(messages - 1)
      link.write(segment.bytes)
      this.#confirmation.wrote(segment)
      report.sent(messages, segment.bytes.length, noteHanded(segment, 0, messages))
    }
    return undefined
  }

  #explainBreak(link: StreamLink): RelayError {
    const { window } = this.#context
    const explained = link.isTls && link.error !== undefined ? explainTlsError(link.error, link.target) : undefined
    if (explained !== undefined) return explained
    const how = link.error === undefined ? 'closed the connection' : 'broke the connection off'
    const closed = new RelayError(
      'RELAY_RECEIVER_CLOSED',
      `${link.target.name} ${how} with ${window.messages} messages unconfirmed; sending them again`,
      { cause: link.error },
    )
    this.#earlyCloses = this.#closedEarly(link) ? this.#earlyCloses + 1 : 0
    if (this.#earlyCloses < 2) return closed
    return new RelayError(
      'RELAY_RECEIVER_AUTH',
      `${link.target.name} closed ${this.#earlyCloses} times right after the TLS handshake; nothing is counted as delivered`,
      { cause: link.error },
    )
  }

  /** A refused client certificate shows as a close right after a handshake that succeeded. */
  #closedEarly(link: StreamLink): boolean {
    const ageMs = this.#context.clock.monotonicMs() - link.openedMs
    return link.isTls && !this.#isProven && ageMs < this.#settings.tuning.refusalMs
  }

  #refuseStall(link: StreamLink, watch: LinkWatch): void {
    const { stallTimeoutMs } = this.#settings.destination
    if (watch.stuckForMs < stallTimeoutMs) return
    throw new RelayError(
      'RELAY_RECEIVER_STALLED',
      `${link.target.name} read nothing for ${stallTimeoutMs} ms; ${this.#context.window.messages} messages will be sent again`,
    )
  }

  #noteProgress(): void {
    this.#isProven = true
    this.#earlyCloses = 0
    this.#loop.noteProgress()
  }

  /** An idle connection may be left when all is done, or to go back to the first host. */
  #mayLeave(): boolean {
    return this.#context.window.isEmpty && (this.#loop.isDraining || this.#settings.targets.failbackIsDue())
  }

  async #nextLink(): Promise<StreamLink> {
    const ahead = await this.#ahead
    this.#ahead = undefined
    if (ahead?.isOpen && !this.#settings.targets.failbackIsDue()) return ahead
    ahead?.close()
    return this.#settings.open(this.#loop.signal)
  }

  #openAhead(): void {
    this.#ahead ??= this.#settings.open(this.#loop.signal).catch(() => undefined)
  }

  #dropAhead(): void {
    const ahead = this.#ahead
    this.#ahead = undefined
    void ahead?.then((link) => link?.close())
  }
}
