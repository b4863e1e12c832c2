/** The connections a client makes: directly or through its proxy, trusting the usual authorities and the configured one.
 *  Plain HTTP/1.1 without redirects; what is asked and answered is the client's. */
import { X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { getCACertificates } from 'node:tls'
import { RelayError } from '@siem-relay/common'
import { Agent, type Dispatcher, ProxyAgent } from 'undici'
import { chooseProxy, type Environment } from './proxy.ts'

export interface Dispatchers extends AsyncDisposable {
  /** The way to a URL. */
  to(target: URL): Dispatcher
}

export interface DispatcherOptions {
  /** The proxy; without it the environment decides. */
  readonly proxy?: string | undefined
  /** PEM file with further certificate authorities. */
  readonly caFile?: string | undefined
  readonly env: Environment
  /** Most silence before the answer begins, and within it; default a minute. */
  readonly timeoutMs?: number
  /** Most connections at a time to one host; default 4. */
  readonly connections?: number
}

const timeoutMsDefault = 60_000
const connectTimeoutMs = 30_000

/** @throws {RelayError} `RELAY_CONFIG_INVALID` for an unreadable caFile or a malformed proxy variable. */
export function createDispatchers(settings: DispatcherOptions): Dispatchers {
  const { proxy, caFile, env, timeoutMs = timeoutMsDefault, connections = 4 } = settings
  const tls = caFile === undefined ? {} : { ca: trustedAuthorities(caFile) }
  const open = new Map<string, Dispatcher>()

  function make(via: URL | undefined): Dispatcher {
    const options = { headersTimeout: timeoutMs, bodyTimeout: timeoutMs, allowH2: false, connections }
    if (via === undefined) return new Agent({ ...options, connect: { ...tls, timeout: connectTimeoutMs } })
    return new ProxyAgent({
      ...options,
      uri: via.origin,
      connectTimeout: connectTimeoutMs,
      requestTls: tls,
      proxyTls: tls,
      ...(via.username === '' ? {} : { token: basicCredentials(via) }),
    })
  }

  return {
    to(target) {
      let via: URL | undefined
      try {
        via = chooseProxy(target, proxy, env)
      } catch (error) {
        throw new RelayError('RELAY_CONFIG_INVALID', (error as Error).message, { cause: error })
      }
      const key = via?.href ?? 'direct'
      const dispatcher = open.get(key) ?? make(via)
      open.set(key, dispatcher)
      return dispatcher
    },
    async [Symbol.asyncDispose]() {
      await Promise.all(Array.from(open.values(), (dispatcher) => dispatcher.destroy()))
      open.clear()
    },
  }
}

/** RFC 7617; URL userinfo is percent-encoded. */
function basicCredentials(proxy: URL): string {
  const text = `${decodeURIComponent(proxy.username)}:${decodeURIComponent(proxy.password)}`
  return `Basic ${Buffer.from(text).toString('base64')}`
}

/** The usual authorities, and those of the file. @throws {RelayError} `RELAY_CONFIG_INVALID` for a file that cannot be used. */
export function trustedAuthorities(file: string): string[] {
  return [...getCACertificates('default'), ...readAuthorities(file)]
}

export function readAuthorities(file: string): string[] {
  try {
    const blocks = readFileSync(file, 'latin1').match(/-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g)
    if (blocks === null) throw new Error('it holds no PEM certificate')
    for (const block of blocks) new X509Certificate(block)
    return blocks
  } catch (error) {
    const reason = (error as NodeJS.ErrnoException).code ?? (error as Error).message
    throw new RelayError('RELAY_CONFIG_INVALID', `caFile ${file} cannot be used: ${reason}`, { cause: error })
  }
}
