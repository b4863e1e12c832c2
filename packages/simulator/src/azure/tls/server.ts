/** An HTTPS server with a certificate of the simulator's own authority, whose connections can be reset. */

import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer } from 'node:https'
import { type AddressInfo, isIPv6, type Socket } from 'node:net'
import type { Line } from '../wire.ts'
import { createAuthority, issueServerCertificate, type KeyPair } from './authority.ts'

export interface TlsServerOptions {
  readonly host: string
  readonly port: number
  /** Names and addresses of the certificate, beside those of this machine. */
  readonly names: readonly string[]
  readonly authority: KeyPair | undefined
  readonly handle: (request: IncomingMessage, line: Line) => Promise<void>
}

export interface TlsServer {
  readonly origin: string
  /** PEM. */
  readonly caCert: string
  stop(): Promise<void>
}

const thisMachine = ['localhost', '127.0.0.1', '::1']
/** Longer than clients keep a connection that has nothing to do, so that it is theirs to close. */
const idleMs = 120_000

/** @throws {Error} when the port is taken. */
export async function startTlsServer({ host, port, names, authority, handle }: TlsServerOptions): Promise<TlsServer> {
  const signer = authority ?? createAuthority(Date.now())
  const own = issueServerCertificate(signer, [...new Set([...thisMachine, ...names])], Date.now())
  const server = createServer({ cert: own.certificate, key: own.privateKey, minVersion: 'TLSv1.2' })
  server.keepAliveTimeout = idleMs

  // Node hands out the TLS side of a connection, and only the TCP side can be reset: they are told apart by their peer.
  const connections = new Map<string, Socket>()
  server.on('connection', (socket: Socket) => {
    const peer = peerOf(socket)
    connections.set(peer, socket)
    socket.on('close', () => connections.delete(peer))
  })
  const stopping = new AbortController()
  server.on('request', (request: IncomingMessage, response: ServerResponse) => {
    const line: Line = { response, tcp: connections.get(peerOf(request.socket)), signal: stopping.signal }
    // A client that goes away is what most faults are for.
    response.on('error', () => response.destroy())
    handle(request, line).catch((error: unknown) => fail(request, response, error))
  })
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(port, host, resolve))
  const address = server.address() as AddressInfo

  return {
    origin: `https://${isIPv6(host) ? `[${host}]` : host}:${address.port}`,
    caCert: signer.certificate,
    stop: async () => {
      if (stopping.signal.aborted) return
      stopping.abort()
      const closed = new Promise((resolve) => server.close(resolve))
      server.closeAllConnections()
      // A connection whose handshake is not over is none of the HTTP server's yet.
      for (const socket of connections.values()) socket.destroy()
      await closed
    },
  }
}

/** Nothing a client did ends here but its leaving; the rest is a mistake in what was scripted, and is said. */
function fail(request: IncomingMessage, response: ServerResponse, error: unknown): void {
  if (request.socket.destroyed || response.headersSent) response.destroy()
  else response.writeHead(500, { 'content-type': 'text/plain' }).end(`The simulator failed: ${String(error)}`)
}

function peerOf(socket: Socket): string {
  return `${socket.remoteAddress} ${socket.remotePort}`
}
