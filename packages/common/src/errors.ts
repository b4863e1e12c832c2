/** Every error the relay raises on purpose: a stable code, what to do with the work at hand, and a sentence for the operator.
 *  The table is the source of docs/operating/errors.md. Foreign errors are classified by `dispositionOf`. */

/**
 * `retry`: the same work again, later, with back-off. `dead-letter`: this record can never pass; keep it with its reason.
 * `stop`: this source or agent pauses and alarms; a person has to act.
 */
export type Disposition = 'retry' | 'dead-letter' | 'stop'

/** Stable codes with their usual disposition and the operator's next move. */
export const errorCodes = {
  RELAY_CONFIG_INVALID: {
    disposition: 'stop',
    nextMove: 'Correct the configuration at the named line; `siem-relay validate` checks it without starting.',
  },
  RELAY_USAGE: {
    disposition: 'stop',
    nextMove: 'Correct the command line; `siem-relay help` lists commands and options.',
  },
  RELAY_LISTEN_FAILED: { disposition: 'stop', nextMove: 'Choose a free port or stop the process that holds it.' },
  RELAY_PORTAL_DATA: {
    disposition: 'stop',
    nextMove: "Check that the portal's data directory exists on a working disk and that this user alone may write it.",
  },
  RELAY_LOG_LOCKED: {
    disposition: 'stop',
    nextMove: 'Stop the other process that uses this data directory, or choose another one.',
  },
  RELAY_CONTROL_FAILED: {
    disposition: 'stop',
    nextMove:
      'Run the command as the user of the relay, in the same version; if the relay has only begun to start, try again.',
  },
  RELAY_LOG_SCHEMA: {
    disposition: 'stop',
    nextMove: 'Run the version that wrote this data directory, or a newer one.',
  },
  RELAY_LOG_UNUSABLE: {
    disposition: 'stop',
    nextMove: 'Check that the data directory exists on a working disk and is writable by this user.',
  },
  RELAY_LOG_FULL: { disposition: 'retry', nextMove: 'Free disk space; the relay goes on by itself.' },
  RELAY_LOG_WRITE: { disposition: 'retry', nextMove: 'Check the disk; the relay tries again by itself.' },
  RELAY_LOG_CORRUPT: {
    disposition: 'dead-letter',
    nextMove: 'Check the disk and its memory; the damaged range is named in the dead letter.',
  },
  RELAY_BUS_FENCED: {
    disposition: 'stop',
    nextMove: 'Nothing, if another instance took over; else look for two instances with one identity.',
  },
  RELAY_BUS_CLOSED: { disposition: 'stop', nextMove: 'Nothing: the relay is shutting down.' },
  RELAY_BUS_TOPIC: { disposition: 'stop', nextMove: 'Create the topic or allow the relay to create it.' },
  RELAY_BUS_UNREACHABLE: {
    disposition: 'retry',
    nextMove:
      'Check bus.brokers, the network, and that the brokers advertise listeners this machine can reach; the relay tries again by itself.',
  },
  RELAY_BUS_AUTH: { disposition: 'retry', nextMove: 'Check bus.sasl: mechanism, user name and password.' },
  RELAY_BUS_TLS: {
    disposition: 'retry',
    nextMove: "Check bus.tls: caFile, the brokers' certificates and names, and that the port speaks TLS.",
  },
  RELAY_BUS_RIGHTS: {
    disposition: 'retry',
    nextMove: "Give the relay's Kafka user the named rights on everything that begins with bus.prefix.",
  },
  RELAY_BUS_END_LOST: {
    disposition: 'retry',
    nextMove:
      'Nothing: the relay ends the transaction itself. If it lasts, find what hangs with kafka-transactions.sh find-hanging, and abort it.',
  },
  RELAY_BUS_VERSION: { disposition: 'stop', nextMove: 'Use Apache Kafka 2.7 or newer.' },
  RELAY_SOURCE_AUTH: {
    disposition: 'stop',
    nextMove:
      "Check the source's credentials and their permissions (Investigation.read and Discovery.read; for Graph alerts SecurityAlert.Read.All).",
  },
  RELAY_SOURCE_THROTTLED: {
    disposition: 'retry',
    nextMove: "Nothing; if it lasts, lower requestsPerMinute or find what else uses the tenant's API budget.",
  },
  RELAY_SOURCE_UNAVAILABLE: {
    disposition: 'retry',
    nextMove: 'Check url or brokers, proxy, DNS and certificate trust if it lasts.',
  },
  RELAY_SOURCE_RESPONSE: {
    disposition: 'retry',
    nextMove: 'Check that url points at the API and that no proxy rewrites answers.',
  },
  RELAY_SOURCE_NO_PROGRESS: {
    disposition: 'retry',
    nextMove: 'Nothing; the sweep starts again. If it lasts, report the answer of the API to its vendor.',
  },
  RELAY_SOURCE_UNREAD: {
    disposition: 'retry',
    nextMove:
      'Nothing for the rest, which is collected; the named range is tried again every hour. If it lasts, give the range and the answer to the support of the API.',
  },
  RELAY_SOURCE_REQUEST: {
    disposition: 'stop',
    nextMove: 'Check url and the source settings; the API refused the request itself.',
  },
  RELAY_INTAKE_DIRECTORY: {
    disposition: 'retry',
    nextMove:
      "Check that the source's directory exists, on one file system with its done and failed, and that the relay's user may read, write and rename there.",
  },
  RELAY_INTAKE_FILE: {
    disposition: 'stop',
    nextMove: 'Correct the file in failed and put it back; rows of it that were taken already are recognised.',
  },
  RELAY_RECORD_INVALID: {
    disposition: 'dead-letter',
    nextMove: 'Look at the record in dead-letters; report it if the source should have sent something else.',
  },
  RELAY_FRAME_TOO_LARGE: { disposition: 'dead-letter', nextMove: 'Raise messageBytesMax here and at the receiver.' },
  RELAY_RECEIVER_UNREACHABLE: {
    disposition: 'retry',
    nextMove: 'Check host, port, firewall and that the receiver is running.',
  },
  RELAY_RECEIVER_CLOSED: {
    disposition: 'retry',
    nextMove: "Look into the receiver's log; unconfirmed messages are sent again.",
  },
  RELAY_RECEIVER_STALLED: {
    disposition: 'retry',
    nextMove: 'The receiver accepts connections but does not read: check its load, queues and disk.',
  },
  RELAY_RECEIVER_UNCONFIRMED: {
    disposition: 'retry',
    nextMove:
      'The receiver read everything and did not confirm it. On tcp and tls it did not close after our half-close: set confirm: tcp-ack for it. On relp it does not answer: check its queues and disk.',
  },
  RELAY_RECEIVER_PROTOCOL: {
    disposition: 'retry',
    nextMove:
      'Check that a RELP receiver (rsyslog imrelp) listens at this port, with TLS on both sides or on neither; a plain syslog receiver wants protocol: tcp or tls.',
  },
  RELAY_RECEIVER_REFUSED: {
    disposition: 'dead-letter',
    nextMove:
      "Look into the receiver's log for why it refused the message; after three refusals the record is kept in dead-letters.",
  },
  RELAY_RECEIVER_TLS: { disposition: 'stop', nextMove: "Check the receiver's certificate, its name, and tls.caFile." },
  RELAY_RECEIVER_AUTH: {
    disposition: 'stop',
    nextMove:
      'The receiver closed right after connecting: check the client certificate it expects (tls.certFile, tls.keyFile).',
  },
  RELAY_SENTINEL_TOKEN: {
    disposition: 'stop',
    nextMove:
      "Check the agent's sentinel.auth: the app registration, its secret or certificate and their expiry, or the identity of this machine; `siem-relay doctor sentinel` says which.",
  },
  RELAY_SENTINEL_ACCESS: {
    disposition: 'stop',
    nextMove:
      'Give the identity the role Monitoring Metrics Publisher on the data collection rule; a new assignment takes up to 30 minutes. The relay tries again by itself.',
  },
  RELAY_SENTINEL_TARGET: {
    disposition: 'stop',
    nextMove:
      "Check the agent's sentinel.endpoint, ruleId and streams against the data collection rule; `siem-relay doctor sentinel` says which. The relay tries again by itself.",
  },
  RELAY_SENTINEL_THROTTLED: {
    disposition: 'retry',
    nextMove: 'Nothing; if it lasts, another data collection rule has limits of its own.',
  },
  RELAY_SENTINEL_UNAVAILABLE: {
    disposition: 'retry',
    nextMove:
      'Check endpoint, proxy, DNS and certificate trust if it lasts; `siem-relay doctor sentinel` does. The relay tries again by itself.',
  },
  RELAY_SENTINEL_ROW: {
    disposition: 'dead-letter',
    nextMove:
      'Look at the record in dead-letters: Azure would drop, null or refuse what is named. Update the tables and the rule with deploy/sentinel if they are older than the relay.',
  },
  RELAY_AGENT_SILENT: {
    disposition: 'retry',
    nextMove:
      'Start `siem-relay agent` where the receiver is, or look into its log: it says why it cannot reach the portal.',
  },
  RELAY_AGENT_TROUBLE: {
    disposition: 'retry',
    nextMove: 'Look into the log of `siem-relay agent`; update the relay if the agent is newer.',
  },
  RELAY_AGENT_TOKEN: {
    disposition: 'stop',
    nextMove:
      'Regenerate the token of the agent in the portal and give it to `siem-relay agent` with --token-file; a file that changes is read again.',
  },
  RELAY_AGENT_PROTOCOL: {
    disposition: 'retry',
    nextMove: 'Run the same version of siem-relay here and on the side of the portal.',
  },
  RELAY_PORTAL_UNREACHABLE: {
    disposition: 'retry',
    nextMove:
      "Check --portal, --proxy, DNS and the firewall: outgoing HTTPS to the portal's address is all that is needed. The agent tries again by itself.",
  },
  RELAY_PORTAL_TLS: {
    disposition: 'retry',
    nextMove:
      'Check the certificate of the portal and its name; name a private authority, or that of an inspecting proxy, with --ca. The agent tries again by itself.',
  },
  RELAY_PORTAL_PROXY: {
    disposition: 'retry',
    nextMove:
      'Check --proxy: its user name and password, and that it lets this machine reach the address of the portal. The agent tries again by itself.',
  },
  RELAY_PORTAL_ANSWER: {
    disposition: 'retry',
    nextMove:
      "Check that --portal is the portal's address with its path, and that nothing on the way answers in its place.",
  },
} as const satisfies Record<string, { readonly disposition: Disposition; readonly nextMove: string }>

export type ErrorCode = keyof typeof errorCodes

/** What an error may add: its cause, another disposition or next move than usual, and how long the other side asked us to wait. */
export interface RelayErrorOptions {
  readonly cause?: unknown
  readonly disposition?: Disposition
  readonly nextMove?: string
  readonly retryAfterMs?: number
}

/** An error the relay raises on purpose. The message says what happened, to what, and what happens next; never a secret or a full record. */
export class RelayError extends Error {
  readonly code: ErrorCode
  readonly disposition: Disposition
  /** What an operator can do about it. */
  readonly nextMove: string
  readonly retryAfterMs: number | undefined

  constructor(code: ErrorCode, message: string, options: RelayErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.name = 'RelayError'
    this.code = code
    this.disposition = options.disposition ?? errorCodes[code].disposition
    this.nextMove = options.nextMove ?? errorCodes[code].nextMove
    this.retryAfterMs = options.retryAfterMs
  }
}

/** Total: foreign errors are retried, since giving up on a record or a receiver needs a reason. */
export function dispositionOf(error: unknown): Disposition {
  return error instanceof RelayError ? error.disposition : 'retry'
}

/** One line for a log or a status: the message and those of its causes, at most four deep, without stack traces. */
export function describeError(error: unknown): string {
  const parts: string[] = []
  let current: unknown = error
  for (let depth = 0; depth < 4 && current !== undefined && current !== null; depth++) {
    const text = current instanceof Error ? current.message || current.name : String(current)
    if (!parts.some((part) => part.includes(text))) parts.push(text)
    current = current instanceof Error ? current.cause : undefined
  }
  return parts.join(': ')
}
