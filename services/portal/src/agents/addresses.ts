/** Where agents made in the portal may send to. Whoever may use a browser must not reach, through the relay, what only the relay's
 *  machine can: link-local addresses and names of cloud metadata never, loopback and private ones by `portal.allowCidrs`. Names are
 *  judged by what they are, not by what they resolve to. */
import { BlockList, isIP, isIPv4, isIPv6 } from 'node:net'

/** Where SIEMs usually are. */
export const allowCidrsDefault: readonly string[] = [
  '10.0.0.0/8',
  '172.16.0.0/12',
  '192.168.0.0/16',
  '100.64.0.0/10',
  'fc00::/7',
]

/** Never, whatever is configured: this host as a destination, link-local (169.254.169.254 is the clouds' metadata), multicast, and
 *  forms that hide another address. */
const never = blockListOf([
  '0.0.0.0/8',
  '169.254.0.0/16',
  '224.0.0.0/4',
  '240.0.0.0/4',
  '::/128',
  '64:ff9b::/96',
  '2002::/16',
  'fe80::/10',
  'ff00::/8',
  'fd00:ec2::254/128',
])
/** Only where it is allowed. */
const inside = blockListOf(['127.0.0.0/8', '::1/128', ...allowCidrsDefault])

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
  const family = isIPv4(address) ? 'ipv4' : 'ipv6'
  if (isMapped(address) || never.check(address, family))
    return `${address} is never sent to: it is no receiver's address`
  if (isRemote || !inside.check(address, family) || blockListOf(allowCidrs).check(address, family)) return undefined
  return `${address} is an address of this machine or network that the portal may not send to: add it to portal.allowCidrs, or define the agent in the configuration file`
}

/** Node checks mapped addresses as the IPv4 ones they hide. */
function isMapped(address: string): boolean {
  return isIPv6(address) && /^(0{0,4}:){0,5}:?ffff:/i.test(address)
}

function blockListOf(ranges: readonly string[]): BlockList {
  const list = new BlockList()
  for (const range of ranges) {
    const [address = '', bits] = range.split('/')
    const family = isIPv4(address) ? 'ipv4' : 'ipv6'
    list.addSubnet(address, bits === undefined ? (family === 'ipv4' ? 32 : 128) : Number(bits), family)
  }
  return list
}
