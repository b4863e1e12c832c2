/** Opens one TCP or TLS connection to a receiver: every host in its order, every address of a name, with a time limit each. */
import { connect as connectTcp, type Socket } from 'node:net'
import { type ConnectionOptions, connect as connectTls, TLSSocket } from 'node:tls'
import { type Clock, describeError, RelayError, type SyslogDestination } from '@siem-relay/common'
import type { CertificateHolder } from '@siem-relay/delivery'
import { resolveTarget, type Target, type Targets } from '../targets.ts'
import { codeOf, explainTlsError, handshakeEnded } from '../tls.ts'
import type { ResolvedAddress, Tuning } from '../tuning.ts'
import { StreamLink } from './stream-link.ts'

export interface OpenSettings<Opened> {
  readonly destination: SyslogDestination
  readonly targets: Targets
  readonly clock: Clock
  readonly tuning: Tuning
  /** Undefined on plain TCP. */
  readonly tlsOptions: ((target: Target) => Promise<ConnectionOptions>) | undefined
  /** What has to be said on a new connection before it counts as one; a receiver where this fails is left for the next. */
  readonly begin: (link: StreamLink, signal: AbortSignal) => Promise<Opened>
  /** Told of every attempt that failed. */
  readonly onFailure: () => void
  /** Told until when a certificate of a TLS connection that was made is valid. */
  readonly onCertificate: (holder: CertificateHolder, validUntilMs: number) => void
}

/** The kernel starts asking after this much silence; it finds a dead peer on an idle connection. */
const keepAliveMs = 60_000
/** What Node buffers before `write` says to wait. */
const writeBufferBytes = 262_144

/**
 * Tries all receivers once, in order.
 * @throws {RelayError} the first failure's code, with every receiver's reason; the signal's reason once aborted.
 */
export async function openStream<Opened>(settings: OpenSettings<Opened>, signal: AbortSignal): Promise<Opened> {
  const failures: RelayError[] = []
  for (const target of settings.targets.inOrder()) {
    try {
      const opened = await openTarget(settings, target, signal)
      settings.targets.connected(target)
      return opened
    } catch (error) {
      signal.throwIfAborted()
      failures.push(asRelayError(error, target))
      settings.onFailure()
    }
  }
  const [first] = failures
  if (first === undefined) throw new RelayError('RELAY_CONFIG_INVALID', 'no receiver is configured; set syslog.host')
  if (failures.length === 1) throw first
  throw new RelayError(first.code, failures.map(describeError).join('; '), {
    disposition: first.disposition,
    cause: first,
  })
}

async function openTarget<Opened>(
  settings: OpenSettings<Opened>,
  target: Target,
  signal: AbortSignal,
): Promise<Opened> {
  const { clock, tuning, tlsOptions, destination } = settings
  const addresses = await resolveTarget(target, { clock, tuning, timeoutMs: destination.connectTimeoutMs })
  const options = await tlsOptions?.(target)
  let last: unknown
  for (const address of addresses) {
    signal.throwIfAborted()
    try {
      const link = await openAddress(settings, target, address, options, signal)
      return await begin(settings, link, signal)
    } catch (error) {
      last = error
    }
  }
  throw last
}

async function begin<Opened>(settings: OpenSettings<Opened>, link: StreamLink, signal: AbortSignal): Promise<Opened> {
  try {
    return await settings.begin(link, signal)
  } catch (error) {
    link.close()
    throw error
  }
}

/**
 * Opens one connection to one address.
 * @param observe told of the socket before it connects.
 */
export function openAddress(
  { clock, destination, onCertificate }: Pick<OpenSettings<unknown>, 'clock' | 'destination' | 'onCertificate'>,
  target: Target,
  { address, family }: ResolvedAddress,
  tlsOptions: ConnectionOptions | undefined,
  signal: AbortSignal,
  observe?: (socket: Socket) => void,
): Promise<StreamLink> {
  return new Promise((resolve, reject) => {
    const common = {
      host: address,
      port: target.port,
      family,
      allowHalfOpen: true,
      noDelay: true,
      keepAlive: true,
      keepAliveInitialDelay: keepAliveMs,
      highWaterMark: writeBufferBytes,
    }
    let isConnected = false
    let hasAnswered = false
    const socket: Socket = tlsOptions === undefined ? connectTcp(common) : connectTls({ ...common, ...tlsOptions })
    observe?.(socket)
    const cancelTimeout = clock.after(destination.connectTimeoutMs, () => fail(timedOut()))
    const onAbort = (): void => fail(signal.reason)
    signal.addEventListener('abort', onAbort, { once: true })

    socket.once('connect', () => {
      isConnected = true
    })
    // The first sign of a handshake under way: keys were agreed on. What they are is nobody's business.
    socket.once('keylog', () => {
      hasAnswered = true
    })
    socket.once(tlsOptions === undefined ? 'connect' : 'secureConnect', () => {
      release()
      if (socket instanceof TLSSocket) tellCertificates(socket, onCertificate)
      resolve(new StreamLink(socket, target, clock))
    })
    socket.on('error', onError).on('end', onEnd)
    if (signal.aborted) onAbort()

    function onError(error: Error): void {
      const isHandshake = tlsOptions !== undefined && isConnected
      fail(
        isHandshake
          ? (explainTlsError(error, target) ?? handshakeEnded(target, 'broke off', hasAnswered, error))
          : error,
      )
    }
    function onEnd(): void {
      fail(handshakeEnded(target, 'closed the connection during', hasAnswered))
    }
    function timedOut(): RelayError {
      const afterMs = destination.connectTimeoutMs
      if (isConnected) return handshakeEnded(target, `did not end within ${afterMs} ms`, false)
      return new RelayError(
        'RELAY_RECEIVER_UNREACHABLE',
        `${target.name} (${address}) gave no answer within ${afterMs} ms`,
      )
    }
    function release(): void {
      cancelTimeout()
      signal.removeEventListener('abort', onAbort)
      socket.off('error', onError).off('end', onEnd)
    }
    function fail(error: unknown): void {
      release()
      // A late error of a socket nobody waits for any more.
      socket.on('error', () => {})
      socket.destroy()
      reject(error)
    }
  })
}

/** The relay's own is there whether or not the receiver asked for it. */
function tellCertificates(socket: TLSSocket, tell: OpenSettings<unknown>['onCertificate']): void {
  const held = { own: socket.getX509Certificate(), receiver: socket.getPeerX509Certificate() }
  for (const holder of ['own', 'receiver'] as const) {
    const validUntilMs = held[holder]?.validToDate.getTime()
    if (validUntilMs !== undefined) tell(holder, validUntilMs)
  }
}

function asRelayError(error: unknown, target: Target): RelayError {
  if (error instanceof RelayError) return error
  const code = codeOf(error)
  const what = code === 'ECONNREFUSED' ? 'refused the connection' : 'could not be reached'
  return new RelayError('RELAY_RECEIVER_UNREACHABLE', `${target.name} ${what}; trying again`, { cause: error })
}
