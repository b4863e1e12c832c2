/** UDP: one message per datagram on a connected socket, paced. Delivered means handed to the kernel, no more; a connected socket
 *  at least hears that nobody listens, which is counted, shown, and answered with a pause (RFC 5426). */
import type { Socket } from 'node:dgram'
import { RelayError, type SyslogDestination } from '@siem-relay/common'
import { Bell, createPace, earliest, type Pace } from '@siem-relay/delivery'
import { backoffMs } from '@siem-relay/service-kit'
import { messagesIn, type Segment } from '../segment.ts'
import { resolveTarget, type Target, type Targets } from '../targets.ts'
import { codeOf } from '../tls.ts'
import type { Transport, TransportContext } from '../transport.ts'
import type { ResolvedAddress, Tuning } from '../tuning.ts'
import { asRelayError, newSocket, sendDatagram } from './datagram.ts'
import { ReconnectDelay } from './reconnect.ts'

export interface UdpSettings {
  readonly destination: SyslogDestination
  readonly targets: Targets
  readonly tuning: Tuning
  /** Replaced in tests. */
  readonly createSocket?: (family: number) => Socket
}

/** Datagrams handed to the kernel before the answers are awaited. */
const groupMessagesMax = 32
/** After sending for this long without a refusal, somebody listens again. */
const quietMs = 1_000
/** So many refusals in a row, and the next receiver is tried, if there is one. */
const refusalsMax = 3
const refusedPause = { minMs: 100, maxMs: 5_000 }

interface Link {
  readonly socket: Socket
  readonly target: Target
  readonly address: ResolvedAddress
  lookupAtMs: number
}

export class UdpTransport implements Transport {
  readonly #settings: UdpSettings
  readonly #context: TransportContext
  readonly #bell: Bell
  readonly #pace: Pace
  readonly #delay: ReconnectDelay
  readonly #closing = new AbortController()
  /** What is being sent, and how far. */
  #segment: Segment | undefined
  #next = 0
  #refusals = 0
  #pausedUntilMs: number | undefined
  #firstSendMs: number | undefined
  #error: Error | undefined

  constructor(settings: UdpSettings, context: TransportContext) {
    this.#settings = settings
    this.#context = context
    this.#bell = new Bell(context.clock)
    this.#pace = createPace(settings.destination.messagesPerSecondMax ?? 2_000, context.clock)
    this.#delay = new ReconnectDelay(context.random, settings.tuning.slowRetryMs)
  }

  pushed(): void {
    this.#bell.ring()
  }

  /** Everything handed over is delivered by this measure: there is nothing to hurry. */
  drain(): void {}

  close(): void {
    this.#closing.abort()
    this.#bell.ring()
  }

  async run(): Promise<void> {
    const { signal } = this.#closing
    while (!signal.aborted) {
      let link: Link | undefined
      try {
        link = await this.#open()
        this.#context.report.connected(link.target.name)
        await this.#send(link)
      } catch (error) {
        if (signal.aborted) break
        const failure = asRelayError(error, link?.target)
        if (link !== undefined) this.#settings.targets.failed(link.target)
        const waitMs = this.#delay.after(failure)
        this.#context.report.failed(failure, waitMs)
        await this.#context.clock.sleep(waitMs, signal).catch(() => {})
      } finally {
        link?.socket.close()
      }
    }
    this.#bell.close()
  }

  async #open(): Promise<Link> {
    const { targets, tuning, destination } = this.#settings
    const { clock, report } = this.#context
    let last: unknown
    for (const target of targets.inOrder()) {
      try {
        const [address] = await resolveTarget(target, { clock, tuning, timeoutMs: destination.connectTimeoutMs })
        if (address === undefined) continue
        const socket = await this.#connect(target, address)
        targets.connected(target)
        return { socket, target, address, lookupAtMs: clock.monotonicMs() + tuning.lookupEveryMs }
      } catch (error) {
        this.#closing.signal.throwIfAborted()
        last = asRelayError(error, target)
        report.connectFailed()
      }
    }
    throw last
  }

  #connect({ port }: Target, { address, family }: ResolvedAddress): Promise<Socket> {
    const socket = (this.#settings.createSocket ?? newSocket)(family)
    this.#error = undefined
    this.#refusals = 0
    this.#pausedUntilMs = undefined
    return new Promise((resolve, reject) => {
      socket.once('error', reject)
      socket.connect(port, address, () => {
        socket.off('error', reject)
        // What the receiver's machine answers later arrives here, after the send has long succeeded.
        socket.on('error', (error) => (codeOf(error) === 'ECONNREFUSED' ? this.#noteRefusal() : this.#noteError(error)))
        resolve(socket)
      })
    })
  }

  /** Sends until closed, or until the receiver's name means another address. */
  async #send(link: Link): Promise<void> {
    const { clock, window } = this.#context
    for (;;) {
      this.#closing.signal.throwIfAborted()
      if (this.#error !== undefined) throw this.#error
      if (clock.monotonicMs() >= link.lookupAtMs && (await this.#hasMoved(link))) return
      this.#noteQuiet(link)
      if (this.#segment === undefined) {
        this.#segment = window.takeUnsent()
        this.#next = 0
      }
      const isIdle = this.#segment === undefined
      const waitUntilMs = this.#segment === undefined ? undefined : await this.#sendSome(link, this.#segment)
      if (isIdle || waitUntilMs !== undefined)
        await this.#bell.wait(earliest(link.lookupAtMs, waitUntilMs, this.#quietAtMs()))
    }
  }

  /** Sends a group of datagrams; returns when to go on, if not now. */
  async #sendSome(link: Link, segment: Segment): Promise<number | undefined> {
    const { clock, window } = this.#context
    if (segment.feed.revoked) {
      window.confirm(segment)
      this.#segment = undefined
      return undefined
    }
    if (this.#pausedUntilMs !== undefined && clock.monotonicMs() < this.#pausedUntilMs) return this.#pausedUntilMs
    this.#pausedUntilMs = undefined
    const count = this.#pace.take(Math.min(groupMessagesMax, segment.ends.length - this.#next))
    if (count === 0) return this.#pace.nextAtMs()
    this.#firstSendMs ??= clock.monotonicMs()
    const group = Array.from({ length: count }, (_, i) =>
      sendDatagram(link.socket, messagesIn(segment, this.#next + i, this.#next + i + 1)),
    )
    const outcomes = await Promise.all(group)
    this.#noteOutcomes(segment, outcomes)
    return this.#pausedUntilMs
  }

  /** Goes on behind the last datagram before the first failure; those behind it go out again. */
  #noteOutcomes(segment: Segment, outcomes: readonly (Error | undefined)[]): void {
    const { report, window } = this.#context
    let bytes = 0
    let messages = 0
    let failure: Error | undefined
    for (const outcome of outcomes) {
      if (codeOf(outcome) === 'EMSGSIZE') this.#refuse(segment, this.#next)
      else if (outcome !== undefined) {
        failure = outcome
        break
      } else {
        bytes += messagesIn(segment, this.#next, this.#next + 1).length
        messages++
      }
      this.#next++
    }
    if (messages > 0) report.sent(messages, bytes, 0)
    if (this.#next === segment.ends.length) {
      window.confirm(segment)
      this.#segment = undefined
      this.#delay.reset()
    }
    if (failure === undefined) return
    // The refusal belongs to an earlier datagram; the kernel reports it by refusing to send this one.
    if (codeOf(failure) === 'ECONNREFUSED') this.#noteRefusal()
    else throw failure
  }

  #refuse(segment: Segment, index: number): void {
    const length = messagesIn(segment, index, index + 1).length
    const error = new RelayError(
      'RELAY_FRAME_TOO_LARGE',
      `a message of ${length} bytes is larger than the network takes in one datagram; it went to dead-letters`,
    )
    segment.refused ??= new Set()
    segment.refused.add(index)
    this.#context.report.deadLetter(segment, index, error, 1)
  }

  #noteRefusal(): void {
    const { clock, random, report } = this.#context
    this.#refusals++
    this.#firstSendMs = undefined
    const pauseMs = backoffMs(this.#refusals, refusedPause, random)
    this.#pausedUntilMs = clock.monotonicMs() + pauseMs
    const refused = new RelayError(
      'RELAY_RECEIVER_UNREACHABLE',
      `nobody listens at the UDP port of the receiver (${this.#refusals} refusals in a row); sending on after a pause`,
    )
    report.refused()
    report.failed(refused, pauseMs)
    if (this.#refusals >= refusalsMax && this.#settings.targets.count > 1) this.#error = refused
    this.#bell.ring()
  }

  #noteError(error: Error): void {
    this.#error = error
    this.#bell.ring()
  }

  /** Sending for a while without a refusal: somebody listens again. */
  #noteQuiet(link: Link): void {
    const quietAtMs = this.#quietAtMs()
    if (quietAtMs === undefined || this.#context.clock.monotonicMs() < quietAtMs) return
    this.#refusals = 0
    this.#context.report.recovered(link.target.name)
  }

  #quietAtMs(): number | undefined {
    return this.#refusals === 0 || this.#firstSendMs === undefined ? undefined : this.#firstSendMs + quietMs
  }

  async #hasMoved(link: Link): Promise<boolean> {
    const { tuning, destination, targets } = this.#settings
    const { clock } = this.#context
    if (targets.failbackIsDue()) return true
    // A resolver that fails for a while says nothing against the address in use.
    const addresses = await resolveTarget(link.target, {
      clock,
      tuning,
      timeoutMs: destination.connectTimeoutMs,
    }).catch(() => [link.address])
    if (!addresses.some(({ address }) => address === link.address.address)) return true
    link.lookupAtMs = clock.monotonicMs() + tuning.lookupEveryMs
    return false
  }
}
