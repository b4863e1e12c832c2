/** Reads a request to its end: query, JSON, form or multipart body become one set of parameters. */

import type { FastifyRequest } from 'fastify'
import type { Incoming, RouteKind } from './answer.ts'

/** @param pathPrefix left out of the path. */
export async function readIncoming(request: FastifyRequest, route: RouteKind, pathPrefix: string): Promise<Incoming> {
  const path = request.url.split('?', 1)[0] ?? ''
  const body = await readBody(request)
  return {
    method: request.method,
    path: pathPrefix !== '' && path.startsWith(`${pathPrefix}/`) ? path.slice(pathPrefix.length) : path,
    route,
    host: request.host,
    authorization: request.headers.authorization,
    parameters: { ...(request.query as Record<string, unknown>), ...body },
    isMalformed: body === undefined,
  }
}

/** @returns the body's fields; undefined when it is not what its type says. */
async function readBody(request: FastifyRequest): Promise<Record<string, unknown> | undefined> {
  const text = typeof request.body === 'string' ? request.body : ''
  if (text === '') return {}
  const type = request.headers['content-type'] ?? 'application/json'
  try {
    if (type.startsWith('application/x-www-form-urlencoded')) return Object.fromEntries(new URLSearchParams(text))
    if (type.startsWith('multipart/form-data')) {
      const form = await new Response(text, { headers: { 'content-type': type } }).formData()
      return Object.fromEntries(form)
    }
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : undefined
  } catch {
    return undefined
  }
}
