/** One RELP session on one connection: numbers what is sent, counts what is answered, in order, and notices what a receiver must
 *  not say. Rings the connection's bell at every change and decides nothing about messages. */
import {
  type Clock,
  encodeRelpFrame,
  encodeRelpOffers,
  nextTxnr,
  parseRelpResponse,
  RelpDecoder,
  RelpError,
  type RelpFrame,
  type RelpResponse,
} from '@siem-relay/common'
import type { StreamLink } from '../stream-link.ts'
import { encodeSyslogFrames, type Part } from './frames.ts'

/** What the receiver said of messages, oldest first: so many accepted, or one refused. */
export type Answer = { readonly accepted: number } | { readonly refused: RelpResponse }

const software = 'siem-relay'
const okBytes = Buffer.from('200 OK')

export class RelpSession {
  readonly link: StreamLink
  readonly #clock: Clock
  readonly #decoder = new RelpDecoder()
  #phase: 'opening' | 'open' | 'closing' = 'opening'
  #nextTxnr: number
  /** The transaction that is answered next. */
  #oldestTxnr: number
  #inFlight = 0
  #lastMoveMs = 0
  #answers: Answer[] = []
  #openAnswer: RelpResponse | undefined
  #failure: RelpError | undefined
  #closedByServer = false
  #hasCloseAnswer = false

  constructor(link: StreamLink, clock: Clock, firstTxnr: number) {
    this.link = link
    this.#clock = clock
    this.#nextTxnr = firstTxnr
    this.#oldestTxnr = firstTxnr
    link.listen((chunk) => this.#receive(chunk))
  }

  /** Frames sent and not answered. */
  get inFlight(): number {
    return this.#inFlight
  }

  /** When the oldest frame in flight became the oldest; meaningless while nothing is in flight. */
  get lastMoveMs(): number {
    return this.#lastMoveMs
  }

  /** The answer to `open`, once it is there. */
  get openAnswer(): RelpResponse | undefined {
    return this.#openAnswer
  }

  /** What the receiver said against the protocol; nothing after it counts. */
  get failure(): RelpError | undefined {
    return this.#failure
  }

  /** The receiver said that it takes nothing more. */
  get closedByServer(): boolean {
    return this.#closedByServer
  }

  /** The receiver has said goodbye: answered our close, or closed by itself. */
  get isOver(): boolean {
    return this.#hasCloseAnswer || this.#closedByServer
  }

  sendOpen(): void {
    this.#send(encodeRelpFrame(this.#nextTxnr, 'open', encodeRelpOffers(software)), nextTxnr(this.#nextTxnr), 1)
  }

  /** Hands messages to the connection in one write; returns its bytes. */
  sendMessages(parts: readonly Part[]): number {
    const { bytes, nextTxnr: next } = encodeSyslogFrames(parts, this.#nextTxnr)
    this.#send(
      bytes,
      next,
      parts.reduce((sum, { from, to }) => sum + to - from, 0),
    )
    return bytes.length
  }

  /** To be sent when nothing is in flight. */
  sendClose(): void {
    this.#phase = 'closing'
    this.#send(encodeRelpFrame(this.#nextTxnr, 'close'), nextTxnr(this.#nextTxnr), 1)
  }

  /** What the receiver answered since the last time. */
  takeAnswers(): readonly Answer[] {
    const answers = this.#answers
    this.#answers = []
    return answers
  }

  #send(bytes: Buffer, next: number, frames: number): void {
    if (this.#inFlight === 0) this.#lastMoveMs = this.#clock.monotonicMs()
    this.#inFlight += frames
    this.#nextTxnr = next
    this.link.write(bytes)
  }

  #receive(chunk: Buffer): void {
    if (this.#failure !== undefined) return
    try {
      for (const frame of this.#decoder.push(chunk)) this.#take(frame)
    } catch (error) {
      if (!(error instanceof RelpError)) throw error
      this.#failure = error
    }
  }

  #take({ txnr, command, data }: RelpFrame): void {
    if (command === 'serverclose') this.#closedByServer = true
    else if (command === 'rsp') this.#takeResponse(txnr, data)
    else throw new RelpError(`a receiver says rsp or serverclose, this one said ${command}`)
  }

  #takeResponse(txnr: number, data: Buffer): void {
    if (this.#inFlight === 0) throw new RelpError(`transaction ${txnr} was answered, and none is open`)
    if (txnr !== this.#oldestTxnr)
      throw new RelpError(`transaction ${txnr} was answered, and ${this.#oldestTxnr} is the next in order`)
    this.#inFlight--
    this.#oldestTxnr = nextTxnr(txnr)
    this.#lastMoveMs = this.#clock.monotonicMs()
    if (this.#phase === 'closing') this.#hasCloseAnswer = true
    else if (this.#phase === 'open') this.#noteAnswer(data)
    else {
      this.#openAnswer = parseRelpResponse(data)
      this.#phase = 'open'
    }
  }

  #noteAnswer(data: Buffer): void {
    // What nearly every answer says needs no parsing.
    const response = data.equals(okBytes) ? undefined : parseRelpResponse(data)
    if (response !== undefined && response.code !== 200) {
      this.#answers.push({ refused: response })
      return
    }
    const last = this.#answers.at(-1)
    if (last !== undefined && 'accepted' in last)
      this.#answers[this.#answers.length - 1] = { accepted: last.accepted + 1 }
    else this.#answers.push({ accepted: 1 })
  }
}
