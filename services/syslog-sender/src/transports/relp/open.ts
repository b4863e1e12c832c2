/** The first exchange of a RELP session: `open` with our offers, and the receiver's answer within the time of a connect. Says
 *  in the operator's words why a receiver is none. */
import { type Clock, RelayError } from '@siem-relay/common'
import { Bell } from '@siem-relay/delivery'
import { explainTlsError } from '../../tls.ts'
import type { StreamLink } from '../stream-link.ts'
import { RelpSession } from './session.ts'

export interface OpenRelpSettings {
  readonly clock: Clock
  readonly timeoutMs: number
  /** 1, but for tests of what follows the last number. */
  readonly firstTxnr: number
}

/**
 * Opens a session on a new connection.
 * @throws {RelayError} `RELAY_RECEIVER_PROTOCOL` when the receiver refuses, says something else or nothing, or closes;
 *   `RELAY_RECEIVER_AUTH` when it closes a TLS connection; the signal's reason once aborted.
 */
export async function openRelp(
  link: StreamLink,
  { clock, timeoutMs, firstTxnr }: OpenRelpSettings,
  signal: AbortSignal,
): Promise<RelpSession> {
  const bell = new Bell(clock)
  const wake = (): void => bell.ring()
  signal.addEventListener('abort', wake, { once: true })
  link.attach(bell)
  const session = new RelpSession(link, clock, firstTxnr)
  const deadlineMs = clock.monotonicMs() + timeoutMs
  try {
    session.sendOpen()
    for (;;) {
      signal.throwIfAborted()
      if (isOpen(session)) return session
      if (clock.monotonicMs() >= deadlineMs)
        throw protocolError(`${link.target.name} did not answer open within ${timeoutMs} ms: is it a RELP receiver?`)
      await bell.wait(deadlineMs)
    }
  } finally {
    signal.removeEventListener('abort', wake)
    bell.close()
  }
}

/** @throws {RelayError} when it will never be. */
function isOpen({ link, failure, openAnswer, closedByServer }: RelpSession): boolean {
  const { name } = link.target
  if (failure !== undefined) throw protocolError(`${name} does not speak RELP`, { disposition: 'stop', cause: failure })
  if (openAnswer !== undefined) {
    const { code, text, offers } = openAnswer
    if (code !== 200)
      throw protocolError(`${name} refused the session: ${code ?? 'no code'} ${text}`, { disposition: 'stop' })
    const commands = offers.get('commands')
    if (commands !== undefined && !commands.split(',').includes('syslog'))
      throw protocolError(`${name} takes no syslog, only ${JSON.stringify(commands)}`, { disposition: 'stop' })
    return true
  }
  if (closedByServer || link.isBroken) throw explainClose(link)
  return false
}

function explainClose(link: StreamLink): RelayError {
  const { name } = link.target
  const explained = link.isTls && link.error !== undefined ? explainTlsError(link.error, link.target) : undefined
  if (explained !== undefined) return explained
  const what = `${name} closed the connection instead of answering open`
  // How a receiver behaves that does not like our certificate and finds out after the handshake, and one that is shutting down.
  if (link.isTls) return new RelayError('RELAY_RECEIVER_AUTH', what, { disposition: 'retry', cause: link.error })
  return protocolError(what, { cause: link.error })
}

function protocolError(message: string, options: ConstructorParameters<typeof RelayError>[2] = {}): RelayError {
  return new RelayError('RELAY_RECEIVER_PROTOCOL', message, options)
}
