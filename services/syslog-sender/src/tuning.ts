/** Times and hooks that are no settings: the same for every installation, shorter or replaced in tests. */
import { lookup } from 'node:dns/promises'
import type { ReadText } from './proc-net-tcp.ts'

export interface ResolvedAddress {
  readonly address: string
  readonly family: number
}

export interface Tuning {
  /** How old the first connection to a receiver must be before its half-close is trusted: a receiver (or a proxy without one
   *  behind it) that refuses us closes within this time, and its close must not be taken for a confirmation. */
  readonly settleMs: { readonly tcp: number; readonly tls: number }
  /** confirm: tcp-ack trusts acknowledged bytes after this time without a reset. */
  readonly tcpAckSettleMs: number
  /** A TLS connection closed sooner than this without a confirmation hints at a refused client certificate. */
  readonly refusalMs: number
  /** How long to stay on a later host before the first one is tried again. */
  readonly failbackMs: number
  /** Least wait before a connection the receiver closed while idle is opened again, unless there is something to send. */
  readonly idleReopenMs: number
  /** Wait after what a person has to mend: certificates, refused authentication. */
  readonly slowRetryMs: number
  /** How often bytes on their way are looked at. */
  readonly lookMs: number
  /** UDP: how often the name is resolved again. */
  readonly lookupEveryMs: number
  /** RELP: how long a session that is left waits for the receiver's goodbye. */
  readonly goodbyeMs: number
  /** RELP: number of a session's first transaction. */
  readonly firstTxnr: number
  readonly resolve: (host: string) => Promise<readonly ResolvedAddress[]>
  readonly readText?: ReadText
}

export const defaultTuning: Tuning = {
  settleMs: { tcp: 200, tls: 2_000 },
  tcpAckSettleMs: 2_000,
  refusalMs: 2_000,
  failbackMs: 300_000,
  idleReopenMs: 1_000,
  slowRetryMs: 30_000,
  lookMs: 250,
  lookupEveryMs: 60_000,
  goodbyeMs: 1_000,
  firstTxnr: 1,
  resolve: (host) => lookup(host, { all: true }),
}
