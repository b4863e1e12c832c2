/** A line that breaks: passes bytes on, until it is cut. */
import { connect, createServer, type Socket } from 'node:net'

export interface Line extends AsyncDisposable {
  readonly port: number
  /** False: new connections end at once. */
  isUp: boolean
  /** Breaks every connection there is. */
  cut(): void
  /** Breaks each new connection after so many bytes to the client; undefined: never. */
  bytesMax: (() => number) | undefined
}

export async function startLine(targetPort: number): Promise<Line> {
  const sockets = new Set<Socket>()
  const server = createServer((client) => {
    sockets.add(client)
    client.on('error', () => client.destroy())
    client.on('close', () => sockets.delete(client))
    if (!line.isUp) {
      client.destroy()
      return
    }
    let left = line.bytesMax?.() ?? Number.POSITIVE_INFINITY
    const target = connect({ port: targetPort, host: '127.0.0.1' })
    target.on('error', () => client.destroy())
    target.on('close', () => client.destroy())
    client.on('close', () => target.destroy())
    client.pipe(target)
    target.on('data', (chunk: Buffer) => {
      client.write(chunk.subarray(0, left))
      left -= chunk.length
      // In the middle of what was sent: the end of the answer never arrives.
      if (left <= 0) client.destroy()
    })
  })
  const line: { port: number; isUp: boolean; bytesMax: Line['bytesMax'] } = { port: 0, isUp: true, bytesMax: undefined }
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  line.port = typeof address === 'object' && address !== null ? address.port : 0
  const cut = (): void => {
    for (const socket of sockets) socket.destroy()
  }
  return Object.assign(line, {
    cut,
    [Symbol.asyncDispose]: async () => {
      line.isUp = false
      cut()
      await new Promise((resolve) => server.close(resolve))
    },
  })
}
