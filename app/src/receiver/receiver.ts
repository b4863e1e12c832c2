/** A small syslog receiver over TCP, for demos and for looking at what arrives. It keeps a receiver's promise: our end of a
 *  connection is closed in answer to the sender's only after every message on it was printed, so that a sender may count them
 *  as delivered. Whatever goes wrong is a reset, never an orderly end. */
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { FrameSplitter, type Framing, FramingError } from '@siem-relay/common'
import { type Listen, listenError } from '@siem-relay/service-kit'
import { framingOfStart } from './framing.ts'
import { type LineOutput, Printer } from './printer.ts'

export interface ReceiverOptions {
  readonly listen: Listen
  readonly output: LineOutput
  /** Gets one sentence for everything that is not as it should be. */
  readonly note: (sentence: string) => void
}

export interface Receiver extends AsyncDisposable {
  /** With the port in force. */
  readonly listen: Listen
  /** Rejects when the output takes no more; never resolves. */
  readonly failed: Promise<never>
}

const connectionsMax = 256
const messageBytesMax = 1_048_576

/** @throws {RelayError} `RELAY_LISTEN_FAILED` when the address cannot be taken. */
export async function startReceiver({ listen, output, note }: ReceiverOptions): Promise<Receiver> {
  const printer = new Printer(output)
  const failure = Promise.withResolvers<never>()
  failure.promise.catch(() => undefined)
  const sockets = new Set<Socket>()
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
    receive(socket, { printer, note, fail: failure.reject })
  })
  server.maxConnections = connectionsMax
  server.on('drop', () => note(`more than ${connectionsMax} connections: one was refused`))
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error) => reject(listenError(listen, error)))
    server.listen(listen.port, listen.host, resolve)
  })
  return {
    listen: { host: listen.host, port: (server.address() as AddressInfo).port },
    failed: failure.promise,
    async [Symbol.asyncDispose]() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()))
      for (const socket of sockets) socket.resetAndDestroy()
      await closed
    },
  }
}

interface Surroundings {
  readonly printer: Printer
  readonly note: (sentence: string) => void
  readonly fail: (error: unknown) => void
}

/** One connection to its end. It reads on only when what it has read is printed: a slow output slows the sender down. */
function receive(socket: Socket, { printer, note, fail }: Surroundings): void {
  const from = `${socket.remoteAddress}:${socket.remotePort}`
  const messages = new ConnectionMessages()

  async function take(read: () => readonly Buffer[]): Promise<void> {
    try {
      await printer.print(read())
    } catch (error) {
      socket.resetAndDestroy()
      if (error instanceof FramingError) note(`${from}: ${error.message}; the connection was reset`)
      else fail(error)
    }
  }

  socket.on('data', (chunk: Buffer) => {
    socket.pause()
    void take(() => messages.push(chunk)).then(() => socket.resume())
  })
  socket.on('end', () => {
    void take(() => messages.end()).then(() => {
      if (messages.torn > 0) note(`${from}: closed inside a message, ${messages.torn} bytes of it left out`)
      socket.end()
    })
  })
  socket.on('error', (error) => note(`${from}: ${error.message}`))
}

/** The messages of one connection, in the framing its first bytes show. */
class ConnectionMessages {
  #start: Buffer = Buffer.alloc(0)
  #framing: Framing | undefined
  #splitter: FrameSplitter | undefined
  /** Bytes of a message whose end never came. */
  torn = 0

  push(chunk: Buffer): readonly Buffer[] {
    if (this.#splitter !== undefined) return this.#splitter.push(chunk)
    this.#start = Buffer.concat([this.#start, chunk])
    this.#framing = framingOfStart(this.#start)
    if (this.#framing === undefined) return []
    this.#splitter = new FrameSplitter(this.#framing, messageBytesMax)
    return this.#splitter.push(this.#start)
  }

  /** The sender is done. Without octet counts its close ends the last message as a line feed would. */
  end(): readonly Buffer[] {
    const rest = this.#splitter?.rest ?? this.#start
    if (this.#framing !== 'octet-counting') return [rest]
    this.torn = rest.length
    return []
  }
}
