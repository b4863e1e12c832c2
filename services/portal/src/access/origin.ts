/** Where a change comes from: pages of this portal, or a program. Another site's page is refused before anything else is looked at. */
import type { FastifyRequest } from 'fastify'
import { ApiError } from '../server/errors.ts'

/** @param publicOrigin of the address browsers know, where one is configured. */
export function checkOrigin(request: FastifyRequest, publicOrigin: string | undefined): void {
  const site = request.headers['sec-fetch-site']
  if (site !== undefined && site !== 'same-origin') throw refused()
  const { origin } = request.headers
  if (origin === undefined) return
  if (origin !== ownOrigin(request) && origin !== publicOrigin) throw refused()
}

/** As the request itself, or a trusted proxy, says. */
export function ownOrigin(request: FastifyRequest): string {
  return `${request.protocol}://${request.host}`
}

function refused(): ApiError {
  return new ApiError('forbidden', 'this change comes from another site', {
    nextMove: 'Behind a reverse proxy set portal.publicUrl to the address browsers know, and portal.trustProxy.',
  })
}
