/** Answers to requests that are not taken, and what they are counted as. */

export type RequestResult =
  | 'ok'
  | 'bad_body'
  | 'unauthorized'
  | 'not_found'
  | 'unsupported'
  | 'too_large'
  | 'busy'
  | 'unavailable'
  | 'aborted'

type Refusal = Exclude<RequestResult, 'ok'>

/** A client that is told when to come again keeps what it has until then. */
const retrySeconds = { busy: 1, unavailable: 10 } as const

const statuses: Readonly<Record<Refusal, number>> = {
  bad_body: 400,
  unauthorized: 401,
  not_found: 404,
  unsupported: 415,
  too_large: 413,
  busy: 429,
  unavailable: 503,
  aborted: 400,
}

export class HttpProblem extends Error {
  readonly result: Refusal
  readonly status: number
  readonly headers: Readonly<Record<string, string>>

  constructor(result: Refusal, message: string, more: { status?: number; headers?: Record<string, string> } = {}) {
    super(message)
    this.name = 'HttpProblem'
    this.result = result
    this.status = more.status ?? statuses[result]
    const retryAfter =
      result === 'busy' || result === 'unavailable' ? { 'retry-after': String(retrySeconds[result]) } : {}
    this.headers = { ...retryAfter, ...more.headers }
  }
}
