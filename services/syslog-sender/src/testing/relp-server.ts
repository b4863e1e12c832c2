/** A RELP receiver for tests: answers as librelp does, keeps what it accepted, and misbehaves as asked. */
import { type AddressInfo, createServer as createTcpServer, type Server, type Socket } from 'node:net'
import { createServer as createTlsServer, type TlsOptions } from 'node:tls'
import { encodeRelpFrame, nextTxnr, RelpDecoder, type RelpFrame } from '@siem-relay/common'

/** One session as the test sees it. */
export interface RelpPeer {
  readonly socket: Socket
  /** Counted from 0. */
  readonly index: number
  /** Frames read on it, the open one included. */
  readonly frames: RelpFrame[]
  /** Messages read and not answered yet. */
  unanswered: number
  answer(txnr: number, data?: string): void
  say(bytes: string): void
}

/** Returns true when it answered by itself, or does not want it answered. */
type Handler = (frame: RelpFrame, peer: RelpPeer) => boolean | undefined

export interface RelpServerOptions {
  readonly tls?: TlsOptions
  readonly port?: number
  readonly onOpen?: Handler
  readonly onMessage?: Handler
  readonly onClose?: Handler
}

const librelpOffers = '200 OK\nrelp_version=0\nrelp_software=librelp,1.11.0,http://librelp.adiscon.com\ncommands=syslog'

export class RelpServer implements AsyncDisposable {
  /** Answered with 200, in order, over all sessions. */
  readonly accepted: string[] = []
  /** All that were read, answered or not. */
  readonly read: string[] = []
  readonly peers: RelpPeer[] = []
  /** The most messages any session had without an answer. */
  unansweredMax = 0
  readonly #options: RelpServerOptions
  readonly #server: Server
  readonly #connections = new Set<Socket>()

  private constructor(options: RelpServerOptions) {
    this.#options = options
    const accept = (socket: Socket): void => this.#accept(socket)
    this.#server =
      options.tls === undefined
        ? createTcpServer({ allowHalfOpen: true, noDelay: true }, accept)
        : createTlsServer({ ...options.tls, allowHalfOpen: true, noDelay: true }, accept)
    this.#server.on('connection', (socket: Socket) => this.#connections.add(socket))
    this.#server.on('tlsClientError', () => {})
  }

  static async start(options: RelpServerOptions = {}): Promise<RelpServer> {
    const server = new RelpServer(options)
    await new Promise<void>((resolve, reject) => {
      server.#server.once('error', reject)
      server.#server.listen(options.port ?? 0, '127.0.0.1', resolve)
    })
    return server
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  /** The CEF lines it accepted, without their headers. */
  get lines(): string[] {
    return this.accepted.map(withoutHeader)
  }

  /** The CEF lines it read, answered or not. */
  get readLines(): string[] {
    return this.read.map(withoutHeader)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#connections) socket.destroy()
    await new Promise((resolve) => this.#server.close(resolve))
  }

  #accept(socket: Socket): void {
    const say = (bytes: string | Buffer): void => void (socket.writable && socket.write(bytes))
    const peer: RelpPeer = {
      socket,
      index: this.peers.length,
      frames: [],
      unanswered: 0,
      answer: (txnr, data) => say(encodeRelpFrame(txnr, 'rsp', Buffer.from(data ?? '200 OK'))),
      say,
    }
    this.peers.push(peer)
    const decoder = new RelpDecoder(131_072)
    socket.on('error', () => {})
    socket.on('end', () => socket.end())
    socket.on('data', (chunk: Buffer) => {
      const frames = decoder.push(chunk)
      peer.unanswered += frames.filter(({ command }) => command === 'syslog').length
      this.unansweredMax = Math.max(this.unansweredMax, peer.unanswered)
      for (const frame of frames) if (!socket.destroyed) this.#take(frame, peer)
    })
  }

  #take(frame: RelpFrame, peer: RelpPeer): void {
    const last = peer.frames.at(-1)
    peer.frames.push(frame)
    // A gap is answered by librelp with serverclose.
    if (last !== undefined && frame.txnr !== nextTxnr(last.txnr)) peer.say('0 serverclose 0\n')
    else if (frame.command === 'open') this.#open(frame, peer)
    else if (frame.command === 'close') this.#close(frame, peer)
    else this.#message(frame, peer)
  }

  #open(frame: RelpFrame, peer: RelpPeer): void {
    if (this.#options.onOpen?.(frame, peer)) return
    peer.answer(frame.txnr, librelpOffers)
  }

  #message(frame: RelpFrame, peer: RelpPeer): void {
    const message = frame.data.toString()
    this.read.push(message)
    if (this.#options.onMessage?.(frame, peer)) return
    this.accepted.push(message)
    peer.unanswered--
    peer.answer(frame.txnr)
  }

  #close(frame: RelpFrame, peer: RelpPeer): void {
    if (this.#options.onClose?.(frame, peer)) return
    peer.say(`${frame.txnr} rsp 0\n0 serverclose 0\n`)
    peer.socket.end()
  }
}

function withoutHeader(message: string): string {
  return message.slice(message.indexOf('CEF:'))
}
