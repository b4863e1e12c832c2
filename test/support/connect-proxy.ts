/** A proxy as companies have them: CONNECT alone, with a user name and password, to named targets only. */
import { createServer } from 'node:http'
import { type AddressInfo, connect, type Socket } from 'node:net'

export interface ConnectProxy extends AsyncDisposable {
  readonly port: number
  /** What was asked, and what became of it. */
  readonly asked: readonly { readonly target: string; readonly status: number }[]
}

/** @param allowed ports of 127.0.0.1 by the `host:port` that is asked for; names are the proxy's to resolve. */
export async function startConnectProxy(
  credentials: string,
  allowed: Readonly<Record<string, number>>,
): Promise<ConnectProxy> {
  const asked: { target: string; status: number }[] = []
  const sockets = new Set<Socket>()
  const server = createServer((_request, response) => response.writeHead(405).end())
  server.on('connection', (socket) => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
  })
  server.on('connect', (request, stream) => {
    const client = stream as Socket
    const target = request.url ?? ''
    const port = allowed[target]
    const isKnown = request.headers['proxy-authorization'] === `Basic ${Buffer.from(credentials).toString('base64')}`
    const status = !isKnown ? 407 : port === undefined ? 403 : 200
    asked.push({ target, status })
    client.on('error', () => client.destroy())
    if (status !== 200 || port === undefined) {
      client.end(`HTTP/1.1 ${status} No\r\nProxy-Authenticate: Basic\r\nContent-Length: 0\r\n\r\n`)
      return
    }
    const line = connect({ port, host: '127.0.0.1' }, () => {
      client.write('HTTP/1.1 200 Connection established\r\n\r\n')
      line.pipe(client).pipe(line)
    })
    sockets.add(line)
    line.on('error', () => client.destroy())
    line.on('close', () => client.destroy())
    client.on('close', () => line.destroy())
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    port: (server.address() as AddressInfo).port,
    asked,
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
