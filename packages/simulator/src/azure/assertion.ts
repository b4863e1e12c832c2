/** Client assertions (RFC 7523 §3): the signed statement an application shows instead of a secret. Two kinds come: one the
 *  application made itself with its certificate, and a federated one from a workload identity's issuer.
 *  Checked: three parts of base64url, JSON in the first two, a known algorithm, the claims, the times. NOT checked: the
 *  signature, which needs keys the simulator has no way to know. */

import type { Problem } from '../entra/token-endpoint.ts'

export const assertionType = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'

/** What federated assertions are addressed to, in all clouds' spellings. */
const federatedAudience = /^api:\/\/AzureADTokenExchange/
const skewSeconds = 300

export interface AssertionContext {
  readonly tenantId: string
  readonly clientId: string
  readonly nowMs: number
}

/** @returns what is wrong with it; undefined when nothing is. */
export function findAssertionProblem(assertion: string, context: AssertionContext): Problem | undefined {
  const jwt = decodeJwt(assertion)
  if (jwt === undefined) return [401, 'invalid_client', 50027, 'JWT token is invalid or malformed.']
  const { header, claims } = jwt
  if (!['RS256', 'PS256', 'ES256'].includes(String(header.alg))) {
    return [401, 'invalid_client', 5002727, `Invalid JWT header: algorithm '${header.alg}' is not supported.`]
  }
  const nowSeconds = context.nowMs / 1000
  const { exp, nbf } = claims
  const isNow = typeof exp === 'number' && exp > nowSeconds - skewSeconds
  if (!isNow || (typeof nbf === 'number' && nbf > nowSeconds + skewSeconds)) {
    return [401, 'invalid_client', 700024, 'Client assertion is not within its valid time range.']
  }
  return federatedAudience.test(String(claims.aud))
    ? findFederatedProblem(claims)
    : findOwnProblem(header, claims, context)
}

/** The issuer is the cluster or the platform, the subject the workload; which ones are trusted is not configured here. */
function findFederatedProblem({ iss, sub }: Claims): Problem | undefined {
  const isNamed = typeof iss === 'string' && /^https:\/\//.test(iss) && typeof sub === 'string' && sub !== ''
  if (isNamed) return undefined
  return [401, 'invalid_client', 700211, 'No matching federated identity record found for presented assertion issuer.']
}

/** Issuer and subject are the application, the audience is this endpoint, the header names the certificate. */
function findOwnProblem(header: Claims, { iss, sub, aud }: Claims, context: AssertionContext): Problem | undefined {
  if (iss !== context.clientId || sub !== context.clientId) {
    return [
      401,
      'invalid_client',
      700021,
      "Client assertion application identifier doesn't match 'client_id' parameter.",
    ]
  }
  if (!String(aud).endsWith(`/${context.tenantId}/oauth2/v2.0/token`)) {
    return [401, 'invalid_client', 700023, 'Client assertion audience claim does not match Realm issuer.']
  }
  if (typeof header.x5t !== 'string' && typeof header['x5t#S256'] !== 'string') {
    return [401, 'invalid_client', 50013, 'Assertion failed signature validation: the header names no certificate.']
  }
  return undefined
}

type Claims = Readonly<Record<string, unknown>>

export function encodeJwt(header: Claims, claims: Claims, signature: string): string {
  const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url')
  return `${encode(header)}.${encode(claims)}.${signature}`
}

/** @returns undefined for what is not three parts of which the first two are JSON objects. */
function decodeJwt(text: string): { readonly header: Claims; readonly claims: Claims } | undefined {
  if (!/^[\w-]+\.[\w-]+\.[\w-]+$/.test(text)) return undefined
  const [header, claims] = text.split('.', 2).map(decodePart)
  return header === undefined || claims === undefined ? undefined : { header, claims }
}

function decodePart(part: string): Claims | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(part, 'base64url').toString())
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : undefined
  } catch {
    return undefined
  }
}
