/** The benchmark's receiver: counts octet-counted messages and says when it has them all. It reads the length and skips the
 *  message, so that it costs little of the machine it shares. */
import { createServer } from 'node:net'

const { count } = JSON.parse(process.argv[2] ?? '{}') as { count: number }
let messages = 0
let firstMs = 0

const server = createServer((socket) => {
  let length = 0
  let skip = 0
  socket.on('data', (chunk: Buffer) => {
    if (firstMs === 0) firstMs = Date.now()
    let position = 0
    while (position < chunk.length) {
      if (skip > 0) {
        const step = Math.min(skip, chunk.length - position)
        skip -= step
        position += step
        if (skip === 0) messages += 1
        continue
      }
      const byte = chunk[position++] ?? 0
      if (byte === 0x20) {
        skip = length
        length = 0
      } else length = length * 10 + byte - 0x30
    }
    if (messages >= count) process.send?.({ firstMs, lastMs: Date.now(), messages })
  })
  socket.on('error', () => socket.destroy())
})
server.listen(0, '127.0.0.1', () => {
  const address = server.address()
  process.send?.({ port: typeof address === 'object' && address !== null ? address.port : 0 })
})
