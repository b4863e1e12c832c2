/** Answers that are not 2xx, by the contract: a code, a sentence, a next move. What nobody expected is logged and told as nothing. */
import { RelayError } from '@siem-relay/common'
import type { World } from '@siem-relay/service-kit'
import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify'
import type { z } from 'zod'
import type { ApiError as ErrorBody } from '../contract/common.ts'

export type ApiErrorCode =
  | 'unauthorized'
  | 'forbidden'
  | 'not_found'
  | 'conflict'
  | 'invalid'
  | 'too_large'
  | 'too_many'
  | 'unavailable'

type Problems = NonNullable<ErrorBody['problems']>

const statusOf: Readonly<Record<ApiErrorCode, number>> = {
  unauthorized: 401,
  forbidden: 403,
  not_found: 404,
  conflict: 409,
  invalid: 400,
  too_large: 413,
  too_many: 429,
  unavailable: 503,
}

const correctMove = 'Correct what is named and try again.'
/** Of what is not there, or cannot be. */
export const pathMove = 'Check the address; /api/v1/openapi.json lists what there is.'

/** Of one answer; what is beyond is not told. */
export const problemsMax = 100

/** What a request is refused with. */
export class ApiError extends Error {
  readonly status: number
  readonly code: string
  /** What a person can do about it. */
  readonly nextMove: string
  readonly problems: Problems | undefined
  /** For `Retry-After`. */
  readonly retryAfterSeconds: number | undefined

  constructor(
    code: ApiErrorCode,
    message: string,
    more: {
      readonly nextMove: string
      readonly problems?: Problems
      readonly retryAfterSeconds?: number
      readonly status?: number
    },
  ) {
    super(message)
    this.name = 'ApiError'
    this.status = more.status ?? statusOf[code]
    this.code = code
    this.nextMove = more.nextMove
    this.problems = more.problems
    this.retryAfterSeconds = more.retryAfterSeconds
  }
}

/** The places of a value that a schema refused. */
export function problemsOf(issues: z.ZodError['issues'], under: readonly (string | number)[] = []): Problems {
  return issues.slice(0, problemsMax).map(({ path, message }) => ({
    path: [...under, ...path.map((step) => (typeof step === 'number' ? step : String(step)))],
    message,
  }))
}

export function invalid(problems: Problems): ApiError {
  const [first] = problems
  const place = first === undefined || first.path.length === 0 ? '' : `${first.path.join('.')}: `
  return new ApiError('invalid', first === undefined ? 'the request is not valid' : `${place}${first.message}`, {
    nextMove: correctMove,
    problems,
  })
}

/** What Fastify refuses by itself, by its codes (its docs, Errors.md). */
const refusals: Readonly<
  Record<string, readonly [code: ApiErrorCode, message: string, nextMove: string, status?: number]>
> = {
  FST_ERR_CTP_BODY_TOO_LARGE: ['too_large', 'the body is too large', 'Send less at a time.'],
  FST_ERR_CTP_INVALID_MEDIA_TYPE: ['invalid', 'a body is JSON', 'Send content-type: application/json.', 415],
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: [
    'invalid',
    'the body is not as long as Content-Length says',
    'Send it whole, with its length in bytes.',
  ],
  FST_ERR_BAD_URL: ['invalid', 'the path is not valid', pathMove],
  FST_ERR_MAX_PARAM_LENGTH: ['not_found', 'there is nothing here', pathMove],
}

export function errorHandler(log: World['log']) {
  return (error: FastifyError | Error, request: FastifyRequest, reply: FastifyReply): FastifyReply => {
    const known = knownError(error)
    if (known === undefined)
      log.error({ err: error, method: request.method, route: request.routeOptions.url }, 'a request failed')
    return send(
      reply,
      known ??
        new ApiError('unavailable', 'something went wrong here', {
          status: 500,
          nextMove: "Look into the relay's log; try again.",
        }),
    )
  }
}

function knownError(error: FastifyError | Error): ApiError | undefined {
  if (error instanceof ApiError) return error
  if (error instanceof RelayError) return relayError(error)
  if (!('code' in error) || typeof error.code !== 'string') return undefined
  const refusal = refusals[error.code]
  if (refusal !== undefined) {
    const [code, message, nextMove, status] = refusal
    return new ApiError(code, message, { nextMove, ...(status === undefined ? {} : { status }) })
  }
  const status = 'statusCode' in error ? error.statusCode : undefined
  if (typeof status === 'number' && status >= 400 && status < 500)
    return new ApiError('invalid', 'the request is not valid', { nextMove: correctMove, status })
  return undefined
}

/** Codes of docs/operating/errors.md go out as they are. The usual next moves of these two speak of files and command lines. */
function relayError(error: RelayError): ApiError {
  const isAsked = error.code === 'RELAY_USAGE' || error.code === 'RELAY_CONFIG_INVALID'
  const answer = new ApiError(isAsked ? 'invalid' : 'unavailable', error.message, {
    nextMove: isAsked ? correctMove : error.nextMove,
  })
  return Object.assign(answer, { code: error.code })
}

export function send(reply: FastifyReply, error: ApiError): FastifyReply {
  if (error.retryAfterSeconds !== undefined) reply.header('retry-after', String(error.retryAfterSeconds))
  return reply.code(error.status).type('application/json; charset=utf-8').send(bodyOf(error))
}

export function bodyOf({ code, message, nextMove, problems }: ApiError): { readonly error: ErrorBody } {
  return {
    error: {
      code,
      message,
      nextMove,
      ...(problems === undefined ? {} : { problems }),
    },
  }
}
