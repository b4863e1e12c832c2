/** Tokens for Azure Monitor, by the identity an agent has. Kept until shortly before they expire; secrets are read from their files
 *  for every new token, so that a rotated one is taken up without a restart. */
import { X509Certificate } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import type { TokenCredential } from '@azure/identity'
import {
  authorityOf,
  azureClouds,
  type Clock,
  describeError,
  RelayError,
  type SentinelDestination,
} from '@siem-relay/common'
import { chooseProxy, type Environment, trustedAuthorities } from '@siem-relay/http'

/** A token is renewed this long before its end. */
const marginMs = 5 * 60_000

export interface Tokens {
  /**
   * @throws {RelayError} `RELAY_SENTINEL_TOKEN` when Entra gives none, `RELAY_SENTINEL_UNAVAILABLE` when it cannot be reached; the
   *   signal's reason.
   */
  get(signal: AbortSignal): Promise<string>
  /** This token was refused: the next one is a new one. */
  refused(token: string): void
}

export interface TokenOptions {
  readonly clock: Clock
  readonly env: Environment
  /** Told until when the certificate is valid that a token was asked for with. */
  readonly onCertificate?: (validUntilMs: number) => void
}

/** @throws {RelayError} `RELAY_CONFIG_INVALID` for a malformed proxy variable. */
export function createTokens(destination: SentinelDestination, { clock, env, onCertificate }: TokenOptions): Tokens {
  const proxy = proxyOf(destination, env)
  const scope = `${azureClouds[destination.cloud].audience}/.default`
  let current: { readonly token: string; readonly untilMs: number } | undefined
  let asking: Promise<string> | undefined

  async function ask(): Promise<string> {
    try {
      const { auth } = destination
      if (auth.type === 'certificate') onCertificate?.(await validUntilMs(auth.certificateFile))
      const credential = await createCredential(destination, proxy)
      const { token, expiresOnTimestamp } = (await credential.getToken(scope)) ?? {}
      if (token === undefined) throw new Error('no token was given')
      const untilMs = Math.max(clock.nowMs() + 1_000, (expiresOnTimestamp ?? 0) - marginMs)
      current = { token, untilMs }
      return token
    } catch (error) {
      throw tokenError(error)
    } finally {
      asking = undefined
    }
  }

  return {
    async get(signal) {
      signal.throwIfAborted()
      if (current !== undefined && clock.nowMs() < current.untilMs) return current.token
      asking ??= ask()
      const aborted = Promise.withResolvers<never>()
      aborted.promise.catch(() => undefined)
      const onAbort = (): void => aborted.reject(signal.reason)
      signal.addEventListener('abort', onAbort, { once: true })
      try {
        return await Promise.race([asking, aborted.promise])
      } finally {
        // The signal lives as long as the sender; tokens come every hour.
        signal.removeEventListener('abort', onAbort)
      }
    },
    refused(token) {
      if (current?.token === token) current = undefined
    },
  }
}

/** @throws what says that the file is away or holds no certificate. */
async function validUntilMs(path: string): Promise<number> {
  return new X509Certificate(await readFile(path)).validToDate.getTime()
}

/** Tokens take the same way as rows; Entra is another host. */
function proxyOf(destination: SentinelDestination, env: Environment): URL | undefined {
  try {
    return chooseProxy(new URL(authorityOf(destination)), destination.proxy, env)
  } catch (error) {
    throw new RelayError('RELAY_CONFIG_INVALID', (error as Error).message, { cause: error })
  }
}

async function createCredential(destination: SentinelDestination, proxy: URL | undefined): Promise<TokenCredential> {
  // Only relays with such an agent pay for loading it.
  const identity = await import('@azure/identity')
  const { auth, caFile, authorityHost } = destination
  const options = {
    authorityHost: authorityOf(destination),
    // An authority of its own is not asked for at Microsoft's.
    disableInstanceDiscovery: authorityHost !== undefined,
    ...(caFile !== undefined && { tlsOptions: { ca: trustedAuthorities(caFile) } }),
    // A machine is asked for its own identity without leaving it.
    ...(proxy !== undefined &&
      auth.type !== 'managed-identity' && {
        proxyOptions: {
          host: `${proxy.protocol}//${proxy.hostname}`,
          port: Number(proxy.port || (proxy.protocol === 'https:' ? 443 : 80)),
          ...(proxy.username !== '' && {
            username: decodeURIComponent(proxy.username),
            password: decodeURIComponent(proxy.password),
          }),
        },
      }),
    // Trying again is ours: Retry-After and back-off are kept in one place.
    retryOptions: { maxRetries: 0 },
  }
  switch (auth.type) {
    case 'client-secret': {
      const secret = (await readFile(auth.clientSecretFile, 'utf8')).trim()
      return new identity.ClientSecretCredential(auth.tenantId, auth.clientId, secret, options)
    }
    case 'certificate':
      return new identity.ClientCertificateCredential(
        auth.tenantId,
        auth.clientId,
        { certificatePath: auth.certificateFile },
        options,
      )
    case 'managed-identity':
      return auth.clientId === undefined
        ? new identity.ManagedIdentityCredential(options)
        : new identity.ManagedIdentityCredential({ ...options, clientId: auth.clientId })
    case 'workload-identity':
      return new identity.WorkloadIdentityCredential({
        ...options,
        ...(auth.tenantId !== undefined && { tenantId: auth.tenantId }),
        ...(auth.clientId !== undefined && { clientId: auth.clientId }),
        ...(auth.tokenFile !== undefined && { tokenFilePath: auth.tokenFile }),
      })
    default:
      return auth satisfies never
  }
}

/** What Entra said is an answer; what did not reach it, is not. */
function tokenError(error: unknown): RelayError {
  const text = describeError(error).replace(/\s+/g, ' ').slice(0, 400)
  // Of certificates only those of servers: one's own that cannot be read is no matter of the network. An authority that does not
  // say where its endpoints are was not reached, or not trusted; more the library does not tell.
  const isUnreachable =
    /endpoints_resolution_error|ENOTFOUND|ECONN|ETIMEDOUT|EAI_AGAIN|network|socket hang up|timeout|certificate has expired|self[- ]signed certificate|(first|local issuer) certificate|certificate's altnames/i.test(
      text,
    )
  return isUnreachable && !/AADSTS/.test(text)
    ? new RelayError('RELAY_SENTINEL_UNAVAILABLE', `no token could be asked for: ${text}`, { cause: error })
    : new RelayError('RELAY_SENTINEL_TOKEN', `no token was given: ${text}`, { cause: error })
}
