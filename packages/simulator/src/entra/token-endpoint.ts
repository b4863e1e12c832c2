/** Entra ID's token endpoint for the client credentials grant, v2 (`scope`) and v1 (`resource`), and the memory of the
 *  tokens it issued. Tokens look like JWTs and are checked by looking them up: nobody but the simulator accepts them.
 *  Errors carry the AADSTS numbers clients show to people. */

import { createHmac } from 'node:crypto'
import { type Answer, type Incoming, jsonAnswer } from '../http/answer.ts'

export interface OauthOptions {
  readonly tenantId: string
  readonly clientId: string
  readonly clientSecret: string
  /** Default 3599, as Entra answers. */
  readonly tokenLifetimeSeconds?: number
  /** Roles of its tokens for Graph; default all that Graph's routes here ask for. */
  readonly graphRoles?: readonly string[]
}

/** "Microsoft Cloud App Security", an application tokens are for. */
export const defenderResource = '05a65629-4c1b-48c1-a78b-804c4abdd4af'
/** Microsoft Graph, another one. */
export const graphResource = 'https://graph.microsoft.com'

type Resource = typeof defenderResource | typeof graphResource

interface Token {
  readonly resource: Resource
  readonly roles: readonly string[]
  expiryMs: number
}

const resources: readonly Resource[] = [defenderResource, graphResource]
const defenderRoles = ['investigation.read', 'discovery.read']
const graphRoles = ['SecurityAlert.Read.All', 'CloudApp-Discovery.Read.All']

const tokensKeptMax = 1000
const lifetimeSecondsDefault = 3599

export type Problem = readonly [status: number, error: string, number: number, text: string]

export class TokenEndpoint {
  readonly #oauth: OauthOptions | undefined
  readonly #nowMs: () => number
  readonly #tokens = new Map<string, Token>()
  #issued = 0

  constructor(oauth: OauthOptions | undefined, nowMs: () => number) {
    this.#oauth = oauth
    this.#nowMs = nowMs
  }

  /** A token for another resource is as good as none. */
  check(token: string, resource: Resource): 'valid' | 'expired' | 'unknown' {
    const known = this.#tokens.get(token)
    if (known?.resource !== resource) return 'unknown'
    return this.#nowMs() < known.expiryMs ? 'valid' : 'expired'
  }

  rolesOf(token: string): readonly string[] {
    return this.#tokens.get(token)?.roles ?? []
  }

  /** Ends a token's life before its time. */
  expire(token: string): void {
    const known = this.#tokens.get(token)
    if (known !== undefined) known.expiryMs = Number.NEGATIVE_INFINITY
  }

  /** @param version from the path: `/<tenant>/oauth2/v2.0/token` or `/<tenant>/oauth2/token`. */
  answer(tenantId: string, version: 'v1' | 'v2', incoming: Incoming): Answer {
    const oauth = this.#oauth
    if (oauth === undefined || tenantId !== oauth.tenantId) {
      return this.#refuse([400, 'invalid_request', 90002, `Tenant '${tenantId}' not found.`])
    }
    const found = judge(oauth, version, incoming.parameters)
    return typeof found === 'string' ? this.#issue(oauth, version, found) : this.#refuse(found)
  }

  #issue(oauth: OauthOptions, version: 'v1' | 'v2', resource: Resource): Answer {
    const seconds = oauth.tokenLifetimeSeconds ?? lifetimeSecondsDefault
    const nowSeconds = Math.floor(this.#nowMs() / 1000)
    const roles = resource === defenderResource ? defenderRoles : (oauth.graphRoles ?? graphRoles)
    const token = this.#sign(oauth, { aud: resource, roles }, nowSeconds, seconds)
    this.#tokens.set(token, { resource, roles, expiryMs: this.#nowMs() + seconds * 1000 })
    if (this.#tokens.size > tokensKeptMax) this.#tokens.delete(this.#tokens.keys().next().value as string)

    const noStore = { 'cache-control': 'no-store, no-cache', pragma: 'no-cache' }
    if (version === 'v2') {
      return jsonAnswer(
        200,
        { token_type: 'Bearer', expires_in: seconds, ext_expires_in: seconds, access_token: token },
        noStore,
      )
    }
    // The older endpoint writes its numbers as text.
    const times = {
      expires_in: `${seconds}`,
      ext_expires_in: `${seconds}`,
      expires_on: `${nowSeconds + seconds}`,
      not_before: `${nowSeconds}`,
    }
    return jsonAnswer(200, { token_type: 'Bearer', ...times, resource, access_token: token }, noStore)
  }

  #sign(oauth: OauthOptions, audience: object, nowSeconds: number, lifetimeSeconds: number): string {
    this.#issued += 1
    const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url')
    const claims = {
      ...audience,
      iss: `https://sts.windows.net/${oauth.tenantId}/`,
      iat: nowSeconds,
      nbf: nowSeconds,
      exp: nowSeconds + lifetimeSeconds,
      appid: oauth.clientId,
      tid: oauth.tenantId,
      uti: `simulated-${this.#issued}`,
    }
    const content = `${encode({ typ: 'JWT', alg: 'HS256' })}.${encode(claims)}`
    return `${content}.${createHmac('sha256', oauth.clientSecret).update(content).digest('base64url')}`
  }

  #refuse(problem: Problem): Answer {
    return refusal(problem, this.#nowMs())
  }
}

/** Entra's way to say no. */
export function refusal([status, error, number, text]: Problem, nowMs: number): Answer {
  const time = new Date(nowMs)
  return jsonAnswer(status, {
    error,
    error_description: `AADSTS${number}: ${text}`,
    error_codes: [number],
    timestamp: time
      .toISOString()
      .replace('T', ' ')
      .replace(/\.\d+Z$/, 'Z'),
  })
}

/** @returns what the token is to be for, or what is wrong. */
function judge(oauth: OauthOptions, version: 'v1' | 'v2', form: Readonly<Record<string, unknown>>): Resource | Problem {
  const audience = version === 'v2' ? 'scope' : 'resource'
  const missing = ['grant_type', 'client_id', 'client_secret', audience].find((name) => typeof form[name] !== 'string')
  if (missing !== undefined) {
    return [400, 'invalid_request', 900144, `The request body must contain the following parameter: '${missing}'.`]
  }
  if (form.grant_type !== 'client_credentials') {
    return [400, 'unsupported_grant_type', 70003, `The app requested an unsupported grant type '${form.grant_type}'.`]
  }
  if (form.client_id !== oauth.clientId) {
    return [
      400,
      'unauthorized_client',
      700016,
      `Application with identifier '${form.client_id}' was not found in the directory.`,
    ]
  }
  if (form.client_secret !== oauth.clientSecret) {
    return [401, 'invalid_client', 7000215, 'Invalid client secret provided.']
  }
  const wanted = (resource: Resource): boolean =>
    form[audience] === (version === 'v2' ? `${resource}/.default` : resource)
  const resource = resources.find(wanted)
  if (resource !== undefined) return resource
  return version === 'v2'
    ? [400, 'invalid_scope', 1002012, `The provided value for scope ${form.scope} is not valid.`]
    : [400, 'invalid_resource', 500011, `The resource principal named ${form.resource} was not found in the tenant.`]
}
