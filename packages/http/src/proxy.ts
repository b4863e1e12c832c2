/** Which proxy a request takes. Pure: the environment is an argument. Connecting through it is dispatchers.ts. */
import { parseProxy } from '@siem-relay/common'

export type Environment = Readonly<Record<string, string | undefined>>

/**
 * The proxy for a target, or undefined for a direct connection. A configured proxy takes everything; without one HTTPS_PROXY
 * or HTTP_PROXY and NO_PROXY decide, in either case of letters, and never for this machine itself.
 * @throws {RangeError} when the environment's proxy is no proxy address.
 */
export function chooseProxy(target: URL, configured: string | undefined, env: Environment): URL | undefined {
  if (configured !== undefined) return parseProxy(configured)
  if (isLoopback(target.hostname)) return undefined
  const name = target.protocol === 'https:' ? 'HTTPS_PROXY' : 'HTTP_PROXY'
  const text = env[name.toLowerCase()] || env[name]
  if (!text || isExempt(target, env.no_proxy || env.NO_PROXY || '')) return undefined
  const proxy = parseProxy(text)
  if (proxy === undefined) throw new RangeError(`${name} is not a proxy address like http://proxy:3128`)
  return proxy
}

export function isLoopback(hostname: string): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || /^127(\.\d{1,3}){3}$/.test(hostname)
}

/** NO_PROXY as curl and Go read it: `*`, or hosts with optional port, each also meaning its subdomains. */
function isExempt(target: URL, list: string): boolean {
  const port = target.port || (target.protocol === 'https:' ? '443' : '80')
  return list.split(/[\s,]+/).some((entry) => {
    if (entry === '') return false
    if (entry === '*') return true
    const parts = /^(?:\*?\.)?(\[[^\]]*\]|[^:]*|[^:]*:[^:]*:.*?)(?::(\d+))?$/.exec(entry.toLowerCase())
    if (parts === null || (parts[2] !== undefined && parts[2] !== port)) return false
    const host = (parts[1] as string).replace(/^\[|\]$/g, '')
    const name = target.hostname.replace(/^\[|\]$/g, '')
    return name === host || name.endsWith(`.${host}`)
  })
}
