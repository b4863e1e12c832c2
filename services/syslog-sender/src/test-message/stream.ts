/** A test message over TCP, TLS or RELP: connects to one checked address with the code agents send with, and finds out whether the
 *  receiver read the line. */
import type { Socket } from 'node:net'
import { type ConnectionOptions, connect as connectTls, TLSSocket } from 'node:tls'
import { type Clock, type SyslogDestination, tlsSettingsOf } from '@siem-relay/common'
import { Bell } from '@siem-relay/delivery'
import type { Target } from '../targets.ts'
import { createTlsOptions, explainTlsError } from '../tls.ts'
import { openRelp } from '../transports/relp/open.ts'
import type { RelpSession } from '../transports/relp/session.ts'
import type { StreamLink } from '../transports/stream-link.ts'
import { openAddress } from '../transports/stream-open.ts'
import type { ResolvedAddress } from '../tuning.ts'
import { describeTls } from './certificate.ts'
import { wantsCertificate, wantsTls } from './explain.ts'
import type { TestLine } from './line.ts'
import { StepFailure, type Steps } from './steps.ts'

export interface TestTimes {
  /** For the whole test. */
  readonly totalMs: number
  readonly dnsMs: number
  readonly connectMs: number
  /** A receiver that refuses us closes within this time. */
  readonly settleMs: number
  /** For the receiver's close after ours, and for answers of RELP. */
  readonly confirmMs: number
  /** For an answer to the question whether a port speaks TLS. */
  readonly probeMs: number
  /** UDP: how long a refusal is waited for. */
  readonly refusalMs: number
}

export interface StreamTest {
  readonly destination: SyslogDestination
  readonly target: Target
  readonly address: ResolvedAddress
  readonly line: TestLine
  readonly steps: Steps
  readonly clock: Clock
  readonly times: TestTimes
  readonly signal: AbortSignal
}

/** What the other side says is looked at for its kind only. */
const receivedBytesMax = 65_536
const tlsAlert = 0x15
const tlsMajor = 0x03

/** @throws whatever ends it; the step under way is the one that failed. */
export async function testStream(test: StreamTest): Promise<void> {
  const { destination, steps } = test
  const link = await connect(test)
  try {
    if (destination.protocol === 'relp') await throughRelp(test, link)
    else await throughStream(test, link)
  } finally {
    link.close()
  }
  steps.ok(
    destination.protocol === 'relp'
      ? 'the receiver accepted the line'
      : 'the receiver read everything up to our close, and closed in order',
  )
}

async function connect({ destination, target, address, steps, clock, times, signal }: StreamTest): Promise<StreamLink> {
  steps.begin('connect')
  const tls = tlsSettingsOf(destination)
  const opening = {
    clock,
    destination: { ...destination, connectTimeoutMs: times.connectMs },
    onCertificate: () => undefined,
  }
  // What is wrong with a certificate is judged here, with the certificate at hand; nothing is sent before that.
  const options: ConnectionOptions | undefined =
    tls === undefined ? undefined : { ...(await createTlsOptions(tls)(target)), rejectUnauthorized: false }
  let socket: Socket | undefined
  const link = await openAddress(opening, target, address, options, signal, (made) => {
    socket = made
    made.once('connect', () => {
      steps.ok(`connected to ${address.address} port ${target.port}`)
      if (tls !== undefined) steps.begin('tls')
    })
  })
  if (!(socket instanceof TLSSocket)) return link
  try {
    const seen = describeTls(socket)
    if (!socket.authorized) {
      const code = String(socket.authorizationError ?? '')
      const error = explainTlsError(Object.assign(new Error(code), { code }), target)
      if (tls?.verify !== false) throw withSeen(error, seen)
      steps.end({
        outcome: 'warning',
        seen: `${seen}; it is not verified`,
        fix: 'Set tls.caFile and take verify: false out: anyone in between can read and change what is sent.',
      })
    } else steps.ok(seen)
    return link
  } catch (error) {
    link.close()
    throw error
  }
}

function withSeen(error: unknown, seen: string): Error {
  return Object.assign(error instanceof Error ? error : new Error(String(error)), { seen })
}

async function throughStream(test: StreamTest, link: StreamLink): Promise<void> {
  const { line, steps, times, clock, signal } = test
  const watch = new Watch(link, clock, signal)
  try {
    steps.begin('send')
    link.write(line.segment.bytes)
    await watch.until(() => link.pendingBytes === 0 || link.isBroken, times.connectMs)
    if (link.pendingBytes > 0 && !link.isBroken)
      throw new StepFailure('the receiver does not read', "Check the receiver's load, queues and disk.")
    steps.ok(`${line.segment.bytes.length} bytes handed over`)
    steps.begin('confirm')
    await watch.until(() => link.isBroken, Math.max(0, times.settleMs - (clock.monotonicMs() - link.openedMs)))
    if (link.isBroken) throw await whyBroken(test, link, watch)
    link.halfClose()
    await watch.until(() => link.endedByPeer || link.closed || link.error !== undefined, times.confirmMs)
    if (link.error !== undefined || (link.closed && !link.endedByPeer)) throw await whyBroken(test, link, watch)
    if (!link.endedByPeer) throw await whySilent(test)
    if (watch.received > 0)
      throw new StepFailure(
        'something answered with bytes of its own: a syslog receiver says nothing',
        'Check that host and port are those of the syslog receiver.',
      )
  } finally {
    watch.close()
  }
}

async function throughRelp(test: StreamTest, link: StreamLink): Promise<void> {
  const { line, steps, times, clock, signal } = test
  steps.begin('send')
  const opening = { clock, timeoutMs: times.confirmMs, firstTxnr: 1 }
  const session = await openRelp(link, opening, signal).catch(async (error) => {
    // A receiver that answered RELP is not asked for anything else.
    const hasAnswered = /refused the session|takes no syslog/.test(String(error?.message))
    if (link.isTls || hasAnswered || !(await speaksTls(test))) throw error
    throw new StepFailure(...wantsTls)
  })
  const bytes = session.sendMessages([{ segment: line.segment, from: 0, to: 1 }])
  steps.ok(`the session is open, ${bytes} bytes handed over`)
  steps.begin('confirm')
  const watch = new Watch(link, clock, signal, false)
  try {
    const isOver = (): boolean => link.isBroken || session.failure !== undefined || session.closedByServer
    await watch.until(() => session.inFlight === 0 || isOver(), times.confirmMs)
    if (session.inFlight > 0) throw whyUnanswered(session, isOver())
    if (session.takeAnswers().some((answer) => 'refused' in answer))
      throw new StepFailure('the receiver refused the line', "Look into the receiver's log for why.")
    session.sendClose()
    await watch.until(() => session.isOver || link.isBroken, times.settleMs)
  } finally {
    watch.close()
  }
}

function whyUnanswered(session: RelpSession, isOver: boolean): StepFailure {
  if (session.failure !== undefined)
    return new StepFailure(
      'the receiver broke the rules of RELP',
      'Check that a RELP receiver (rsyslog imrelp) listens at this port.',
    )
  return isOver
    ? new StepFailure(
        'the receiver closed the connection instead of answering',
        "Look into the receiver's log for why.",
      )
    : new StepFailure('the receiver did not answer in time', "Check the receiver's queues and disk.")
}

async function whyBroken(test: StreamTest, link: StreamLink, watch: Watch): Promise<Error> {
  if (link.isTls) {
    const explained = link.error === undefined ? undefined : explainTlsError(link.error, test.target)
    return explained ?? new StepFailure(...wantsCertificate)
  }
  if (watch.isTlsAlert || (await speaksTls(test))) return new StepFailure(...wantsTls)
  if (watch.received > 0)
    return new StepFailure(
      'something answered and closed the connection: it is no syslog receiver',
      'Check that host and port are those of the syslog receiver.',
    )
  return new StepFailure(
    'the connection was closed at once',
    "Look into the receiver's log: it may not let this machine in, or a proxy in between has nobody behind it.",
  )
}

async function whySilent(test: StreamTest): Promise<Error> {
  if (test.destination.protocol === 'tcp' && (await speaksTls(test))) return new StepFailure(...wantsTls)
  return new StepFailure(
    'the line was taken, and the receiver did not close after our half-close: whether it read the line is not known',
    'Look for the line at the receiver. If it is there, set confirm: tcp-ack for this receiver.',
  )
}

/** Whether the port answers to the beginning of a TLS handshake. Nothing else is said to it. */
function speaksTls({ address, target, times, clock, signal }: StreamTest): Promise<boolean> {
  if (signal.aborted) return Promise.resolve(false)
  return new Promise((resolve) => {
    const socket = connectTls({ host: address.address, port: target.port, rejectUnauthorized: false })
    const cancel = clock.after(times.probeMs, () => end(false))
    const abort = (): void => end(false)
    signal.addEventListener('abort', abort, { once: true })
    socket.once('keylog', () => end(true)).once('secureConnect', () => end(true))
    socket.on('error', (error) => end(/ALERT/.test(String(Object(error).code))))
    socket.on('close', () => end(false))

    function end(answer: boolean): void {
      cancel()
      signal.removeEventListener('abort', abort)
      socket.destroy()
      resolve(answer)
    }
  })
}

/** Waits for facts of a link. */
class Watch {
  received = 0
  #first = Buffer.alloc(0)
  readonly #bell: Bell
  readonly #clock: Clock
  readonly #signal: AbortSignal
  readonly #wake = (): void => this.#bell.ring()

  /** @param listens what comes in is counted here; not where a session reads it. */
  constructor(link: StreamLink, clock: Clock, signal: AbortSignal, listens = true) {
    this.#bell = new Bell(clock)
    this.#clock = clock
    this.#signal = signal
    link.attach(this.#bell)
    signal.addEventListener('abort', this.#wake, { once: true })
    if (listens)
      link.listen((chunk) => {
        this.received += chunk.length
        if (this.#first.length < 2) this.#first = Buffer.concat([this.#first, chunk.subarray(0, 2)])
        if (this.received > receivedBytesMax) link.close()
      })
  }

  get isTlsAlert(): boolean {
    return this.#first[0] === tlsAlert && this.#first[1] === tlsMajor
  }

  /** Returns when it is so, or after the time. @throws the signal's reason */
  async until(isSo: () => boolean, ms: number): Promise<void> {
    const deadlineMs = this.#clock.monotonicMs() + ms
    while (!isSo() && this.#clock.monotonicMs() < deadlineMs) {
      this.#signal.throwIfAborted()
      await this.#bell.wait(deadlineMs)
    }
    this.#signal.throwIfAborted()
  }

  close(): void {
    this.#signal.removeEventListener('abort', this.#wake)
    this.#bell.close()
  }
}
