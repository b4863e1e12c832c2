/** Cookies of the portal. Over TLS they carry the `__Host-` prefix: no other host or path can set or read them (RFC 6265bis §4.1.3). */
import type { FastifyReply, FastifyRequest } from 'fastify'

const sessionCookie = 'siem_relay_session'
/** Between a sign-in's start at the issuer and its end here. */
const oidcCookie = 'siem_relay_oidc'

type CookieName = typeof sessionCookie | typeof oidcCookie
export const cookieNames = { session: sessionCookie, oidc: oidcCookie } as const

export function readCookie(request: FastifyRequest, name: CookieName): string | undefined {
  return request.cookies[nameOf(request, name)]
}

/** `lax` for what has to come along when the issuer sends the browser back. */
export function setCookie(
  request: FastifyRequest,
  reply: FastifyReply,
  {
    name,
    value,
    sameSite,
    maxAgeSeconds,
  }: {
    readonly name: CookieName
    readonly value: string
    readonly sameSite: 'strict' | 'lax'
    readonly maxAgeSeconds: number
  },
): void {
  reply.setCookie(nameOf(request, name), value, {
    path: '/',
    httpOnly: true,
    secure: isSecure(request),
    sameSite,
    maxAge: maxAgeSeconds,
  })
}

export function clearCookie(request: FastifyRequest, reply: FastifyReply, name: CookieName): void {
  reply.clearCookie(nameOf(request, name), { path: '/', httpOnly: true, secure: isSecure(request) })
}

function nameOf(request: FastifyRequest, name: CookieName): string {
  return isSecure(request) ? `__Host-${name}` : name
}

/** By TLS of our own, or as a trusted proxy says. */
function isSecure(request: FastifyRequest): boolean {
  return request.protocol === 'https'
}
