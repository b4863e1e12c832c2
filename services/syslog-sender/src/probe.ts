/** The way to a receiver, step by step, for whoever wants to know whether it would work: name, connection, TLS. Sends nothing. */
import { connect, type Socket } from 'node:net'
import { type PeerCertificate, connect as tlsConnect } from 'node:tls'
import { type Clock, RelayError, type SyslogDestination, tlsSettingsOf } from '@siem-relay/common'
import { parseTarget, resolveTarget, type Target } from './targets.ts'
import { createTlsOptions, explainTlsError, handshakeEnded } from './tls.ts'
import { defaultTuning } from './tuning.ts'

interface CertificateFacts {
  readonly subject: string
  readonly issuer: string
  readonly validToMs: number
  readonly protocol: string
}

export interface ReceiverProbe {
  /** `host:port` for people. */
  readonly name: string
  /** @throws {RelayError} `RELAY_RECEIVER_UNREACHABLE`; as sending would. */
  resolve(): Promise<readonly string[]>
  /** @returns milliseconds until the connection stood. @throws {RelayError} `RELAY_RECEIVER_UNREACHABLE` */
  connect(): Promise<number>
  /** @throws {RelayError} `RELAY_RECEIVER_TLS`, `RELAY_RECEIVER_AUTH` */
  handshake(): Promise<CertificateFacts>
}

/** A probe for each receiver of a destination. */
export function openReceiverProbes(syslog: SyslogDestination, clock: Clock): readonly ReceiverProbe[] {
  const hosts = typeof syslog.host === 'string' ? [syslog.host] : syslog.host
  return hosts.map((host) => probeOf(parseTarget(host, syslog.port), syslog, clock))
}

function probeOf(target: Target, syslog: SyslogDestination, clock: Clock): ReceiverProbe {
  const timeoutMs = syslog.connectTimeoutMs
  const resolve = async (): Promise<readonly string[]> =>
    (await resolveTarget(target, { clock, tuning: defaultTuning, timeoutMs })).map(({ address }) => address)
  return {
    name: target.name,
    resolve,
    async connect() {
      const startMs = clock.monotonicMs()
      const socket = await connectTo(target, await resolve(), timeoutMs)
      socket.destroy()
      return clock.monotonicMs() - startMs
    },
    async handshake() {
      const settings = tlsSettingsOf(syslog)
      if (settings === undefined) throw new TypeError(`${target.name} is not spoken to in TLS`)
      const options = await createTlsOptions(settings)(target)
      const plain = await connectTo(target, await resolve(), timeoutMs)
      return handshakeOn(plain, target, (socket) => tlsConnect({ ...options, socket }), timeoutMs)
    },
  }
}

/** To the first address that takes it. */
async function connectTo(target: Target, addresses: readonly string[], timeoutMs: number): Promise<Socket> {
  let cause: unknown
  for (const address of addresses) {
    const socket = connect({ host: address, port: target.port })
    try {
      await new Promise<void>((resolve, reject) => {
        socket.once('connect', resolve)
        socket.once('error', reject)
        socket.setTimeout(timeoutMs, () => reject(new Error(`no answer within ${timeoutMs} ms`)))
      })
      socket.setTimeout(0)
      return socket
    } catch (error) {
      socket.destroy()
      cause = error
    }
  }
  throw new RelayError('RELAY_RECEIVER_UNREACHABLE', `${target.name} takes no connection`, { cause })
}

function handshakeOn(
  plain: Socket,
  target: Target,
  open: (socket: Socket) => ReturnType<typeof tlsConnect>,
  timeoutMs: number,
): Promise<CertificateFacts> {
  return new Promise((resolve, reject) => {
    const socket = open(plain)
    const end = (error: RelayError | undefined): void => {
      socket.destroy()
      if (error !== undefined) reject(error)
    }
    socket.setTimeout(timeoutMs, () => end(handshakeEnded(target, 'did not answer', false)))
    socket.once('error', (error) =>
      end(explainTlsError(error, target) ?? handshakeEnded(target, 'broke off', false, error)),
    )
    socket.once('close', () => end(handshakeEnded(target, 'closed', false)))
    socket.once('secureConnect', () => {
      resolve(factsOf(socket.getPeerCertificate(), socket.getProtocol() ?? 'TLS'))
      end(undefined)
    })
  })
}

function factsOf({ subject, issuer, valid_to: validTo }: PeerCertificate, protocol: string): CertificateFacts {
  const nameOf = (name: PeerCertificate['subject'] | undefined): string => String(name?.CN ?? name?.O ?? 'no name')
  return { subject: nameOf(subject), issuer: nameOf(issuer), validToMs: Date.parse(validTo), protocol }
}
