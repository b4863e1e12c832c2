import { once } from 'node:events'
import { connect } from 'node:net'
import { token } from './intake-bench.ts'

/** A request that is written by hand. */
export async function rawRequest(url: string, text: string) {
  const socket = connect(Number(new URL(url).port), '127.0.0.1')
  socket.on('error', () => undefined)
  let answer = ''
  socket.on('data', (chunk) => {
    answer += chunk.toString()
  })
  await once(socket, 'connect')
  socket.write(text)
  return { socket, answer: () => answer }
}

export const requestHead = (length: number, more = ''): string =>
  `POST /v1/discovery HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${token}\r\nContent-Type: application/x-ndjson\r\n${more}Content-Length: ${length}\r\n\r\n`
