/** Serves control to commands of the same user: HTTP with JSON over a socket file. Who may open the file may ask; nothing listens
 *  on the network. */
import { chmodSync, rmSync } from 'node:fs'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { describeError, RelayError } from '@siem-relay/common'
import { type Control, controlMethods, controlStreams } from '@siem-relay/control'
import type { World } from '@siem-relay/service-kit'
import { controlSocketPath } from './socket-path.ts'
import { errorBody, streamLines } from './stream.ts'

/** A plan of 10,000 stretches. */
const bodyBytesMax = 4_194_304
const connectionsMax = 50
/** What is worth a line in the log, since it changes something or shows records; a command that watches asks twice a second. */
const changing: ReadonlySet<string> = new Set<keyof Control>([
  'startReplay',
  'cancelReplay',
  'forget',
  'retryDeadLetters',
  'dropDeadLetters',
  'tap',
])

/**
 * Listens in the directory of a log this process has open: a socket file found there belongs to nobody any more.
 * Without a socket the relay works all the same, so trouble with it is logged, not thrown.
 */
export async function serveControl(
  control: Control,
  directory: string,
  log: World['log'],
): Promise<{ close(): Promise<void> }> {
  const server = createServer((request, response) => void answer(control, request, response, log))
  server.maxConnections = connectionsMax
  try {
    const path = controlSocketPath(directory)
    if (process.platform !== 'win32') rmSync(path, { force: true })
    await listen(server, path)
    if (process.platform !== 'win32') chmodSync(path, 0o600)
  } catch (error) {
    log.warn({ error: describeError(error) }, 'no control socket: commands cannot reach this relay')
  }
  return {
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

function listen(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen({ path }, () => {
      server.off('error', reject)
      resolve()
    })
  })
}

async function answer(
  control: Control,
  request: IncomingMessage,
  response: ServerResponse,
  log: World['log'],
): Promise<void> {
  try {
    const method = methodOf(request)
    if (method === undefined) return send(response, 404, { error: { message: 'no such method' } })
    const schemas = { ...controlMethods, ...controlStreams }
    const argument = schemas[method].safeParse(await bodyOf(request))
    if (!argument.success) throw new RelayError('RELAY_USAGE', argument.error.issues[0]?.message ?? 'wrong argument')
    log[changing.has(method) ? 'info' : 'debug']({ method }, 'control was asked')
    // The schema of the method has made the argument what the method takes.
    const call = control[method].bind(control) as (argument: unknown, signal?: AbortSignal) => unknown
    if (Object.hasOwn(controlStreams, method))
      await streamLines(response, (signal) => call(argument.data, signal) as AsyncIterable<unknown>)
    else send(response, 200, { result: await call(argument.data) })
  } catch (error) {
    if (!(error instanceof RelayError)) log.error({ err: error }, 'control failed')
    send(response, error instanceof RelayError ? 422 : 500, errorBody(error))
  }
}

function methodOf({ method, url }: IncomingMessage): keyof Control | undefined {
  const name = /^\/v1\/(\w+)$/.exec(url ?? '')?.[1]
  const isKnown = name !== undefined && (Object.hasOwn(controlMethods, name) || Object.hasOwn(controlStreams, name))
  if (method !== 'POST' || !isKnown) return undefined
  return name as keyof Control
}

/** The argument; undefined for an empty body. */
async function bodyOf(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length
    if (bytes > bodyBytesMax) throw new RelayError('RELAY_USAGE', `an argument has at most ${bodyBytesMax} bytes`)
    chunks.push(chunk)
  }
  if (bytes === 0) return undefined
  try {
    return JSON.parse(Buffer.concat(chunks).toString('utf8'))
  } catch (cause) {
    throw new RelayError('RELAY_USAGE', 'the argument is not JSON', { cause })
  }
}

function send(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
}
