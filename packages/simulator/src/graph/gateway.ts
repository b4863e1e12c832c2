/** Who is let in to Graph: a bearer token of Entra's for Graph, with the role a route asks for, within the app's budget. */
import type { RateLimit } from '../defender/rate-limit.ts'
import { graphResource, type TokenEndpoint } from '../entra/token-endpoint.ts'
import type { Answer, Incoming } from '../http/answer.ts'
import { graphError, graphThrottled } from './answer.ts'

export interface GatewayParts {
  readonly tokens: TokenEndpoint
  readonly rateLimit: RateLimit
  readonly nowMs: () => number
}

/** @param role the application permission the route needs. @returns the refusal; undefined when the request may pass. */
export function refuseAtGateway(parts: GatewayParts, role: string, incoming: Incoming): Answer | undefined {
  const { tokens, rateLimit, nowMs } = parts
  const refuse = (status: number, message: string): Answer => graphError(status, message, nowMs())
  const [scheme, token = ''] = (incoming.authorization ?? '').split(' ', 2)
  if (scheme?.toLowerCase() !== 'bearer' || token === '') return refuse(401, 'Access token is empty.')
  const state = tokens.check(token, graphResource)
  if (state === 'expired') return refuse(401, 'Lifetime validation failed, the token is expired.')
  if (state === 'unknown') return refuse(401, 'Access token validation failure. Invalid audience.')
  if (!tokens.rolesOf(token).includes(role))
    return refuse(403, `Missing application roles. API required roles: ${role}, application roles: none of them.`)
  const waitMs = rateLimit.take(nowMs())
  return waitMs > 0 ? graphThrottled(waitMs, nowMs()) : undefined
}
