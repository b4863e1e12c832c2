/** One TCP or TLS connection: what was handed to it, what became of it, and what the other side did. Rings a bell at every
 *  change and decides nothing. Half-open on purpose: after our half-close it waits for the receiver's. */
import type { Socket } from 'node:net'
import { TLSSocket } from 'node:tls'
import type { Clock } from '@siem-relay/common'
import type { Bell } from '@siem-relay/delivery'
import type { ConnectionKey } from '../proc-net-tcp.ts'
import type { Target } from '../targets.ts'

/** A syslog receiver says nothing, or a banner. Beyond this the connection is not one to a receiver. */
const receivedBytesMax = 1_048_576

export class StreamLink {
  readonly target: Target
  readonly openedMs: number
  readonly key: ConnectionKey
  readonly isTls: boolean
  readonly #socket: Socket
  #handedBytes = 0
  #flushedBytes = 0
  #receivedBytes = 0
  #mustDrain = false
  #bell: Bell | undefined
  #receive: ((chunk: Buffer) => void) | undefined
  #error: Error | undefined
  #endedByPeer = false
  #halfClosed = false
  #closed = false

  /** @param socket connected (and verified), with `allowHalfOpen`. */
  constructor(socket: Socket, target: Target, clock: Clock) {
    this.#socket = socket
    this.target = target
    this.openedMs = clock.monotonicMs()
    this.isTls = socket instanceof TLSSocket
    this.key = {
      localAddress: socket.localAddress ?? '',
      localPort: socket.localPort ?? 0,
      remoteAddress: socket.remoteAddress ?? '',
      remotePort: socket.remotePort ?? 0,
    }
    this.#follow()
  }

  /** Bytes given to `write` so far. */
  get handedBytes(): number {
    return this.#handedBytes
  }

  /** Bytes of them that the kernel took (or TLS, for it). */
  get flushedBytes(): number {
    return this.#flushedBytes
  }

  /** Bytes still in this process. */
  get pendingBytes(): number {
    return this.#handedBytes - this.#flushedBytes
  }

  get error(): Error | undefined {
    return this.#error
  }

  /** The receiver's FIN has come: whatever is written now is lost. */
  get endedByPeer(): boolean {
    return this.#endedByPeer
  }

  get halfClosed(): boolean {
    return this.#halfClosed
  }

  get closed(): boolean {
    return this.#closed
  }

  /** Neither failed nor closed nor ended by anyone. */
  get isOpen(): boolean {
    return !this.#closed && !this.#endedByPeer && !this.#halfClosed && this.#error === undefined
  }

  /** Both sides said goodbye in order, ours first: the receiver read everything. */
  get closedInOrder(): boolean {
    return this.#closed && this.#halfClosed && this.#endedByPeer && this.#error === undefined
  }

  /** Failed, or ended by the receiver before we said that nothing more comes. */
  get isBroken(): boolean {
    return this.#error !== undefined || this.#closed || (this.#endedByPeer && !this.#halfClosed)
  }

  get mayWrite(): boolean {
    return this.isOpen && !this.#mustDrain
  }

  /** Whose loop to wake; undefined while nobody uses the connection. */
  attach(bell: Bell): void {
    this.#bell = bell
  }

  /** Who reads what the receiver says; without anyone it is counted and thrown away. */
  listen(receive: (chunk: Buffer) => void): void {
    this.#receive = receive
  }

  write(bytes: Buffer): void {
    this.#handedBytes += bytes.length
    this.#mustDrain = !this.#socket.write(bytes, (error) => {
      if (error) return
      this.#flushedBytes += bytes.length
      this.#bell?.ring()
    })
  }

  /** Says that nothing more comes; the other direction stays open for the receiver's answer. */
  halfClose(): void {
    this.#halfClosed = true
    this.#socket.end()
  }

  /** Lets go: in order (TLS says goodbye, which receivers would else log as an error) while nothing is under way. */
  close(): void {
    if (this.isOpen && this.pendingBytes === 0) this.#socket.destroySoon()
    else this.#socket.destroy()
  }

  /** Throws away what the kernel still holds, so that it does not reach the receiver after its copy. */
  reset(): void {
    try {
      this.#socket.resetAndDestroy()
    } catch {
      // TLS sockets cannot be reset in every version of Node.
      this.#socket.destroy()
    }
  }

  #follow(): void {
    this.#socket
      .on('data', (chunk: Buffer) => this.#take(chunk))
      .on('end', () => this.#note(() => (this.#endedByPeer = true)))
      .on('drain', () => this.#note(() => (this.#mustDrain = false)))
      .on('error', (error) => this.#note(() => (this.#error ??= error)))
      .on('close', () => this.#note(() => (this.#closed = true)))
  }

  #note(change: () => void): void {
    change()
    this.#bell?.ring()
  }

  #take(chunk: Buffer): void {
    const receive = this.#receive
    if (receive !== undefined) {
      this.#note(() => receive(chunk))
      return
    }
    this.#receivedBytes += chunk.length
    if (this.#receivedBytes > receivedBytesMax)
      this.#socket.destroy(new Error(`sent us more than ${receivedBytesMax} bytes; a syslog receiver says nothing`))
  }
}
