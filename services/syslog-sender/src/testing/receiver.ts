/** A syslog receiver for tests: counts only the messages it has read to their end, and misbehaves as asked. */
import { type AddressInfo, createServer as createTcpServer, type Server, type Socket } from 'node:net'
import { createServer as createTlsServer, type TlsOptions } from 'node:tls'
import { FrameSplitter, type Framing } from '@siem-relay/common'

export interface ReceiverOptions {
  readonly framing?: Framing
  readonly tls?: TlsOptions
  readonly port?: number
  /** `read`: as a receiver should; `never-read`: takes connections only; `ignore-end`: reads, and never closes its side. */
  readonly manner?: 'read' | 'never-read' | 'ignore-end'
  readonly onConnection?: (socket: Socket, index: number) => void
  readonly onMessage?: (message: string, socket: Socket) => void
}

export class Receiver implements AsyncDisposable {
  /** In the order they were read, over all connections. */
  readonly messages: string[] = []
  /** Unfinished messages at the end of a connection. */
  readonly torn: string[] = []
  readonly sockets: Socket[] = []
  manner: NonNullable<ReceiverOptions['manner']>
  readonly #server: Server
  /** With those whose TLS handshake failed. */
  readonly #connections = new Set<Socket>()
  readonly #options: ReceiverOptions

  private constructor(options: ReceiverOptions) {
    this.#options = options
    this.manner = options.manner ?? 'read'
    const { tls } = options
    const accept = (socket: Socket): void => this.#accept(socket)
    this.#server =
      tls === undefined
        ? createTcpServer({ allowHalfOpen: true }, accept)
        : createTlsServer({ ...tls, allowHalfOpen: true }, accept)
    this.#server.on('connection', (socket: Socket) => this.#connections.add(socket))
    // A handshake that fails is the test's subject, not the receiver's trouble.
    this.#server.on('tlsClientError', () => {})
  }

  static async start(options: ReceiverOptions = {}): Promise<Receiver> {
    const receiver = new Receiver(options)
    await new Promise<void>((resolve, reject) => {
      receiver.#server.once('error', reject)
      receiver.#server.listen(options.port ?? 0, '127.0.0.1', resolve)
    })
    return receiver
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  /** The CEF lines, without their headers. */
  get lines(): string[] {
    return this.messages.map((message) => message.slice(message.indexOf('CEF:')))
  }

  async close(): Promise<void> {
    for (const socket of [...this.sockets, ...this.#connections]) socket.destroy()
    await new Promise((resolve) => this.#server.close(resolve))
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  #accept(socket: Socket): void {
    this.sockets.push(socket)
    socket.on('error', () => {})
    this.#options.onConnection?.(socket, this.sockets.length - 1)
    if (this.manner === 'never-read') {
      socket.pause()
      return
    }
    const splitter = new FrameSplitter(this.#options.framing ?? 'lf')
    socket.on('data', (chunk: Buffer) => {
      for (const message of splitter.push(chunk)) {
        if (socket.destroyed) return
        this.messages.push(message.toString())
        this.#options.onMessage?.(message.toString(), socket)
      }
    })
    socket.on('end', () => {
      if (this.manner !== 'ignore-end') socket.end()
    })
    socket.on('close', () => {
      if (splitter.rest.length > 0) this.torn.push(splitter.rest.toString())
    })
  }
}
