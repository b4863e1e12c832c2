/** Puts the simulator together and on a port: Defender for Cloud Apps' API, Graph's and Entra's token endpoint in one server.
 *  Here is the order of things: a request is written down, a scripted fault may take over, else the service answers. */

import Fastify, { type FastifyReply, type FastifyRequest } from 'fastify'
import type { RecordKind } from './data/records.ts'
import { RateLimit } from './defender/rate-limit.ts'
import { answerDefender, type DefenderParts } from './defender/routes.ts'
import { createShelves, createStore, type Store } from './defender/store.ts'
import { type OauthOptions, TokenEndpoint } from './entra/token-endpoint.ts'
import { applyFault, type Delivery } from './faults/apply.ts'
import { FaultScript, type Faults } from './faults/fault.ts'
import { answerGraphAlerts, type GraphAlertOptions, graphAlertsPath, graphAlertsRole } from './graph/alert-routes.ts'
import { type GraphAlertRecord, GraphAlertShelf, type GraphAlertStore } from './graph/alert-store.ts'
import { answerDiscovery, discoveryRole, discoveryRoots } from './graph/discovery-routes.ts'
import { DiscoveryShelves, type DiscoveryStore } from './graph/discovery-store.ts'
import { refuseAtGateway } from './graph/gateway.ts'
import { type Answer, htmlAnswer, type Incoming, type RouteKind } from './http/answer.ts'
import { deliverBroken } from './http/delivery.ts'
import { readIncoming } from './http/incoming.ts'
import { RequestBook, type RequestLog, type Violation } from './http/request-log.ts'

export interface SimulatorOptions {
  /** For what the simulator itself draws (the order of shuffled pages); default 1. */
  readonly seed?: number
  /** Default 127.0.0.1: whoever reaches it may read and write the records of its tenant. */
  readonly host?: string
  /** Default 0: any free port. */
  readonly port?: number
  /** The service's clock: `Date` header, `gte_ndays`, the request budget, expiry of tokens. Default Date.now. */
  readonly nowMs?: () => number
  /** Before every API route, e.g. `/cas`. */
  readonly pathPrefix?: string
  /** Accepted as `Authorization: Token …`. */
  readonly legacyToken?: string
  readonly oauth?: OauthOptions
  /** All API routes together, in any sixty seconds; default 30, Infinity for none. */
  readonly requestsPerMinute?: number
  /** Records of a page at most; default 100. */
  readonly pageLimitMax?: number
  /** Records of a page in scan mode at most; default 5000. */
  readonly scanLimitMax?: number
  /** Graph's routes together, in any sixty seconds; default 150, Infinity for none. */
  readonly graphRequestsPerMinute?: number
  readonly graphAlerts?: GraphAlertOptions
  /** Items of a page of Cloud Discovery at most; default 100. */
  readonly discoveryPageMax?: number
  /** Records kept per kind; the first to have arrived goes at the bound. Default 200,000. */
  readonly recordsMax?: number
}

export interface Simulator extends AsyncDisposable {
  /** Origin and prefix; `/api/v1/…` follows. */
  readonly url: string
  /** Entra's v2 token endpoint; without `/v2.0` it is the v1 endpoint. */
  readonly tokenUrl: string
  readonly store: Store & GraphAlertStore
  /** What Cloud Discovery has seen. */
  readonly discovery: DiscoveryStore
  readonly faults: Faults
  /** The latest 10,000 requests, oldest first. */
  readonly requests: readonly RequestLog[]
  /** Requests made before a Retry-After had passed; the latest 10,000. */
  readonly violations: readonly Violation[]
  /** Closes the port and every connection, also those that hang. */
  close(): Promise<void>
}

const bodyBytesMax = 262_144

/** @throws {Error} when the port is taken. */
export async function startSimulator(options: SimulatorOptions = {}): Promise<Simulator> {
  const nowMs = options.nowMs ?? Date.now
  const pathPrefix = (options.pathPrefix ?? '').replace(/\/+$/, '')
  let origin = ''
  const url = (): string => `${origin}${pathPrefix}`
  const linkRoot = ({ host }: Incoming): string => `http://${host}${pathPrefix}`
  const shelves = createShelves(options.recordsMax ?? 200_000)
  const tokens = new TokenEndpoint(options.oauth, nowMs)
  const faults = new FaultScript()
  const book = new RequestBook()
  const defender: DefenderParts = {
    shelves,
    rateLimit: new RateLimit(options.requestsPerMinute ?? 30),
    tokens,
    legacyToken: options.legacyToken,
    limits: { pageLimitMax: options.pageLimitMax ?? 100, scanLimitMax: options.scanLimitMax ?? 5000 },
    nowMs,
  }
  const gateway = { tokens, rateLimit: new RateLimit(options.graphRequestsPerMinute ?? 150), nowMs }
  const graphAlerts = new GraphAlertShelf(options.recordsMax ?? 200_000, nowMs)
  const discovery = new DiscoveryShelves(nowMs)
  const faultWorld = {
    nowMs,
    seed: options.seed ?? 1,
    expireToken: (authorization: string | undefined) => tokens.expire(authorization?.split(' ', 2)[1] ?? ''),
  }

  function exchange(incoming: Incoming, answer: () => Answer): Delivery {
    const note = book.open(incoming, nowMs())
    const entry = faults.find(incoming)
    const applied = entry === undefined ? undefined : applyFault(entry, incoming, answer, faultWorld)
    if (entry !== undefined && applied?.isUsed) faults.use(entry)
    const delivery = applied?.delivery ?? { answer: answer() }
    const isAnswered = delivery.wireFault?.type !== 'hang' || delivery.wireFault.after === 'headers'
    if (isAnswered) note(delivery.answer)
    return delivery
  }

  function handle(route: RouteKind, answer: (incoming: Incoming, params: Readonly<Record<string, string>>) => Answer) {
    return async (request: FastifyRequest, reply: FastifyReply): Promise<void> => {
      const incoming = await readIncoming(request, route, pathPrefix)
      const params = (request.params ?? {}) as Readonly<Record<string, string>>
      const delivery = exchange(incoming, () => answer(incoming, params))
      const date = { date: new Date(nowMs()).toUTCString() }
      if (delivery.wireFault === undefined) {
        await reply
          .code(delivery.answer.status)
          .headers({ ...delivery.answer.headers, ...date })
          .send(delivery.answer.body)
        return
      }
      reply.hijack()
      const broken = { ...delivery.answer, headers: { ...delivery.answer.headers, ...date } }
      deliverBroken(reply.raw, broken, delivery.wireFault)
    }
  }

  const app = Fastify({
    bodyLimit: bodyBytesMax,
    exposeHeadRoutes: false,
    // Connections that hang on purpose would keep the server open for ever.
    forceCloseConnections: true,
    routerOptions: { maxParamLength: 500 },
  })
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('*', { parseAs: 'string' }, (_request, body, done) => done(null, body))

  for (const kind of ['alerts', 'activities'] as const satisfies readonly RecordKind[]) {
    const root = `${pathPrefix}/api/v1/${kind}/`
    const list = handle(kind, (incoming) => answerDefender(defender, kind, undefined, incoming))
    app.get(root, list)
    app.post(root, list)
    app.get(
      `${root}:id/`,
      handle(kind, (incoming, params) => answerDefender(defender, kind, params.id, incoming)),
    )
  }
  app.get(
    `${pathPrefix}${graphAlertsPath}`,
    handle('graph-alerts', (incoming) => {
      const parts = { shelf: graphAlerts, options: options.graphAlerts ?? {}, url: linkRoot(incoming), nowMs }
      return refuseAtGateway(gateway, graphAlertsRole, incoming) ?? answerGraphAlerts(parts, incoming)
    }),
  )
  const listDiscovery = handle('graph-discovery', (incoming) => {
    const parts = { shelves: discovery, url: linkRoot(incoming), nowMs, pageMax: options.discoveryPageMax ?? 100 }
    return refuseAtGateway(gateway, discoveryRole, incoming) ?? answerDiscovery(parts, incoming)
  })
  for (const root of discoveryRoots)
    for (const path of [root, `${root}/*`]) app.get(`${pathPrefix}${path}`, listDiscovery)
  for (const [version, path] of [
    ['v1', '/:tenant/oauth2/token'],
    ['v2', '/:tenant/oauth2/v2.0/token'],
  ] as const) {
    app.post(
      path,
      handle('token', (incoming, params) => tokens.answer(params.tenant ?? '', version, incoming)),
    )
  }
  app.setNotFoundHandler(handle('other', () => htmlAnswer(404, 'Not Found')))

  origin = await app.listen({ host: options.host ?? '127.0.0.1', port: options.port ?? 0 })
  const close = async (): Promise<void> => {
    await app.close()
  }
  return {
    url: url(),
    tokenUrl: `${origin}/${options.oauth?.tenantId ?? 'common'}/oauth2/v2.0/token`,
    store: withGraph(createStore(shelves), graphAlerts),
    discovery,
    faults,
    requests: book.requests,
    violations: book.violations,
    close,
    [Symbol.asyncDispose]: close,
  }
}

/** The counts of a store are read anew, so it is extended, not copied. */
function withGraph(store: Store, alerts: GraphAlertShelf): Store & GraphAlertStore {
  return Object.assign(store, {
    addGraphAlert: (record: GraphAlertRecord) => alerts.addGraphAlert(record),
    updateGraphAlert: (id: string, patch: Partial<GraphAlertRecord>) => alerts.updateGraphAlert(id, patch),
    graphAlerts: () => alerts.graphAlerts(),
  })
}
