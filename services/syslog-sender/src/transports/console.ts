/** Standard output as a destination: a line is delivered when the stream took it. */
import { RelayError } from '@siem-relay/common'
import { Bell, createPace, type Pace } from '@siem-relay/delivery'
import { noteHanded } from '../segment.ts'
import type { Transport, TransportContext } from '../transport.ts'
import { ReconnectDelay } from './reconnect.ts'

/** What the console transport needs of a stream; process.stdout is one. */
export interface LineOutput {
  write(chunk: Uint8Array, callback: (error?: Error | null) => void): unknown
}

export class ConsoleTransport implements Transport {
  readonly #output: LineOutput
  readonly #context: TransportContext
  readonly #bell: Bell
  readonly #delay: ReconnectDelay
  readonly #pace: Pace
  readonly #closing = new AbortController()

  /** @param messagesPerSecondMax pace of writing; default: none. */
  constructor(output: LineOutput, context: TransportContext, slowRetryMs: number, messagesPerSecondMax?: number) {
    this.#output = output
    this.#context = context
    this.#bell = new Bell(context.clock)
    this.#delay = new ReconnectDelay(context.random, slowRetryMs)
    this.#pace = createPace(messagesPerSecondMax, context.clock)
  }

  pushed(): void {
    this.#bell.ring()
  }

  /** A line is delivered as soon as it is written. */
  drain(): void {}

  close(): void {
    this.#closing.abort()
    this.#bell.ring()
  }

  async run(): Promise<void> {
    const { signal } = this.#closing
    const { clock, window, report } = this.#context
    report.connected('console')
    while (!signal.aborted) {
      if (window.hasUnsent && this.#pace.take(1) === 0) {
        await this.#bell.wait(this.#pace.nextAtMs())
        continue
      }
      const segment = window.takeUnsent()
      if (segment === undefined) {
        await this.#bell.wait()
        continue
      }
      this.#pace.charge(segment.records.length - 1)
      try {
        await this.#write(segment.bytes)
        const { length } = segment.records
        report.sent(length, segment.bytes.length, noteHanded(segment, 0, length))
        window.confirm(segment)
        this.#noteSuccess()
      } catch (cause) {
        if (signal.aborted) break
        const failure = new RelayError('RELAY_RECEIVER_CLOSED', 'standard output took no more; trying again', { cause })
        const waitMs = this.#delay.after(failure)
        this.#hasFailed = true
        report.failed(failure, waitMs)
        window.rewind()
        await clock.sleep(waitMs, signal).catch(() => {})
      }
    }
    this.#bell.close()
  }

  #hasFailed = false

  #noteSuccess(): void {
    if (!this.#hasFailed) return
    this.#hasFailed = false
    this.#delay.reset()
    this.#context.report.recovered('console')
  }

  /** A terminal that takes nothing must not keep the sender from closing. */
  #write(bytes: Uint8Array): Promise<void> {
    const { signal } = this.#closing
    return new Promise((resolve, reject) => {
      const onAbort = (): void => reject(signal.reason)
      signal.addEventListener('abort', onAbort, { once: true })
      this.#output.write(bytes, (error) => {
        signal.removeEventListener('abort', onAbort)
        if (error) reject(error)
        else resolve()
      })
    })
  }
}
