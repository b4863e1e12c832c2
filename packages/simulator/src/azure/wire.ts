/** Puts an answer on the socket: plainly, late, byte by byte, or not at all. */

import type { ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Answer } from '../http/answer.ts'
import type { AzureFault } from './faults.ts'

export interface Line {
  readonly response: ServerResponse
  /** The TCP connection under TLS: only that one can be reset. */
  readonly tcp: Socket | undefined
  readonly signal: AbortSignal
}

/**
 * @returns whether the answer left as a whole, as far as can be known here.
 * @throws when the simulator stops meanwhile.
 */
export async function send(line: Line, answer: Answer, fault: AzureFault | undefined): Promise<boolean> {
  const { response } = line
  switch (fault?.type) {
    case 'reset':
      reset(line)
      return false
    case 'hang':
      return false
    case 'slow-response':
      return await drip(line, answer, fault.everyMs)
    case 'latency':
      await wait(line, fault.ms)
      break
    default:
  }
  if (response.destroyed || response.socket?.destroyed !== false) return false
  response.writeHead(answer.status, headersOf(answer)).end(answer.body)
  return true
}

export function reset({ response, tcp }: Line): void {
  if (tcp === undefined || tcp.destroyed) response.destroy()
  else tcp.resetAndDestroy()
}

/** A 204 has no Content-Length (RFC 9110 §8.6). */
function headersOf({ status, headers, body }: Answer): Record<string, string> {
  return status === 204 ? { ...headers } : { ...headers, 'content-length': String(body.length) }
}

/** Past the HTTP server, which would send the head in one piece. */
async function drip(line: Line, answer: Answer, everyMs: number): Promise<boolean> {
  const { socket } = line.response
  const fields = Object.entries({ ...headersOf(answer), connection: 'close' }).map(
    ([name, value]) => `${name}: ${value}`,
  )
  const head = [`HTTP/1.1 ${answer.status} Simulated`, ...fields, '', ''].join('\r\n')
  const bytes = Buffer.concat([Buffer.from(head), answer.body])
  for (let position = 0; position < bytes.length; position += 1) {
    if (position > 0) await wait(line, everyMs)
    if (socket === null || socket.destroyed) return false
    socket.write(bytes.subarray(position, position + 1))
  }
  socket?.end()
  return true
}

/** Shorter when the client leaves meanwhile. @throws when the simulator stops. */
async function wait({ response, signal }: Line, ms: number): Promise<void> {
  const left = new AbortController()
  const leave = (): void => left.abort()
  response.once('close', leave)
  try {
    await sleep(ms, undefined, { signal: AbortSignal.any([signal, left.signal]) })
  } catch (error) {
    if (signal.aborted) throw error
  } finally {
    response.off('close', leave)
  }
}
