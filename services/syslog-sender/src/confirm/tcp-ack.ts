/** confirm: tcp-ack. Delivered is what the receiver's kernel acknowledged (tx_queue on Linux) and what then saw no reset or
 *  close for the settle time. Weaker than a checkpoint: what a dying receiver held unread for longer than that is lost. For
 *  receivers and proxies that mind reconnects. Under TLS only "everything is acknowledged" can be seen, so writing pauses
 *  for a moment whenever a checkpoint's worth of messages is out. */
import type { SyslogDestination } from '@siem-relay/common'
import type { Segment } from '../segment.ts'
import type { LinkWatch } from '../transports/link-watch.ts'
import type { StreamLink } from '../transports/stream-link.ts'
import type { Confirmation, ConfirmationContext } from './confirmation.ts'

interface Written {
  readonly segment: Segment
  /** Where it ends in the connection's stream of bytes. */
  readonly endByte: number
  readonly writtenMs: number
}

export type TcpAckSettings = Pick<SyslogDestination, 'checkpointMessages' | 'checkpointSeconds'>

export class TcpAck implements Confirmation {
  readonly #settings: TcpAckSettings
  readonly #context: ConfirmationContext
  #link: StreamLink | undefined
  #watch: LinkWatch | undefined
  /** Not yet acknowledged, oldest first. */
  #written: Written[] = []
  #messages = 0
  /** Acknowledged, waiting for the settle time, oldest first. */
  #settling: { readonly segment: Segment; readonly dueMs: number }[] = []

  constructor(settings: TcpAckSettings, context: ConfirmationContext) {
    this.#settings = settings
    this.#context = context
  }

  begin(link: StreamLink, watch: LinkWatch): void {
    this.#link = link
    this.#watch = watch
    this.#written = []
    this.#messages = 0
    this.#settling = []
  }

  mayWrite(): boolean {
    const [oldest] = this.#written
    if (this.#link?.isTls !== true || oldest === undefined) return true
    const ageMs = this.#context.clock.monotonicMs() - oldest.writtenMs
    return this.#messages < this.#settings.checkpointMessages && ageMs < this.#settings.checkpointSeconds * 1_000
  }

  wrote(segment: Segment): void {
    const endByte = this.#link?.handedBytes ?? 0
    this.#written.push({ segment, endByte, writtenMs: this.#context.clock.monotonicMs() })
    this.#messages += segment.records.length
  }

  review(): 'stay' {
    this.#takeAcknowledged()
    if (this.#link?.isOpen !== true) return 'stay'
    const nowMs = this.#context.clock.monotonicMs()
    const settled = this.#settling.findLastIndex(({ dueMs }) => dueMs <= nowMs)
    const last = this.#settling[settled]
    if (last !== undefined) {
      this.#settling.splice(0, settled + 1)
      this.#context.window.confirm(last.segment)
    }
    return 'stay'
  }

  nextReviewMs(): number | undefined {
    return this.#settling[0]?.dueMs
  }

  lookEveryMs(): number {
    return this.#context.tuning.lookMs
  }

  wantsNext(): boolean {
    return false
  }

  #takeAcknowledged(): void {
    const facts = this.#watch?.facts
    if (facts === undefined) return
    const upTo = Math.max(facts.acknowledgedBytes, facts.allAcknowledgedUpTo)
    const dueMs = facts.atMs + this.#context.tuning.tcpAckSettleMs
    for (let next = this.#written[0]; next !== undefined && next.endByte <= upTo; next = this.#written[0]) {
      this.#written.shift()
      this.#messages -= next.segment.records.length
      this.#settling.push({ segment: next.segment, dueMs })
    }
  }
}
