/** The port between an agent's sender and its wire. A transport takes segments from the window, sends them, and confirms what
 *  is delivered by its own measure; what fails it sends again from the window. */
import type { Clock, RelayError } from '@siem-relay/common'
import type { CertificateHolder } from '@siem-relay/delivery'
import type { Segment } from './segment.ts'
import type { Window } from './window.ts'

export interface Transport {
  /** Sends until closed. Never rejects: what goes wrong is reported to its context and tried again. */
  run(): Promise<void>
  /** The window has something new to send. */
  pushed(): void
  /** Confirm what is in the window as soon as possible and open nothing beyond that. */
  drain(): void
  /** Lets go of everything; `run` resolves. */
  close(): void
}

/** What a transport gets from its sender. */
export interface TransportContext {
  readonly window: Window
  readonly clock: Clock
  readonly random: () => number
  readonly report: TransportReport
}

/** What a transport tells of itself: the source of status, log and metrics. */
export interface TransportReport {
  /** A new connection is there. */
  connected(target: string): void
  /** The connection is the same; what was reported as failed is over. */
  recovered(target: string): void
  /** Something that has to be tried again; `retryInMs` from now. */
  failed(error: RelayError, retryInMs: number): void
  /** A connection could not be made. */
  connectFailed(): void
  /** Messages and bytes handed to the wire, and how many of these messages not for the first time. */
  sent(messages: number, bytes: number, again: number): void
  /** A checkpoint took so long. */
  checkpoint(seconds: number): void
  /** TLS: until when a certificate that was used is valid. */
  certificate(holder: CertificateHolder, validUntilMs: number): void
  /** UDP: the receiver's machine said that nobody listens. */
  refused(): void
  /** RELP: the receiver answered a message with something else than 200. */
  declined(): void
  /** The wire can never take this message of a segment, after so many attempts. */
  deadLetter(segment: Segment, index: number, error: RelayError, attempts: number): void
}
