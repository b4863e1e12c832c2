/** A reverse proxy as they stand before the portal: it ends TLS, passes one path on as it is, and says where requests came from. Everything
 *  outside of the path is somebody else's: 404. */
import { readFileSync } from 'node:fs'
import { request } from 'node:http'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import type { ServerCertificate } from './certificates.ts'

export interface ReverseProxy extends AsyncDisposable {
  readonly origin: string
  /** Paths that were asked for and are not the portal's. */
  readonly strays: readonly string[]
}

/** @param target set once the portal has a port. */
export async function startReverseProxy(
  { certFile, keyFile }: ServerCertificate,
  path: string,
  target: () => string,
): Promise<ReverseProxy> {
  const strays: string[] = []
  const tls = { cert: readFileSync(certFile), key: readFileSync(keyFile) }
  const server = createServer(tls, (incoming, answer) => {
    const { url = '/', method, headers, socket } = incoming
    if (url !== path && !url.startsWith(`${path}/`)) {
      strays.push(url)
      answer.writeHead(404).end()
      return
    }
    const passed = request(new URL(url, target()), {
      method,
      headers: {
        ...headers,
        'x-forwarded-for': socket.remoteAddress,
        'x-forwarded-proto': 'https',
        'x-forwarded-host': headers.host,
      },
    })
    passed.on('response', (response) => {
      answer.writeHead(response.statusCode ?? 502, response.headers)
      response.pipe(answer)
    })
    passed.on('error', () => answer.destroy())
    answer.on('close', () => passed.destroy())
    incoming.pipe(passed)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    origin: `https://127.0.0.1:${port}`,
    strays,
    [Symbol.asyncDispose]: () => {
      server.closeAllConnections()
      return new Promise((resolve) => server.close(() => resolve()))
    },
  }
}
