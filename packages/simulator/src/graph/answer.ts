/** How Graph answers when it does not give what was asked for: one error object, whatever is wrong (Graph's reference, "Error
 *  responses"). Texts and codes of 401, 403 and 429 are as seen; Graph promises none of them. */
import { type Answer, jsonAnswer } from '../http/answer.ts'

const codes: Readonly<Record<number, string>> = {
  400: 'BadRequest',
  401: 'InvalidAuthenticationToken',
  403: 'Forbidden',
  404: 'ResourceNotFound',
  429: 'TooManyRequests',
  500: 'InternalServerError',
  503: 'ServiceUnavailable',
}

export function graphError(
  status: number,
  message: string,
  nowMs: number,
  headers: Readonly<Record<string, string>> = {},
): Answer {
  const requestId = '00000000-0000-4000-8000-000000000000'
  const innerError = {
    date: new Date(nowMs).toISOString().slice(0, 19),
    'request-id': requestId,
    'client-request-id': requestId,
  }
  return jsonAnswer(status, { error: { code: codes[status] ?? 'UnknownError', message, innerError } }, headers)
}

/** @param waitMs how long; Graph says so in Retry-After. */
export function graphThrottled(waitMs: number, nowMs: number): Answer {
  return graphError(429, 'Too many requests.', nowMs, { 'retry-after': String(Math.ceil(waitMs / 1000)) })
}
