/** The intake's HTTP server: listens while the source runs, tries again where it cannot, and ends without cutting off an answer. */
import { createServer, type IncomingMessage, type Server, type ServerOptions, type ServerResponse } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { backoffMs, formatListen, type Listen, listenError, parseListen, type World } from '@siem-relay/service-kit'
import type { StreamReport } from '../report.ts'
import { type HttpIntakeConfig, isHere } from './config.ts'
import type { RequestResult } from './http-problem.ts'
import { intakePath, type Requests } from './http-requests.ts'

/** A client that sends slowly holds a connection, and once it has shown its token one of the bodies, for so long. */
export const httpLimits = {
  headersTimeout: 10_000,
  requestTimeout: 60_000,
  keepAliveTimeout: 5_000,
  connectionsCheckingInterval: 1_000,
  maxHeaderSize: 16_384,
  maxConnections: 128,
} as const satisfies ServerOptions & { maxConnections: number }

export type HttpLimits = { readonly [Name in keyof typeof httpLimits]: number }

const commonHeaders = {
  'content-type': 'application/json',
  'cache-control': 'no-store',
  'x-content-type-options': 'nosniff',
}
const listenPolicy = { minMs: 1_000, maxMs: 60_000 }

export interface HttpServerParts {
  readonly sourceId: string
  readonly config: HttpIntakeConfig
  readonly tls: { readonly cert: string; readonly key: string } | undefined
  readonly world: World
  readonly report: StreamReport
  readonly requests: Requests
  readonly counted: (result: RequestResult) => void
  readonly limits: HttpLimits
}

/** Serves until the signal is aborted. @throws its reason. */
export async function serveHttp(parts: HttpServerParts, signal: AbortSignal): Promise<never> {
  const { sourceId, config, tls, world, report } = parts
  const address = parseListen(config.listen)
  if (tls === undefined && !isHere(config.listen))
    world.log.warn(
      { source: sourceId, listen: config.listen },
      'intake is plain http: token and rows can be read on the way',
    )
  for (let failures = 1; ; failures++) {
    signal.throwIfAborted()
    const { server, settled } = createIntake(parts, signal)
    const failed = failureOf(server, signal)
    try {
      await Promise.race([listen(server, address), failed])
      failures = 0
      const { port } = server.address() as AddressInfo
      const scheme = tls === undefined ? 'http' : 'https'
      world.log.info(
        { source: sourceId, url: `${scheme}://${formatListen({ ...address, port })}${intakePath}` },
        'intake listens',
      )
      report.success(undefined)
      await failed
    } catch (error) {
      signal.throwIfAborted()
      report.trouble('error', listenError(address, error))
    } finally {
      await close(server, settled)
    }
    await world.clock.sleep(backoffMs(failures, listenPolicy, world.random), signal)
  }
}

function createIntake({ requests, counted, tls, limits, world }: HttpServerParts, signal: AbortSignal) {
  const { maxConnections, ...options } = limits
  const server: Server = tls === undefined ? createServer(options) : createTlsServer({ ...options, ...tls })
  server.maxConnections = maxConnections
  const open = new Set<Promise<void>>()

  async function answer(request: IncomingMessage, response: ServerResponse, goOn?: () => void): Promise<void> {
    response.on('error', () => undefined)
    const { result, status, headers, body } = await requests.answer(request, goOn, signal)
    counted(result)
    if (response.destroyed) return
    const text = `${JSON.stringify(body)}\n`
    const length = Buffer.byteLength(text)
    response.writeHead(status, { ...commonHeaders, 'content-length': length, ...headers }).end(text)
  }
  function begin(request: IncomingMessage, response: ServerResponse, goOn?: () => void): void {
    const mine = answer(request, response, goOn).catch((err: unknown) => {
      world.log.error({ err }, 'intake could not answer')
      response.destroy()
    })
    open.add(mine)
    void mine.finally(() => open.delete(mine))
  }
  server.on('request', (request, response) => begin(request, response))
  server.on('checkContinue', (request, response) => begin(request, response, () => response.writeContinue()))
  return { server, settled: () => Promise.all(open) }
}

function listen(server: Server, address: Listen): Promise<void> {
  return new Promise((resolve) => server.listen(address, resolve))
}

/** Rejects when the server cannot go on, or is to stop. */
function failureOf(server: Server, signal: AbortSignal): Promise<never> {
  const { promise, reject } = Promise.withResolvers<never>()
  promise.catch(() => undefined)
  server.on('error', reject)
  signal.addEventListener('abort', () => reject(signal.reason), { once: true })
  return promise
}

/** Nobody new comes in, and whoever waits gets an answer. */
async function close(server: Server, settled: () => Promise<unknown>): Promise<void> {
  const { promise: closed, resolve } = Promise.withResolvers<void>()
  server.close(() => resolve())
  await settled()
  server.closeAllConnections()
  await closed
}
