/** The two ends of signing in by OpenID Connect: the browser goes to the issuer, and comes back. */
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { ApiError } from '../server/errors.ts'
import { route } from '../server/route.ts'
import type { Access } from './access.ts'
import { clearCookie, cookieNames, readCookie, setCookie } from './cookies.ts'
import { type Oidc, startedMsMax } from './oidc.ts'
import { ownOrigin } from './origin.ts'

/** @param base the portal's address as browsers know it; default: as the request says. */
export function addOidcRoutes(
  server: FastifyInstance,
  access: Access,
  { path, publicUrl }: { readonly path: string; readonly publicUrl?: string | undefined },
): void {
  const addressOf = (request: FastifyRequest): string =>
    publicUrl === undefined ? `${ownOrigin(request)}${path}` : publicUrl.replace(/\/$/, '')
  const oidcOf = (): Oidc => {
    if (access.oidc === undefined)
      throw new ApiError('not_found', 'OpenID Connect is not configured', {
        nextMove: 'Sign in with a name and a password.',
      })
    return access.oidc
  }

  route(server, {
    method: 'GET',
    path: '/oidc/start',
    access: 'public',
    summary: 'Sends the browser to the issuer.',
    status: 302,
    handle: async ({ request, reply }) => {
      const { url, id } = await oidcOf().start(`${addressOf(request)}/api/v1/oidc/callback`)
      // Not strict: the browser comes back from another site.
      setCookie(request, reply, {
        name: cookieNames.oidc,
        value: id,
        sameSite: 'lax',
        maxAgeSeconds: startedMsMax / 1_000,
      })
      return reply.redirect(url, 302)
    },
  })

  route(server, {
    method: 'GET',
    path: '/oidc/callback',
    access: 'public',
    summary: 'Where the issuer sends the browser back to.',
    status: 302,
    handle: async ({ request, reply }) => {
      const query = request.url.split('?')[1] ?? ''
      const id = readCookie(request, cookieNames.oidc)
      clearCookie(request, reply, cookieNames.oidc)
      try {
        const { subject, name, role } = await oidcOf().finish(id, query)
        const account = access.accounts.vouchedFor(subject, name, role)
        // Whoever the issuer makes an admin needs no set-up link any more.
        if (role === 'admin') access.setUp.close()
        access.note({ actor: account.name, action: 'session.begin', detail: 'OpenID Connect', address: request.ip })
        access.signIn(account.name, request, reply)
        return reply.redirect(`${addressOf(request)}/`, 302)
      } catch (error) {
        if (!(error instanceof ApiError)) throw error
        access.signIns.inc({ result: 'failed' })
        access.note({ actor: 'system', action: 'session.failed', detail: error.message, address: request.ip })
        // A person stands here, not a program: the page says it.
        return reply.redirect(`${addressOf(request)}/sign-in?failed=${encodeURIComponent(error.message)}`, 302)
      }
    },
  })
}
