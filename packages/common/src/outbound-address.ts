/** Addresses the relay may be sent to by someone with a browser. Whoever may use the portal must not reach, through the relay, what only
 *  the relay's machine can. Judge what a name resolved to, and connect to exactly that: a name may mean something else a moment later. */

/** Where SIEMs usually are: private addresses (RFC 1918, RFC 6598, RFC 4193). */
export const allowCidrsDefault: readonly string[] = [
  '10.0.0.0/8',
  '172.16.0.0/12',
  '192.168.0.0/16',
  '100.64.0.0/10',
  'fc00::/7',
]

/** Never, whatever is allowed: this host as a destination, link-local (169.254.169.254 and fd00:ec2::254 are clouds' metadata), multicast,
 *  and forms of IPv6 that hide an IPv4 address. */
const never = [
  '0.0.0.0/8',
  '169.254.0.0/16',
  '224.0.0.0/4',
  '240.0.0.0/4',
  '::/96',
  '::ffff:0:0/96',
  '64:ff9b::/96',
  '64:ff9b:1::/48',
  '2002::/16',
  'fe80::/10',
  'fec0::/10',
  'ff00::/8',
  'fd00:ec2::254/128',
].map(rangeOf)
const loopback = ['127.0.0.0/8', '::1/128'].map(rangeOf)
/** Allowed only by name of the range. */
const inside = [...loopback, ...allowCidrsDefault.map(rangeOf)]

export interface OutboundRules {
  /** Loopback and private ranges that may be sent to. */
  readonly allowCidrs: readonly string[]
}

/**
 * Why nothing may be sent to an address; undefined when it may.
 * @param address as a resolver gives it: dotted IPv4, or IPv6 with or without a zone.
 */
export function refusedAddress(address: string, { allowCidrs }: OutboundRules): string | undefined {
  const bytes = bytesOf(address)
  if (bytes === undefined) return 'is no address'
  const isLoopback = loopback.some((range) => contains(range, bytes))
  if (address.includes('%') || (!isLoopback && never.some((range) => contains(range, bytes))))
    return "is never sent to: it is no receiver's address"
  if (!inside.some((range) => contains(range, bytes))) return undefined
  if (allowCidrs.map(rangeOf).some((range) => contains(range, bytes))) return undefined
  return 'is an address of this machine or network that the portal may not send to: add it to portal.allowCidrs'
}

interface Range {
  readonly bytes: readonly number[]
  readonly bits: number
}

/** @throws {TypeError} for what is no address, with or without `/bits`. */
function rangeOf(text: string): Range {
  const [address = '', bits] = text.split('/')
  const bytes = bytesOf(address)
  if (bytes === undefined) throw new TypeError(`${text} is no range of addresses`)
  return { bytes, bits: bits === undefined ? bytes.length * 8 : Number(bits) }
}

function contains({ bytes: base, bits }: Range, address: readonly number[]): boolean {
  if (base.length !== address.length) return false
  for (let bit = 0; bit < bits; bit += 8) {
    const mask = bits - bit >= 8 ? 0xff : (0xff << (8 - (bits - bit))) & 0xff
    if (((base[bit / 8] ?? 0) & mask) !== ((address[bit / 8] ?? 0) & mask)) return false
  }
  return true
}

/** 4 or 16 bytes, in the order of the network. */
function bytesOf(address: string): readonly number[] | undefined {
  const [text = ''] = address.split('%')
  const v4 = v4BytesOf(text)
  if (v4 !== undefined) return v4
  const tail = /^(.*:)(\d+\.\d+\.\d+\.\d+)$/.exec(text)
  const [a, b, c, d] = v4BytesOf(tail?.[2] ?? '') ?? []
  if (tail !== null && d === undefined) return undefined
  const hex = (high = 0, low = 0): string => ((high << 8) | low).toString(16)
  const groups = tail === null ? text : `${tail[1]}${hex(a, b)}:${hex(c, d)}`
  const halves = groups.split('::')
  if (halves.length > 2) return undefined
  const [before = [], after = []] = halves.map((half) => (half === '' ? [] : half.split(':')))
  const missing = 8 - before.length - after.length
  if (halves.length === 2 ? missing < 1 : missing !== 0) return undefined
  const all = [...before, ...new Array<string>(missing).fill('0'), ...after]
  if (!all.every((group) => /^[0-9a-f]{1,4}$/i.test(group))) return undefined
  return all.flatMap((group) => {
    const value = Number.parseInt(group, 16)
    return [value >> 8, value & 0xff]
  })
}

function v4BytesOf(text: string): readonly number[] | undefined {
  // No leading zeros: some read them as octal.
  const parts = /^(0|[1-9]\d{0,2})\.(0|[1-9]\d{0,2})\.(0|[1-9]\d{0,2})\.(0|[1-9]\d{0,2})$/
    .exec(text)
    ?.slice(1)
    .map(Number)
  return parts?.every((part) => part <= 255) ? parts : undefined
}
