/** The HTTP server: limits, headers, errors, pages and the API below the configured path. Who may call what is the guard's. */
import type { Server } from 'node:https'
import cookie from '@fastify/cookie'
import type { World } from '@siem-relay/service-kit'
import { type FastifyHttpsOptions, type FastifyInstance, type FastifyServerOptions, fastify } from 'fastify'
import type { PortalConfig } from '../config.ts'
import { type Assets, pageFor, sendAsset, serveAssets } from './assets.ts'
import { refuseBrokenRequests } from './broken-requests.ts'
import { ApiError, bodyOf, errorHandler, pathMove, send } from './errors.ts'
import { addSecurityHeaders } from './headers.ts'
import { acceptJsonOnly } from './json-body.ts'
import { bodyBytesMax, type Limits, limitsDefault } from './limits.ts'
import { addOpenApi } from './openapi.ts'
import type { Guard } from './route.ts'

export interface ServerParts {
  readonly config: Pick<PortalConfig, 'path' | 'trustProxy'>
  readonly guard: Guard
  readonly log: World['log']
  readonly version: string
  readonly assets: Assets
  /** Default: limitsDefault. */
  readonly limits?: Partial<Limits> | undefined
  readonly tls?: { readonly cert: string; readonly key: string } | undefined
  /** Routes below `<path>/api/v1`. */
  readonly addApi: (server: FastifyInstance) => void
  /** Routes below `<path>/agent/v1`, for agents that run elsewhere. */
  readonly addAgentApi?: ((server: FastifyInstance) => void) | undefined
}

export async function buildServer(parts: ServerParts): Promise<FastifyInstance> {
  const { config, guard, log, version, assets, addApi, addAgentApi } = parts
  const limits = { ...limitsDefault, ...parts.limits }
  const server = createServer(parts, limits)
  server.server.headersTimeout = limits.headersTimeoutMs
  server.server.maxConnections = limits.connectionsMax
  server.decorate('guard', guard)
  server.decorate('operations', [])
  server.decorateRequest('caller', undefined)
  server.setErrorHandler(errorHandler(log))
  server.setNotFoundHandler((request, reply) => {
    const page = pageFor(request, assets, `${config.path}/`)
    return page === undefined
      ? send(reply, new ApiError('not_found', 'there is nothing here', { nextMove: pathMove }))
      : sendAsset(page, request, reply)
  })
  acceptJsonOnly(server)
  addSecurityHeaders(server)
  server.addHook('onRequest', async ({ headers }) => {
    const encoding = headers['content-encoding']
    if (encoding !== undefined && encoding !== 'identity')
      throw new ApiError('invalid', 'bodies are taken as they are', {
        nextMove: 'Send it without Content-Encoding.',
        status: 415,
      })
  })
  await server.register(cookie)
  await server.register(
    async (pages) => {
      serveAssets(pages, assets)
    },
    { prefix: config.path },
  )
  // The page's own links are relative to its folder.
  if (config.path !== '') server.get(config.path, (_request, reply) => reply.redirect(`${config.path}/`, 308))
  await server.register(
    async (api) => {
      addOpenApi(api, version)
      addApi(api)
    },
    { prefix: `${config.path}/api/v1` },
  )
  if (addAgentApi !== undefined)
    await server.register(async (api) => addAgentApi(api), { prefix: `${config.path}/agent/v1` })
  return server
}

function createServer({ config, tls }: ServerParts, limits: Limits): FastifyInstance {
  const node = { connectionsCheckingInterval: limits.checkEveryMs, maxHeaderSize: limits.headerBytesMax }
  const options: FastifyServerOptions = {
    logger: false,
    forceCloseConnections: true,
    trustProxy: config.trustProxy.length === 0 ? false : [...config.trustProxy],
    bodyLimit: bodyBytesMax,
    requestTimeout: limits.requestTimeoutMs,
    connectionTimeout: limits.connectionTimeoutMs,
    keepAliveTimeout: limits.keepAliveTimeoutMs,
    onProtoPoisoning: 'error',
    onConstructorPoisoning: 'error',
    routerOptions: { maxParamLength: limits.paramLengthMax, caseSensitive: true },
    frameworkErrors: (_error, _request, reply) => {
      send(reply as never, new ApiError('invalid', 'the path is not valid', { nextMove: pathMove }))
    },
    clientErrorHandler: refuseBrokenRequests(
      JSON.stringify(
        bodyOf(new ApiError('invalid', 'this is not a request HTTP knows', { nextMove: 'Send HTTP/1.1.' })),
      ),
    ),
  }
  if (tls === undefined) return fastify({ ...options, http: node })
  const secure = { ...options, https: { ...node, ...tls, minVersion: 'TLSv1.2' as const } }
  // The two kinds of server differ in a type parameter that nothing here depends on.
  return fastify(secure as unknown as FastifyHttpsOptions<Server>) as unknown as FastifyInstance
}
