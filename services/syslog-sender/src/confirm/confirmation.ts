/** When a message on a stream counts as delivered: the port of the three measures an agent can choose from
 *  (checkpoint, tcp-ack, write). One object per agent; it looks at one connection at a time. */
import type { Clock } from '@siem-relay/common'
import type { Segment } from '../segment.ts'
import type { LinkWatch } from '../transports/link-watch.ts'
import type { StreamLink } from '../transports/stream-link.ts'
import type { Tuning } from '../tuning.ts'
import type { Window } from '../window.ts'

export interface ConfirmationContext {
  readonly window: Window
  readonly clock: Clock
  readonly tuning: Tuning
  /** The sender wants to stop: confirm what is out without waiting for more. */
  readonly isDraining: () => boolean
}

export interface Confirmation {
  /** A new connection; nothing was written on it. `isProven`: its receiver has confirmed messages on the one before. */
  begin(link: StreamLink, watch: LinkWatch, isProven: boolean): void
  /** Whether more may be written now. */
  mayWrite(): boolean
  /** A segment was handed to the connection. */
  wrote(segment: Segment): void
  /**
   * Confirms what the facts prove. Called on every turn of the loop.
   * @returns `rotate` when everything written is confirmed and the connection has served its time.
   * @throws {RelayError} when the receiver does not confirm in time.
   */
  review(): 'stay' | 'rotate'
  /** When it wants to be asked again even if nothing happens, on the monotonic clock. */
  nextReviewMs(): number | undefined
  /** How often the connection should be looked at. */
  lookEveryMs(): number
  /** Whether the next connection should be opened now, so that its handshake is not waited for. */
  wantsNext(): boolean
}
