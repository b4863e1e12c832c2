/** Entra ID for Azure Monitor: OpenID configuration, tokens for several applications by secret or by assertion, and the
 *  memory of the tokens issued. Tokens look like JWTs and are checked by looking them up. */

import { createHmac, randomUUID } from 'node:crypto'
import { type Problem, refusal } from '../entra/token-endpoint.ts'
import { type Answer, jsonAnswer } from '../http/answer.ts'
import { assertionType, encodeJwt, findAssertionProblem } from './assertion.ts'

export interface AzureApplication {
  readonly tenantId: string
  readonly clientId: string
  /** Without one the application has to show an assertion. */
  readonly clientSecret?: string
  /** Immutable ids of the rules it may write to; default all. */
  readonly roles?: readonly string[]
}

/** Azure Monitor, as tokens name it in the three clouds. */
export const monitorAudiences = [
  'https://monitor.azure.com',
  'https://monitor.azure.us',
  'https://monitor.azure.cn',
] as const

export interface Token {
  readonly application: AzureApplication
  readonly audience: string
  expiryMs: number
}

export interface EntraOptions {
  readonly applications: readonly AzureApplication[]
  readonly tokenSeconds: number
  readonly nowMs: () => number
}

export type Form = Readonly<Record<string, string | undefined>>

const tokensKeptMax = 10_000

export class Entra {
  readonly #options: EntraOptions
  readonly #tokens = new Map<string, Token>()

  constructor(options: EntraOptions) {
    this.#options = options
  }

  /** @param origin where the asking client reached this server: clients compare the issuer with it. */
  openidConfiguration(tenantId: string, origin: string): Answer {
    if (!this.#knowsTenant(tenantId)) return this.#refuse(unknownTenant(tenantId))
    const root = `${origin}/${tenantId}`
    return jsonAnswer(200, {
      issuer: `${root}/v2.0`,
      authorization_endpoint: `${root}/oauth2/v2.0/authorize`,
      token_endpoint: `${root}/oauth2/v2.0/token`,
      jwks_uri: `${root}/discovery/v2.0/keys`,
      token_endpoint_auth_methods_supported: ['client_secret_post', 'private_key_jwt'],
      response_types_supported: ['token'],
      subject_types_supported: ['pairwise'],
      id_token_signing_alg_values_supported: ['RS256'],
    })
  }

  /** The client credentials grant. */
  issue(tenantId: string, form: Form): Answer {
    const problem = this.#findProblem(tenantId, form)
    if (problem !== undefined) return this.#refuse(problem)
    const application = this.#find(tenantId, form.client_id) as AzureApplication
    const audience = audienceOf(form.scope) as string
    const { tokenSeconds } = this.#options
    return jsonAnswer(
      200,
      {
        token_type: 'Bearer',
        expires_in: tokenSeconds,
        ext_expires_in: tokenSeconds,
        access_token: this.#grant(application, audience),
      },
      { 'cache-control': 'no-store, no-cache', pragma: 'no-cache' },
    )
  }

  /** A token for an identity of a machine, which shows nothing but where it is. @returns undefined when it has no such identity. */
  issueToMachine(clientId: string, resource: string): { token: string; expiresOnSeconds: number } | undefined {
    const application = this.#options.applications.find((each) => each.clientId === clientId)
    const audience = audienceOf(`${resource.replace(/\/+$/, '')}/.default`)
    if (application === undefined || audience === undefined) return undefined
    const { tokenSeconds, nowMs } = this.#options
    return {
      token: this.#grant(application, audience),
      expiresOnSeconds: Math.floor(nowMs() / 1000) + tokenSeconds,
    }
  }

  #grant(application: AzureApplication, audience: string): string {
    const { tokenSeconds, nowMs } = this.#options
    const nowSeconds = Math.floor(nowMs() / 1000)
    const claims = {
      aud: audience,
      iss: `https://sts.windows.net/${application.tenantId}/`,
      iat: nowSeconds,
      nbf: nowSeconds,
      exp: nowSeconds + tokenSeconds,
      appid: application.clientId,
      tid: application.tenantId,
      uti: randomUUID(),
    }
    const signature = createHmac('sha256', 'simulated').update(claims.uti).digest('base64url')
    const token = encodeJwt({ typ: 'JWT', alg: 'HS256' }, claims, signature)
    this.#tokens.set(token, { application, audience, expiryMs: nowMs() + tokenSeconds * 1000 })
    if (this.#tokens.size > tokensKeptMax) this.#tokens.delete(this.#tokens.keys().next().value as string)
    return token
  }

  /** @param authorization the header. @returns the token, also one whose time is over. */
  find(authorization: string | undefined): Token | undefined {
    const [scheme, token = ''] = (authorization ?? '').split(' ', 2)
    return scheme?.toLowerCase() === 'bearer' ? this.#tokens.get(token) : undefined
  }

  /** Ends the life of the token presented, before its time. */
  expireToken(authorization: string | undefined): void {
    const token = this.find(authorization)
    if (token !== undefined) token.expiryMs = Number.NEGATIVE_INFINITY
  }

  expireTokens(): void {
    for (const token of this.#tokens.values()) token.expiryMs = Number.NEGATIVE_INFINITY
  }

  #refuse(problem: Problem): Answer {
    return refusal(problem, this.#options.nowMs())
  }

  #findProblem(tenantId: string, form: Form): Problem | undefined {
    if (!this.#knowsTenant(tenantId)) return unknownTenant(tenantId)
    const missing = ['grant_type', 'client_id', 'scope'].find((name) => form[name] === undefined)
    if (missing !== undefined) return missingParameter(missing)
    if (form.grant_type !== 'client_credentials') {
      return [400, 'unsupported_grant_type', 70003, `The app requested an unsupported grant type '${form.grant_type}'.`]
    }
    const application = this.#find(tenantId, form.client_id)
    if (application === undefined) {
      const text = `Application with identifier '${form.client_id}' was not found in the directory.`
      return [400, 'unauthorized_client', 700016, text]
    }
    if (audienceOf(form.scope) === undefined) {
      return [400, 'invalid_scope', 1002012, `The provided value for scope ${form.scope} is not valid.`]
    }
    return this.#findProofProblem(application, form)
  }

  #findProofProblem(application: AzureApplication, form: Form): Problem | undefined {
    if (form.client_assertion !== undefined) {
      if (form.client_assertion_type !== assertionType) return missingParameter('client_assertion_type')
      return findAssertionProblem(form.client_assertion, { ...application, nowMs: this.#options.nowMs() })
    }
    if (form.client_secret === undefined) return missingParameter("client_assertion' or 'client_secret")
    const { clientSecret } = application
    if (clientSecret !== undefined && form.client_secret === clientSecret) return undefined
    return [401, 'invalid_client', 7000215, 'Invalid client secret provided.']
  }

  #knowsTenant(tenantId: string): boolean {
    return this.#options.applications.some((each) => each.tenantId === tenantId)
  }

  #find(tenantId: string, clientId: string | undefined): AzureApplication | undefined {
    return this.#options.applications.find((each) => each.tenantId === tenantId && each.clientId === clientId)
  }
}

function unknownTenant(tenantId: string): Problem {
  return [400, 'invalid_request', 90002, `Tenant '${tenantId}' not found.`]
}

function missingParameter(name: string): Problem {
  return [400, 'invalid_request', 900144, `The request body must contain the following parameter: '${name}'.`]
}

/** `https://monitor.azure.com/.default`, or with two slashes, which Entra takes as well; the scopes of OpenID may stand beside it. */
function audienceOf(scope: string | undefined): string | undefined {
  const wanted = (scope ?? '').split(' ').filter((each) => !['openid', 'profile', 'offline_access', ''].includes(each))
  return wanted.length === 1
    ? monitorAudiences.find((audience) => [`${audience}/.default`, `${audience}//.default`].includes(wanted[0] ?? ''))
    : undefined
}
