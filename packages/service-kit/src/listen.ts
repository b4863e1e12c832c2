/** Addresses to accept connections on, as configuration spells them: `127.0.0.1:9464`, `[::1]:9464`. Port 0 is any free one. */
import { isIPv4, isIPv6 } from 'node:net'
import { RelayError } from '@siem-relay/common'
import { z } from 'zod'

export interface Listen {
  readonly host: string
  readonly port: number
}

/** @throws {RelayError} `RELAY_CONFIG_INVALID` with what to write instead; an address to all interfaces has to be spelt out. */
export function parseListen(text: string): Listen {
  const match = /^(?:\[([^\]]*)\]|([^:]*)):(\d{1,5})$/.exec(text)
  const [, bracketed, plain = '', digits = ''] = match ?? []
  const host = bracketed ?? plain
  if (match === null || host === '') throw refused(text, hintFor(text))
  if (Number(digits) > 65_535) throw refused(text, 'ports go from 0 to 65535')
  if (bracketed !== undefined && !isIPv6(bracketed))
    throw refused(text, 'brackets hold an IPv6 address, as in [::1]:9464')
  if (bracketed === undefined && !isIPv4(host) && !isHostName(host))
    throw refused(text, 'the host is neither an IP address nor a name')
  return { host, port: Number(digits) }
}

/** An address to listen on as a setting, so that a wrong one is a problem at its line. */
export const listenSchema = z.string().superRefine((text, context) => {
  try {
    parseListen(text)
  } catch (error) {
    context.addIssue({ code: 'custom', message: error instanceof Error ? error.message : String(error) })
  }
})

/** The address as it goes into a URL or a message. */
export function formatListen({ host, port }: Listen): string {
  return isIPv6(host) ? `[${host}]:${port}` : `${host}:${port}`
}

/** What to say when an address cannot be taken: why, and what to take instead. */
export function listenError(address: Listen, cause: unknown): RelayError {
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : 'unknown'
  const reasons: Record<string, string> = {
    EADDRINUSE: 'another process holds it: choose another port, or stop that process',
    EACCES: 'this user may not take it: choose a port above 1023',
    EADDRNOTAVAIL: 'this machine has no such address: choose one it has, such as 127.0.0.1',
    ENOTFOUND: 'the name has no address: write an IP address, such as 127.0.0.1',
  }
  const reason = reasons[code] ?? 'choose another address'
  return new RelayError('RELAY_LISTEN_FAILED', `cannot listen on ${formatListen(address)} (${code}); ${reason}`, {
    cause,
  })
}

/** RFC 1123 labels; a last label that starts with a digit would be a number in disguise (127.1, 0x7f000001). */
function isHostName(host: string): boolean {
  const labels = host.split('.')
  const isLabel = (label: string): boolean => /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/i.test(label)
  return host.length <= 253 && labels.every(isLabel) && /^[a-z]/i.test(labels.at(-1) ?? '')
}

function hintFor(text: string): string {
  const port = /^:?(\d{1,5})$/.exec(text)?.[1]
  if (port !== undefined)
    return `write 127.0.0.1:${port} to be reached from this machine only, or 0.0.0.0:${port} to be reached from everywhere`
  if (text.includes('://')) return 'write HOST:PORT without a scheme, such as 127.0.0.1:9464'
  if (isIPv6(text) || /^[0-9a-f:]*::[0-9a-f:]*$/i.test(text))
    return 'put an IPv6 address in brackets, such as [::1]:9464'
  return 'write HOST:PORT, such as 127.0.0.1:9464'
}

function refused(text: string, hint: string): RelayError {
  const shown = JSON.stringify(text.length > 80 ? `${text.slice(0, 80)}…` : text)
  return new RelayError('RELAY_CONFIG_INVALID', `${shown} is not an address to listen on: ${hint}`)
}
