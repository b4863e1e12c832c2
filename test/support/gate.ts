/** A receiver's front door for fault runs. */
import { connect, createServer, type Socket } from 'node:net'

/** A line between the relay and a receiver that can be switched: it passes, or it takes bytes and drops or ignores them. */
export interface Gate extends AsyncDisposable {
  readonly port: number
  mode: 'pass' | 'never-read' | 'swallow'
  /** Resets every connection there is, as a load balancer does that thinks them idle. */
  cut(): void
}

export async function startGate(targetPort: number, mode: Gate['mode']): Promise<Gate> {
  const sockets = new Set<Socket>()
  const gate = {
    port: 0,
    mode,
    cut: () => {
      for (const socket of sockets) socket.resetAndDestroy()
    },
  }
  const server = createServer({ allowHalfOpen: true, pauseOnConnect: true }, (client) => {
    sockets.add(client)
    client.on('error', () => client.destroy())
    client.on('close', () => sockets.delete(client))
    if (gate.mode === 'never-read') return
    if (gate.mode === 'swallow') {
      // Half open: bytes go nowhere, and the end is never answered.
      client.resume()
      return
    }
    const target = connect({ port: targetPort, host: '127.0.0.1', allowHalfOpen: true })
    sockets.add(target)
    target.on('error', () => client.destroy())
    client.on('close', () => target.destroy())
    client.pipe(target).pipe(client)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  gate.port = typeof address === 'object' && address !== null ? address.port : 0
  return Object.assign(gate, {
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  })
}
