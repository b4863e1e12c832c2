/** Client addresses as records hold them: with ports, brackets, zones, mapped forms, or garbage. Typed CEF fields take valid ones only. */

const v4 = /^(?:(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)\.){3}(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)$/

export interface ClientAddress {
  /** Dotted IPv4 or ''. */
  readonly v4: string
  /** IPv6 text or ''. */
  readonly v6: string
}

const none: ClientAddress = { v4: '', v6: '' }

/** The first valid address in a text: port, brackets and zone removed, `::ffff:1.2.3.4` as IPv4. */
export function clientAddress(text: string): ClientAddress {
  if (text === '') return none
  if (v4.test(text)) return { v4: text, v6: '' }
  if (isIPv6(text) && !text.includes('.')) return { v4: '', v6: text }
  for (const part of text.split(/[,;\s]+/, 8)) {
    const address = bare(part)
    if (v4.test(address)) return { v4: address, v6: '' }
    const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1]
    if (mapped !== undefined && v4.test(mapped)) return { v4: mapped, v6: '' }
    if (isIPv6(address)) return { v4: '', v6: address }
  }
  return none
}

function bare(part: string): string {
  const bracketed = /^\[([^\]]+)\](?::\d{1,5})?$/.exec(part)?.[1]
  const address = bracketed ?? (/^\d+\.\d+\.\d+\.\d+:\d{1,5}$/.test(part) ? part.slice(0, part.indexOf(':')) : part)
  const zone = address.indexOf('%')
  return zone === -1 ? address : address.slice(0, zone)
}

/** RFC 4291 §2.2: eight groups of up to four hex digits, one `::`, an IPv4 tail allowed. */
function isIPv6(text: string): boolean {
  if (text.length > 45 || !/^[0-9a-fA-F:.]+$/.test(text)) return false
  const halves = text.split('::')
  if (halves.length > 2) return false
  let groups = 0
  for (const [index, half] of halves.entries()) {
    if (half === '') continue
    const parts = half.split(':')
    for (const [place, part] of parts.entries()) {
      const isLast = index === halves.length - 1 && place === parts.length - 1
      if (isLast && v4.test(part)) groups += 2
      else if (/^[0-9a-fA-F]{1,4}$/.test(part)) groups += 1
      else return false
    }
  }
  return halves.length === 2 ? groups < 8 : groups === 8
}
