/** Bodies: JSON in UTF-8, not too deep, without prototype tricks, NUL or half characters. Refused before any schema sees them. */
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { ApiError } from './errors.ts'

/** An agent's definition has 8 levels. */
const depthMax = 32
const jsonMove = 'Send one JSON value as /api/v1/openapi.json describes it, without the key __proto__.'
const utf8Move = 'Send it in UTF-8.'
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: false })

export function acceptJsonOnly(server: FastifyInstance): void {
  const parse = server.getDefaultJsonParser('error', 'error')
  server.removeAllContentTypeParsers()
  server.addContentTypeParser<Buffer>('application/json', { parseAs: 'buffer' }, (request, bytes, done) => {
    try {
      refuseCharset(request)
      if (bytes.length === 0) return done(null, undefined)
      const text = decode(bytes)
      refuseDepth(text)
      void parse(request, text, (error, value) => {
        if (error !== null)
          return done(new ApiError('invalid', 'the body is not JSON this portal takes', { nextMove: jsonMove }))
        try {
          if (/\\u(0000|d[89a-f])/i.test(text)) refuseText(value)
          done(null, value)
        } catch (refusal) {
          done(refusal as Error)
        }
      })
    } catch (refusal) {
      done(refusal as Error)
    }
  })
}

function refuseCharset({ headers }: FastifyRequest): void {
  const charset = /;\s*charset="?([^";\s]*)/i.exec(headers['content-type'] ?? '')?.[1]
  if (charset !== undefined && charset.toLowerCase() !== 'utf-8')
    throw new ApiError('invalid', 'a body is JSON in UTF-8', { nextMove: utf8Move, status: 415 })
}

function decode(bytes: Buffer): string {
  try {
    return utf8.decode(bytes)
  } catch {
    throw new ApiError('invalid', 'the body is not UTF-8', { nextMove: utf8Move })
  }
}

function refuseDepth(text: string): void {
  let depth = 0
  let isString = false
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index)
    if (isString) {
      if (code === 0x5c) index++
      else if (code === 0x22) isString = false
    } else if (code === 0x22) isString = true
    else if (code === 0x7b || code === 0x5b) {
      if (++depth > depthMax)
        throw new ApiError('invalid', `the body is nested deeper than ${depthMax} levels`, { nextMove: jsonMove })
    } else if (code === 0x7d || code === 0x5d) depth--
  }
}

/** Depth is bounded already. */
function refuseText(value: unknown): void {
  if (typeof value === 'string') {
    if (!value.isWellFormed() || value.includes('\u0000'))
      throw new ApiError('invalid', 'a text holds NUL or half of a character', { nextMove: 'Leave it out.' })
  } else if (Array.isArray(value)) for (const item of value) refuseText(item)
  else if (typeof value === 'object' && value !== null)
    for (const [key, item] of Object.entries(value)) {
      refuseText(key)
      refuseText(item)
    }
}
