/** What the agent API refuses, with its own codes beside the portal's. */
import { ApiError } from '../server/errors.ts'

/** Somebody else works with this token; ask again then. */
export function leaseHeld(host: string, retryAfterSeconds: number): ApiError {
  const refusal = new ApiError('conflict', `another process works with this token, on ${host}`, {
    nextMove: 'Nothing, if it is meant to: this one takes over when the other is gone.',
    retryAfterSeconds,
  })
  return Object.assign(refusal, { code: 'lease_held' })
}

/** What was taken under this lease is somebody else's now, or the log's. */
export function leaseLost(): ApiError {
  return Object.assign(new ApiError('conflict', 'the lease is over', { nextMove: 'Take a new one.' }), {
    code: 'lease_lost',
  })
}

/** The same for every token that is not in force, whatever is wrong with it. */
export function tokenRefused(): ApiError {
  return new ApiError('unauthorized', 'the token is not valid', {
    nextMove: 'Regenerate the token of the agent in the portal.',
  })
}

export function protocolRefused(spoken: readonly number[]): ApiError {
  const refusal = new ApiError('invalid', `this portal speaks version ${spoken.join(', ')} of the agent protocol`, {
    status: 426,
    nextMove: 'Run the same version of siem-relay on both sides.',
  })
  return Object.assign(refusal, { code: 'unsupported_protocol' })
}
