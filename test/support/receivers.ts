/** Receivers for tests: what a SIEM's end of the wire got. They bind 127.0.0.1 on any free port. */
import { createSocket } from 'node:dgram'
import { createServer, type Socket } from 'node:net'
import { FrameSplitter, type Framing } from '@siem-relay/common'

export interface Receiver extends AsyncDisposable {
  readonly port: number
  /** Messages received so far, oldest first. */
  readonly messages: readonly string[]
  /** Resolves once `isEnough` holds; checked after every message. */
  until(isEnough: (messages: readonly string[]) => boolean): Promise<void>
}

class Inbox {
  readonly messages: string[] = []
  readonly #waiting = new Set<() => void>()

  take(message: string): void {
    this.messages.push(message)
    for (const check of this.#waiting) check()
  }

  until(isEnough: (messages: readonly string[]) => boolean): Promise<void> {
    return new Promise((resolve) => {
      const check = (): void => {
        if (!isEnough(this.messages)) return
        this.#waiting.delete(check)
        resolve()
      }
      this.#waiting.add(check)
      check()
    })
  }
}

export async function udpReceiver(port = 0): Promise<Receiver> {
  const inbox = new Inbox()
  const socket = createSocket({ type: 'udp4', recvBufferSize: 4_194_304 })
  socket.on('message', (message) => inbox.take(message.toString('utf8')))
  await new Promise<void>((resolve) => socket.bind(port, '127.0.0.1', resolve))
  const bound = socket.address().port
  return {
    port: bound,
    messages: inbox.messages,
    until: (isEnough) => inbox.until(isEnough),
    [Symbol.asyncDispose]: () => new Promise((resolve) => socket.close(() => resolve())),
  }
}

/** @param framing how the sender frames; a frame that breaks it fails the test through an unhandled error. */
export async function tcpReceiver(framing: Framing, port = 0): Promise<Receiver> {
  const inbox = new Inbox()
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    const splitter = new FrameSplitter(framing)
    sockets.add(socket)
    socket.on('data', (chunk: Buffer) => {
      for (const message of splitter.push(chunk)) inbox.take(message.toString('utf8'))
    })
    socket.on('close', () => sockets.delete(socket))
    socket.on('error', () => socket.destroy())
  })
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
  const address = server.address()
  return {
    port: typeof address === 'object' && address !== null ? address.port : port,
    messages: inbox.messages,
    until: (isEnough) => inbox.until(isEnough),
    [Symbol.asyncDispose]: () => {
      for (const socket of sockets) socket.destroy()
      return new Promise((resolve) => server.close(() => resolve()))
    },
  }
}
