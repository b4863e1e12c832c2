/** RELP: the receiver answers for every message, so delivered means `rsp 200`. At most a window of messages is out without an
 *  answer: the most that can come twice, since a broken session leaves only those to be sent again. TLS starts at connect. */
import { RelayError, type RelpResponse, type SyslogDestination, windowMessagesMaxOf } from '@siem-relay/common'
import { createPace, earliest, type Pace } from '@siem-relay/delivery'
import type { KernelQueues } from '../../proc-net-tcp.ts'
import { noteHanded, type Segment } from '../../segment.ts'
import type { Targets } from '../../targets.ts'
import { explainTlsError } from '../../tls.ts'
import type { Transport, TransportContext } from '../../transport.ts'
import type { Tuning } from '../../tuning.ts'
import { ConnectionLoop } from '../connection-loop.ts'
import { LinkWatch } from '../link-watch.ts'
import type { Part } from './frames.ts'
import type { RelpSession } from './session.ts'

export interface RelpSettings {
  readonly destination: SyslogDestination
  readonly targets: Targets
  readonly tuning: Tuning
  readonly queues: KernelQueues | undefined
  /** Tries all receivers once; the session is open. */
  readonly open: (signal: AbortSignal) => Promise<RelpSession>
}

/** What one write holds, but for the rest of its last segment. */
const writeBytesMax = 262_144
/** So many refusals of one message, and it goes to the dead letters. */
const refusalsMax = 3

export class RelpTransport implements Transport {
  readonly #settings: RelpSettings
  readonly #context: TransportContext
  readonly #loop: ConnectionLoop
  readonly #pace: Pace
  readonly #windowMessagesMax: number
  /** The segment being sent, and its next message. */
  #cursor: { readonly segment: Segment; next: number } | undefined
  /** The message the receiver refused, the oldest one: sent alone until it is answered, so that its neighbours come once. */
  #suspect: { readonly segment: Segment; readonly index: number; refusals: number } | undefined

  constructor(settings: RelpSettings, context: TransportContext) {
    this.#settings = settings
    this.#context = context
    this.#loop = new ConnectionLoop(context, settings.tuning)
    this.#pace = createPace(settings.destination.messagesPerSecondMax, context.clock)
    this.#windowMessagesMax = windowMessagesMaxOf(settings.destination)
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

  run(): Promise<void> {
    return this.#loop.run(() => this.#connectAndSend())
  }

  /** One session; returns for how long to pause. */
  async #connectAndSend(): Promise<number> {
    if (this.#loop.isDone) return this.#loop.untilNeeded(undefined)
    const session = await this.#settings.open(this.#loop.signal)
    this.#context.report.connected(session.link.target.name)
    return (await this.#useSession(session)) === 'left' ? 0 : this.#loop.afterIdleClose(session.link.openedMs)
  }

  /** Uses a session until we leave it while idle, or the receiver ends it while idle. */
  async #useSession(session: RelpSession): Promise<'left' | 'ended'> {
    const { clock, window } = this.#context
    const { signal, bell } = this.#loop
    const { link } = session
    const watch = new LinkWatch(link, this.#settings.queues, clock, bell)
    this.#cursor = undefined
    link.attach(bell)
    try {
      for (;;) {
        signal.throwIfAborted()
        this.#takeAnswers(session)
        if (session.closedByServer || link.isBroken) {
          if (!window.isEmpty) throw this.#explainBreak(session)
          return 'ended'
        }
        this.#refuseSilence(session, watch)
        const writeAtMs = this.#write(session)
        if (this.#mayLeave()) {
          await this.#leave(session)
          return 'left'
        }
        const lookAtMs = watch.look(this.#settings.tuning.lookMs)
        await bell.wait(earliest(writeAtMs, lookAtMs, this.#answerDueMs(session)))
      }
    } catch (error) {
      // Bytes of a given-up connection must not arrive after their copies.
      if (window.hasUnconfirmed) link.reset()
      if (!signal.aborted) this.#settings.targets.failed(link.target)
      throw error
    } finally {
      link.close()
    }
  }

  /** Confirms what was accepted. @throws {RelayError} when a message was refused, or the receiver broke the protocol. */
  #takeAnswers(session: RelpSession): void {
    for (const answer of session.takeAnswers()) {
      if ('refused' in answer) this.#noteRefusal(session, answer.refused)
      else {
        this.#suspect = undefined
        this.#loop.noteProgress()
        this.#context.window.confirmMessages(answer.accepted)
      }
    }
    if (session.failure !== undefined)
      throw new RelayError(
        'RELAY_RECEIVER_PROTOCOL',
        `${session.link.target.name} broke the protocol; ${this.#unanswered()}`,
        { cause: session.failure },
      )
  }

  /** Counts the refusal of the oldest message. @throws {RelayError} until it was refused often enough to be left out. */
  #noteRefusal({ link }: RelpSession, { code, text }: RelpResponse): void {
    const { report, window } = this.#context
    const segment = window.oldest
    if (segment === undefined) return
    const index = segment.confirmed
    const isSame = this.#suspect?.segment === segment && this.#suspect.index === index
    const refusals = isSame ? (this.#suspect?.refusals ?? 0) + 1 : 1
    this.#suspect = { segment, index, refusals }
    report.declined()
    const what = `${link.target.name} refused a message with ${code ?? 'no code'} ${text}`
    if (refusals < refusalsMax)
      throw new RelayError('RELAY_RECEIVER_REFUSED', `${what}; ${this.#unanswered()}`, { disposition: 'retry' })
    this.#suspect = undefined
    segment.refused ??= new Set()
    segment.refused.add(index)
    const error = new RelayError('RELAY_RECEIVER_REFUSED', `${what}, ${refusals} times; it went to dead-letters`)
    report.deadLetter(segment, index, error, refusals)
    window.confirmMessages(1)
  }

  /** Writes what may be written; returns when the pace allows more, if that is what it waits for. */
  #write(session: RelpSession): number | undefined {
    const { report, window } = this.#context
    while (session.link.mayWrite && (this.#cursor !== undefined || window.hasUnsent)) {
      const room = this.#room(session)
      if (room === 0) return undefined
      const allowed = this.#pace.take(room)
      if (allowed === 0) return this.#pace.nextAtMs()
      const parts = this.#nextParts(allowed)
      const bytes = session.sendMessages(parts)
      let messages = 0
      let again = 0
      for (const { segment, from, to } of parts) {
        messages += to - from
        again += noteHanded(segment, from, to)
      }
      // What was taken of the pace and not used goes back.
      this.#pace.charge(messages - allowed)
      report.sent(messages, bytes, again)
    }
    return undefined
  }

  /** How many more messages may be in flight. Room is used at once, however little: the acknowledgement of our kernel travels with
   *  what we write, and a receiver that waits for it to say more (Nagle, as librelp does) would else wait for its delay. With writes
   *  held back until a quarter was free rsyslog took 2,900 messages a second, like this 45,000, some 20 in a write. */
  #room({ inFlight }: RelpSession): number {
    return Math.max(0, (this.#suspect === undefined ? this.#windowMessagesMax : 1) - inFlight)
  }

  /** The next messages of the window, at most so many. */
  #nextParts(messagesMax: number): readonly Part[] {
    const parts: Part[] = []
    let bytes = 0
    for (let rest = messagesMax; rest > 0 && bytes < writeBytesMax; ) {
      const cursor = this.#cursor ?? this.#nextCursor()
      if (cursor === undefined) break
      const { segment, next: from } = cursor
      const to = Math.min(segment.records.length, from + rest)
      parts.push({ segment, from, to })
      rest -= to - from
      bytes += (segment.ends[to - 1] ?? 0) - (from === 0 ? 0 : (segment.ends[from - 1] ?? 0))
      cursor.next = to
      this.#cursor = to === segment.records.length ? undefined : cursor
    }
    return parts
  }

  #nextCursor(): { readonly segment: Segment; next: number } | undefined {
    const segment = this.#context.window.takeUnsent()
    return segment === undefined ? undefined : { segment, next: segment.confirmed }
  }

  #answerDueMs({ inFlight, lastMoveMs }: RelpSession): number | undefined {
    return inFlight === 0 ? undefined : lastMoveMs + this.#settings.destination.confirmTimeoutMs
  }

  /** @throws {RelayError} when nothing moves: no byte is acknowledged by the receiver's machine, or no message by the receiver. */
  #refuseSilence(session: RelpSession, watch: LinkWatch): void {
    const { stallTimeoutMs, confirmTimeoutMs } = this.#settings.destination
    const { name } = session.link.target
    if (watch.stuckForMs >= stallTimeoutMs)
      throw new RelayError(
        'RELAY_RECEIVER_STALLED',
        `${name} read nothing for ${stallTimeoutMs} ms; ${this.#unanswered()}`,
      )
    const dueMs = this.#answerDueMs(session)
    if (dueMs !== undefined && this.#context.clock.monotonicMs() >= dueMs)
      throw new RelayError(
        'RELAY_RECEIVER_UNCONFIRMED',
        `${name} answered nothing for ${confirmTimeoutMs} ms with ${session.inFlight} messages in flight; ${this.#unanswered()}`,
      )
  }

  #explainBreak({ link, closedByServer }: RelpSession): RelayError {
    const explained = link.isTls && link.error !== undefined ? explainTlsError(link.error, link.target) : undefined
    if (explained !== undefined) return explained
    const how = closedByServer
      ? 'closed the session'
      : link.error === undefined
        ? 'closed the connection'
        : 'broke the connection off'
    return new RelayError('RELAY_RECEIVER_CLOSED', `${link.target.name} ${how}; ${this.#unanswered()}`, {
      cause: link.error,
    })
  }

  #unanswered(): string {
    return `sending everything again from the oldest of ${this.#context.window.messages} unconfirmed messages on`
  }

  /** An idle session may be left when all is done, or to go back to the first host. */
  #mayLeave(): boolean {
    return this.#context.window.isEmpty && (this.#loop.isDraining || this.#settings.targets.failbackIsDue())
  }

  /** Says goodbye, so that the receiver logs no broken session. Everything was answered: what goes wrong here costs nothing. */
  async #leave(session: RelpSession): Promise<void> {
    const { clock } = this.#context
    const { link } = session
    const deadlineMs = clock.monotonicMs() + this.#settings.tuning.goodbyeMs
    const until = async (holds: () => boolean): Promise<void> => {
      while (!holds() && clock.monotonicMs() < deadlineMs) await this.#loop.bell.wait(deadlineMs)
    }
    session.sendClose()
    await until(() => session.isOver || link.isBroken)
    link.halfClose()
    await until(() => link.closed)
  }
}
