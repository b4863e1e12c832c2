/** Signing in by OpenID Connect: authorization code with PKCE, state and nonce (openid-client checks what comes back). Who somebody is,
 *  is the issuer's id of them; what they may do, their groups. */
import { randomBytes } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { type Clock, describeError, RelayError } from '@siem-relay/common'
import { createDispatchers, type Dispatchers } from '@siem-relay/http'
import * as client from 'openid-client'
import { fetch, type RequestInit } from 'undici'
import type { PortalConfig } from '../config.ts'
import type { Role } from '../contract/access.ts'
import { ApiError } from '../server/errors.ts'

type OidcConfig = NonNullable<PortalConfig['oidc']>

/** Somebody the issuer vouches for. */
export interface Vouched {
  /** Never given to anybody else. */
  readonly subject: string
  readonly name: string
  readonly role: Role
}

interface Started {
  readonly state: string
  readonly nonce: string
  readonly verifier: string
  readonly redirectUri: string
  readonly atMs: number
}

export const startedMsMax = 600_000
const startedMax = 1_000
/** What the issuer says of itself is asked for again after this. */
const discoveryMs = 3_600_000

export class Oidc implements AsyncDisposable {
  readonly #config: OidcConfig
  readonly #clock: Pick<Clock, 'nowMs'>
  readonly #dispatchers: Dispatchers
  readonly #started = new Map<string, Started>()
  #known: { readonly issuer: client.Configuration; readonly secret: string; readonly atMs: number } | undefined

  constructor(config: OidcConfig, clock: Pick<Clock, 'nowMs'>, env: Readonly<Record<string, string | undefined>>) {
    this.#config = config
    this.#clock = clock
    this.#dispatchers = createDispatchers({ env, timeoutMs: 10_000 })
  }

  get name(): string {
    return this.#config.name
  }

  /** @returns where the browser goes, and what its cookie has to bring back. @throws {ApiError} `unavailable` */
  async start(redirectUri: string): Promise<{ readonly url: string; readonly id: string }> {
    const issuer = await this.#issuer()
    const started = {
      state: client.randomState(),
      nonce: client.randomNonce(),
      verifier: client.randomPKCECodeVerifier(),
      redirectUri,
      atMs: this.#clock.nowMs(),
    }
    const url = client.buildAuthorizationUrl(issuer, {
      redirect_uri: redirectUri,
      scope: 'openid profile email',
      state: started.state,
      nonce: started.nonce,
      code_challenge: await client.calculatePKCECodeChallenge(started.verifier),
      code_challenge_method: 'S256',
    })
    const id = randomBytes(32).toString('base64url')
    this.#started.set(id, started)
    if (this.#started.size > startedMax) this.#started.delete(this.#started.keys().next().value ?? '')
    return { url: url.href, id }
  }

  /** @param query what the issuer sent the browser back with. @throws {ApiError} `forbidden`, `unavailable` */
  async finish(id: string | undefined, query: string): Promise<Vouched> {
    const started = this.#started.get(id ?? '')
    this.#started.delete(id ?? '')
    if (started === undefined || this.#clock.nowMs() - started.atMs > startedMsMax)
      throw new ApiError('forbidden', 'this sign-in was not begun here, or long ago', { nextMove: 'Sign in again.' })
    const issuer = await this.#issuer()
    const claims = await this.#claimsOf(issuer, started, query)
    return { subject: `${claims.iss} ${claims.sub}`, name: nameOf(claims), role: this.#roleOf(claims) }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#dispatchers[Symbol.asyncDispose]()
  }

  async #claimsOf(issuer: client.Configuration, started: Started, query: string): Promise<client.IDToken> {
    try {
      const tokens = await client.authorizationCodeGrant(issuer, new URL(`${started.redirectUri}?${query}`), {
        pkceCodeVerifier: started.verifier,
        expectedState: started.state,
        expectedNonce: started.nonce,
        idTokenExpected: true,
      })
      const claims = tokens.claims()
      if (claims === undefined) throw new Error('there is no id token')
      return claims
    } catch (cause) {
      throw new ApiError('forbidden', `${this.name} did not vouch for you: ${reasonOf(cause)}`, {
        nextMove: 'Sign in again; if it lasts, an admin finds the reason in the audit log.',
      })
    }
  }

  #roleOf(claims: client.IDToken): Role {
    const { groupsClaim, adminGroup, viewerGroup } = this.#config
    const claim = claims[groupsClaim]
    const groups: readonly unknown[] = Array.isArray(claim) ? claim : [claim]
    if (adminGroup !== undefined && groups.includes(adminGroup)) return 'admin'
    if (viewerGroup === undefined || groups.includes(viewerGroup)) return 'viewer'
    throw new ApiError('forbidden', `${this.name} knows you, and none of your groups may use this portal`, {
      nextMove: `Ask for a group that may; the claim ${groupsClaim} has to name it.`,
    })
  }

  async #issuer(): Promise<client.Configuration> {
    const { issuer, clientId, clientSecretFile } = this.#config
    try {
      const secret = (await readFile(clientSecretFile, 'utf8')).trim()
      const nowMs = this.#clock.nowMs()
      if (this.#known?.secret === secret && nowMs - this.#known.atMs < discoveryMs) return this.#known.issuer
      const url = new URL(issuer)
      const found = await client.discovery(url, clientId, undefined, client.ClientSecretPost(secret), {
        timeout: 10,
        // undici's own fetch, as its dispatchers want; the answer is the same to openid-client.
        [client.customFetch]: (target, options) =>
          fetch(target, {
            ...(options as RequestInit),
            dispatcher: this.#dispatchers.to(new URL(target)),
          }) as unknown as Promise<Response>,
        // A test's issuer; portalSchema allows http, and only loopback is let through.
        ...(url.protocol === 'http:' && isLoopback(url) ? { execute: [client.allowInsecureRequests] } : {}),
      })
      this.#known = { issuer: found, secret, atMs: nowMs }
      return found
    } catch (cause) {
      throw new ApiError('unavailable', `${this.name} cannot be asked: ${reasonOf(cause)}`, {
        nextMove: 'Check portal.oidc: issuer, clientSecretFile, and the way there.',
      })
    }
  }
}

/** As shown; control characters and brackets of HTML stay out of names. */
function nameOf(claims: client.IDToken): string {
  const wanted = [claims.preferred_username, claims.email, claims.name, claims.sub]
  for (const each of wanted) {
    if (typeof each !== 'string') continue
    const name = each
      .replace(/[^\p{L}\p{N} ._@+-]/gu, '')
      .trim()
      .slice(0, 128)
    if (name !== '') return name
  }
  return 'unnamed'
}

function isLoopback({ hostname }: URL): boolean {
  return hostname === '[::1]' || hostname === 'localhost' || /^127\.\d+\.\d+\.\d+$/.test(hostname)
}

/** Without what a token answer might hold. */
function reasonOf(cause: unknown): string {
  if (cause instanceof client.AuthorizationResponseError || cause instanceof client.ResponseBodyError)
    return cause.error_description ?? cause.error
  if (cause instanceof RelayError || cause instanceof Error) return describeError(cause)
  return 'unknown'
}
