/** The only way to the portal's API: JSON over fetch, the session's CSRF token on unsafe methods, errors as the contract says.
 *  Reading is tried again when the way is bad; writing never is, except after a 401, which changed nothing. */
import type { ApiError } from '../../src/contract/common.ts'
import { apiRoot } from './root.ts'
import { createStore } from './store.ts'

export type Query = Readonly<Record<string, string | number | boolean | undefined>>
type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'

interface Options {
  readonly query?: Query | undefined
  readonly body?: unknown
  readonly signal?: AbortSignal | undefined
  /** A 401 is the answer itself, as for a sign-in; nobody is asked to sign in. */
  readonly isAnonymous?: boolean | undefined
}

/** Anything but a good answer. `status` is 0 when there was none. */
export class ApiFailure extends Error {
  readonly status: number
  readonly code: string
  readonly nextMove: string
  readonly problems: NonNullable<ApiError['problems']>

  constructor(status: number, error: ApiError) {
    super(error.message)
    this.name = 'ApiFailure'
    this.status = status
    this.code = error.code
    this.nextMove = error.nextMove
    this.problems = error.problems ?? []
  }
}

/** False while the relay cannot be reached. */
export const isReachable = createStore(true)

/** Where the answer itself names none. */
const lastMove = 'Try again; if it stays so, look into the log of siem-relay.'
const retryDelaysMs = [300, 1_200] as const
const retriedStatus: ReadonlySet<number> = new Set([0, 502, 503, 504])

let csrfToken = ''
let askToSignIn: (() => Promise<boolean>) | undefined

export function setCsrfToken(token: string): void {
  csrfToken = token
}

/** @param ask is called when the session has ended; true means that there is a new one, and the request is sent again. */
export function onSessionEnded(ask: () => Promise<boolean>): void {
  askToSignIn = ask
}

export function get<T>(path: string, query?: Query, signal?: AbortSignal): Promise<T> {
  return request<T>('GET', path, { query, signal })
}

export function send<T>(
  method: Exclude<Method, 'GET'>,
  path: string,
  body?: unknown,
  options: Omit<Options, 'body'> = {},
): Promise<T> {
  return request<T>(method, path, { ...options, body })
}

export function urlOf(path: string, query: Query = {}): string {
  const search = new URLSearchParams()
  for (const [name, value] of Object.entries(query))
    if (value !== undefined && value !== '') search.set(name, String(value))
  return `${apiRoot}${path}${search.size > 0 ? `?${search}` : ''}`
}

async function request<T>(method: Method, path: string, options: Options): Promise<T> {
  for (let attempt = 0; ; attempt++) {
    try {
      return await requestOnce<T>(method, path, options)
    } catch (error) {
      if (!(error instanceof ApiFailure)) throw error
      if (error.status === 401 && options.isAnonymous !== true && askToSignIn !== undefined) {
        if (attempt < retryDelaysMs.length && (await askToSignIn())) continue
        throw error
      }
      const delayMs = retryDelaysMs[attempt]
      if (method !== 'GET' || delayMs === undefined || !retriedStatus.has(error.status)) throw error
      await wait(delayMs, options.signal)
    }
  }
}

async function requestOnce<T>(method: Method, path: string, { query, body, signal }: Options): Promise<T> {
  const headers: Record<string, string> = { accept: 'application/json' }
  if (method !== 'GET') headers['x-csrf-token'] = csrfToken
  if (body !== undefined) headers['content-type'] = 'application/json'
  let response: Response
  try {
    response = await fetch(urlOf(path, query), {
      method,
      headers,
      credentials: 'same-origin',
      cache: 'no-store',
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      ...(signal === undefined ? {} : { signal }),
    })
  } catch (cause) {
    if (signal?.aborted === true) throw cause
    isReachable.set(false)
    throw new ApiFailure(0, {
      code: 'unreachable',
      message: 'The relay cannot be reached.',
      nextMove: 'Check your connection and that siem-relay runs; then try again.',
    })
  }
  isReachable.set(true)
  if (response.status === 204) return undefined as T
  const answer: unknown = await response.json().catch(() => undefined)
  if (response.ok && answer !== undefined) return answer as T
  throw new ApiFailure(response.status, errorOf(answer, response.status))
}

function errorOf(answer: unknown, status: number): ApiError {
  const error = (answer as { error?: Partial<ApiError> } | undefined)?.error
  if (typeof error?.message === 'string')
    return { nextMove: lastMove, ...error, code: error.code ?? 'unknown', message: error.message }
  return {
    code: 'unexpected',
    message: `The relay answered with status ${status} and no reason.`,
    nextMove: lastMove,
  }
}

/** @throws the reason of the signal, when it is aborted. */
export function wait(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, ms)
    signal?.addEventListener('abort', () => {
      clearTimeout(timer)
      reject(signal.reason as Error)
    })
  })
}

/** Whatever was thrown, as something to show. */
export function failureOf(error: unknown): ApiFailure {
  if (error instanceof ApiFailure) return error
  const message = error instanceof Error ? error.message : String(error)
  return new ApiFailure(0, { code: 'unexpected', message, nextMove: 'Load the page again.' })
}
