/** Azure's answers to uploads. An error is JSON and names its code in a header as well. Codes and texts that were seen in
 *  the wild say where; the others are assumed, and clients should not depend on them. */

import { type Problem, refusal } from '../entra/token-endpoint.ts'
import { type Answer, htmlAnswer, jsonAnswer } from '../http/answer.ts'
import type { AzureFault } from './faults.ts'

export function azureError(
  status: number,
  code: string,
  message: string,
  headers: Readonly<Record<string, string>> = {},
): Answer {
  return jsonAnswer(status, { error: { code, message } }, { 'x-ms-error-code': code, ...headers })
}

export function accepted(status: 200 | 202 | 204 = 204): Answer {
  return { status, headers: {}, body: Buffer.alloc(0) }
}

/** Seen: JulianHayward/AzADServicePrincipalInsights#30. */
export function contentTooLong(bytes: number, bytesMax: number): Answer {
  const limit = `${bytesMax} bytes${bytesMax === 1_048_576 ? ' (1 MB)' : ''}`
  const message = `Maximum allowed content length: ${limit}. Provided content length: ${bytes} bytes.`
  return azureError(413, 'ContentLengthLimitExceeded', message)
}

/** The code's beginning was seen (open-telemetry/otel-arrow#2535), the status is assumed. */
export function rawTooLong(bytesMax: number): Answer {
  return azureError(413, 'PayloadSizeLimitExceeded', `The decompressed content is longer than ${bytesMax} bytes.`)
}

/** Seen: Azure/azure-sdk-for-net#37173. */
export function noAccess(ruleId: string): Answer {
  const message =
    'The authentication token provided does not have access to ingest data for the data collection rule with ' +
    `immutable Id '${ruleId}' PipelineAccessResult: AccessGranted: False, IsRbacPresent: False.`
  return azureError(403, 'OperationFailed', message)
}

export function unauthenticated(message: string): Answer {
  return azureError(401, 'AuthenticationFailed', message, { 'www-authenticate': 'Bearer' })
}

export function unknownRule(ruleId: string, status: 400 | 404 = 404): Answer {
  return azureError(status, 'NotFound', `Data collection rule with immutable Id '${ruleId}' not found.`)
}

export function unknownStream(ruleId: string, stream: string, status: 400 | 404): Answer {
  return azureError(status, 'InvalidStream', `Stream '${stream}' is not declared in data collection rule '${ruleId}'.`)
}

export function malformed(message: string): Answer {
  return azureError(400, 'InvalidRequestContent', message)
}

/** Documented: Retry-After in seconds. */
export function throttled(retryAfterSeconds: number | undefined): Answer {
  const message = 'The rate limit of the data collection rule is exceeded.'
  return azureError(429, 'TooManyRequests', message, retryAfter(retryAfterSeconds))
}

function retryAfter(seconds: number | undefined): Readonly<Record<string, string>> {
  return seconds === undefined ? {} : { 'retry-after': String(seconds) }
}

/** @returns the answer a fault puts in place of the right one to an upload; undefined when the right one is made. */
export function uploadReplacement(
  fault: AzureFault | undefined,
  ruleId: string,
  wireBytes: number,
): Answer | undefined {
  switch (fault?.type) {
    case 'throttle':
      return throttled(fault.retryAfterSeconds)
    case 'server-error': {
      const message = 'The service could not do this now.'
      return azureError(fault.status ?? 500, 'ServiceError', message, retryAfter(fault.retryAfterSeconds))
    }
    case 'proxy-page':
      return htmlAnswer(fault.status, 'A proxy is in between')
    case 'too-large':
      return contentTooLong(wireBytes, Math.max(0, wireBytes - 1))
    case 'bad-request':
      return malformed('The request was refused.')
    case 'token-expired':
      return unauthenticated('The token is expired.')
    case 'forbidden':
      return noAccess(ruleId)
    case 'not-found':
      return unknownRule(ruleId)
    default:
      return undefined
  }
}

/** The same for a request for a token, in Entra's words. */
export function tokenReplacement(fault: AzureFault | undefined, nowMs: number): Answer | undefined {
  switch (fault?.type) {
    case 'throttle':
      return withHeaders(refusal(tooManyRequests, nowMs), retryAfter(fault.retryAfterSeconds))
    case 'server-error': {
      const [, ...problem] = transientError
      return withHeaders(refusal([fault.status ?? 500, ...problem], nowMs), retryAfter(fault.retryAfterSeconds))
    }
    case 'proxy-page':
      return htmlAnswer(fault.status, 'A proxy is in between')
    case 'secret-expired':
      return refusal(secretExpired, nowMs)
    default:
      return undefined
  }
}

const tooManyRequests: Problem = [429, 'temporarily_unavailable', 90055, 'There are too many incoming requests.']
const transientError: Problem = [
  500,
  'temporarily_unavailable',
  90033,
  'A transient error has occurred. Please try again.',
]
const secretExpired: Problem = [401, 'invalid_client', 7000222, 'The provided client secret keys are expired.']

function withHeaders(answer: Answer, headers: Readonly<Record<string, string>>): Answer {
  return { ...answer, headers: { ...answer.headers, ...headers } }
}
