/** Small servers for tests: one that answers as told, one that is a proxy. Loopback only. */

import { readFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type RequestListener, request, type Server } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import { type AddressInfo, connect } from 'node:net'
import { fileURLToPath } from 'node:url'

const fixture = (name: string): string => fileURLToPath(new URL(`./fixtures/${name}`, import.meta.url))

/** Certificate of `localhost` and 127.0.0.1 that no authority signed. */
export const localhostCertFile = fixture('localhost.cert.pem')
export const localhostKeyFile = fixture('localhost.key.pem')

export interface TestServer extends AsyncDisposable {
  readonly port: number
}

export async function serve(answer: RequestListener, options: { readonly tls?: boolean } = {}): Promise<TestServer> {
  const server =
    options.tls === true
      ? createTlsServer({ cert: readFileSync(localhostCertFile), key: readFileSync(localhostKeyFile) }, answer)
      : createServer(answer)
  return listening(server)
}

export interface TestProxy extends TestServer {
  /** What was asked: `CONNECT host:port` or `POST http://…`, with the credentials. */
  readonly asked: readonly { readonly line: string; readonly credentials: string | undefined }[]
}

/** @param credentials `user:password` it wants, if any. */
export async function serveProxy(credentials?: string): Promise<TestProxy> {
  const asked: { line: string; credentials: string | undefined }[] = []
  const isAllowed = (message: IncomingMessage): boolean => {
    const given = message.headers['proxy-authorization']?.replace(/^Basic /, '')
    const text = given === undefined ? undefined : Buffer.from(given, 'base64').toString()
    asked.push({ line: `${message.method} ${message.url}`, credentials: text })
    return credentials === undefined || text === credentials
  }
  const server = createServer((incoming, outgoing) => {
    if (!isAllowed(incoming)) {
      outgoing.writeHead(407).end()
      return
    }
    const { 'proxy-authorization': _, ...headers } = incoming.headers
    const onward = request(incoming.url ?? '', { method: incoming.method ?? 'GET', headers }, (answer) => {
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers)
      answer.pipe(outgoing)
    })
    incoming.pipe(onward)
  })
  server.on('connect', (incoming, socket, head) => {
    if (!isAllowed(incoming)) {
      socket.end('HTTP/1.1 407 Proxy Authentication Required\r\n\r\n')
      return
    }
    const [host = '', port = ''] = (incoming.url ?? '').split(':')
    const onward = connect(Number(port), host, () => {
      socket.write('HTTP/1.1 200 OK\r\n\r\n')
      onward.write(head)
      onward.pipe(socket)
      socket.pipe(onward)
    })
    onward.on('error', () => socket.destroy())
    socket.on('error', () => onward.destroy())
  })
  return Object.assign(await listening(server), { asked })
}

async function listening(server: Server): Promise<TestServer> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    port: (server.address() as AddressInfo).port,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
