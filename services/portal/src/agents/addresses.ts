/** Where agents made in the portal may send to. Whoever may use a browser must not reach, through the relay, what only the relay's
 *  machine can: link-local addresses and names of cloud metadata never, loopback and private ones by `portal.allowCidrs`. Names are
 *  judged by what they are, not by what they resolve to. */
import { isIP, isIPv6 } from 'node:net'
import { allowCidrsDefault, refusedAddress } from '@siem-relay/common'

const everywhere = ['0.0.0.0/0', '::/0']
const metadataNames = /^(metadata|instance-data)(\.|$)|^metadata\.google\.internal$|^metadata\.azure\.(com|internal)$/i
/** Ports of services that a line of text could steer. */
const foreignPorts: ReadonlySet<number> = new Set([
  2375, 2376, 2379, 2380, 3306, 5432, 5984, 6379, 6443, 8086, 9042, 9200, 9300, 10250, 11211, 27017,
])
const syslogPortsBelow1024: ReadonlySet<number> = new Set([514, 601])

export interface AddressRules {
  /** `portal.allowCidrs`; default: private addresses. */
  readonly allowCidrs?: readonly string[] | undefined
  /** The agent runs in another network: what is private there is not ours to judge. */
  readonly isRemote: boolean
}

/** Why an agent may not send there; undefined when it may. @param text `host`, `host:port` or `[v6]:port`. */
export function problemOfHost(text: string, defaultPort: number, rules: AddressRules): string | undefined {
  if (/[^\x21-\x7e]/.test(text)) return 'use letters, digits, "-" and "." only; write other names in their xn-- form'
  if (/[@/\\%?#]/.test(text)) return 'is not a host: leave out users, paths and zones'
  const { host, port } = partsOf(text, defaultPort)
  if (host === undefined) return 'is not host, host:port or [address]:port'
  return problemOfPort(port) ?? (isIP(host) === 0 ? problemOfName(host, rules) : problemOfAddress(host, rules))
}

/** Why an agent may not send to a port. */
export function problemOfPort(port: number): string | undefined {
  if (!Number.isInteger(port) || port < 1 || port > 65_535) return 'a port is a number from 1 to 65535'
  const isForeign = (port < 1_024 && !syslogPortsBelow1024.has(port)) || foreignPorts.has(port)
  return isForeign ? `port ${port} belongs to another service: use 514, 601, 6514 or one above 1023` : undefined
}

function partsOf(text: string, defaultPort: number): { readonly host: string | undefined; readonly port: number } {
  const bracketed = /^\[([^\]]+)\](?::(\d{1,5}))?$/.exec(text)
  if (bracketed !== null)
    return { host: isIPv6(bracketed[1] ?? '') ? bracketed[1] : undefined, port: Number(bracketed[2] ?? defaultPort) }
  if (isIPv6(text)) return { host: text, port: defaultPort }
  const [, host, port] = /^([^:[\]]+)(?::(\d{1,5}))?$/.exec(text) ?? []
  return { host, port: Number(port ?? defaultPort) }
}

function problemOfName(name: string, rules: AddressRules): string | undefined {
  const host = name.replace(/\.$/, '').toLowerCase()
  const labels = host.split('.')
  if (host.length > 253 || !labels.every((label) => /^[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?$/.test(label)))
    return 'is not the name of a host'
  // A last label that is a number makes a resolver read the whole as an address: 127.1, 0x7f000001, 2130706433.
  if (/^(\d+|0x[0-9a-f]*)$/.test(labels.at(-1) ?? '')) return 'is not an address in its usual form: write four numbers'
  if (metadataNames.test(host)) return 'is a name of cloud metadata, which no agent sends to'
  if (host === 'localhost' || host.endsWith('.localhost')) return problemOfAddress('127.0.0.1', rules)
  return undefined
}

function problemOfAddress(
  address: string,
  { allowCidrs = allowCidrsDefault, isRemote }: AddressRules,
): string | undefined {
  const refusal = refusedAddress(address, { allowCidrs: isRemote ? everywhere : allowCidrs })
  if (refusal === undefined) return undefined
  const otherwise = refusal.endsWith('portal.allowCidrs') ? ', or define the agent in the configuration file' : ''
  return `${address} ${refusal}${otherwise}`
}
