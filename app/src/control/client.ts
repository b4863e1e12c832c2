/** Control of a log that another process has open, through its socket. */
import { request as httpRequest, type IncomingMessage } from 'node:http'
import { type ErrorCode, errorCodes, RelayError } from '@siem-relay/common'
import { type Control, controlMethods, controlStreams } from '@siem-relay/control'

/** @returns undefined when nobody listens at the socket. */
export async function reachControl(path: string): Promise<Control | undefined> {
  try {
    // Nothing has the empty name: any answer at all says that a relay is there.
    await exchange(path, '', undefined)
    return remoteControl(path)
  } catch (error) {
    if (isNobody(error)) return undefined
    throw unreachable(path, error)
  }
}

function remoteControl(path: string): Control {
  const call = async (name: string, argument: unknown): Promise<unknown> => {
    let answer: Answer
    try {
      answer = await exchange(path, name, argument)
    } catch (error) {
      throw unreachable(path, error)
    }
    return resultOf(name, answer)
  }
  const methods = Object.keys(controlMethods).map((name) => [name, (argument: unknown) => call(name, argument)])
  const streams = Object.keys(controlStreams).map((name) => [
    name,
    (argument: unknown, signal?: AbortSignal) => stream(path, name, argument, signal),
  ])
  // The other end is the same code behind the same tables of methods; another version of it says so with a 404.
  return Object.fromEntries([...methods, ...streams]) as Control
}

/** One value after another, until the relay ends it or nobody asks for the next: leaving the loop ends the request. */
async function* stream(
  path: string,
  name: string,
  argument: unknown,
  signal: AbortSignal = new AbortController().signal,
): AsyncGenerator<unknown> {
  let response: IncomingMessage | undefined
  const leave = (): void => void response?.destroy()
  signal.addEventListener('abort', leave, { once: true })
  try {
    response = await begin(path, name, argument)
    if (response.statusCode !== 200) resultOf(name, { status: response.statusCode ?? 0, text: await textOf(response) })
    signal.throwIfAborted()
    for await (const line of linesOf(response)) {
      const item: unknown = JSON.parse(line)
      if (typeof item === 'object' && item !== null && 'error' in item) resultOf(name, { status: 422, text: line })
      yield item
    }
  } catch (error) {
    if (signal.aborted) return
    throw error instanceof RelayError ? error : unreachable(path, error)
  } finally {
    signal.removeEventListener('abort', leave)
    leave()
  }
}

async function* linesOf(response: IncomingMessage): AsyncGenerator<string> {
  let rest = ''
  response.setEncoding('utf8')
  // A relay that stops in the middle is an error of the response: the loop throws it.
  for await (const chunk of response) {
    const lines = `${rest}${String(chunk)}`.split('\n')
    rest = lines.pop() ?? ''
    yield* lines
  }
}

interface Answer {
  readonly status: number
  readonly text: string
}

async function exchange(path: string, name: string, argument: unknown): Promise<Answer> {
  const response = await begin(path, name, argument)
  return { status: response.statusCode ?? 0, text: await textOf(response) }
}

async function textOf(response: IncomingMessage): Promise<string> {
  let text = ''
  response.setEncoding('utf8')
  for await (const chunk of response) text += String(chunk)
  return text
}

/** @returns the answer's beginning. */
function begin(socketPath: string, name: string, argument: unknown): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const body = argument === undefined ? '' : JSON.stringify(argument)
    // A connection of its own for each call: one kept from before a restart of the relay would break the next call.
    const request = httpRequest(
      {
        socketPath,
        agent: false,
        method: 'POST',
        path: `/v1/${name}`,
        headers: { 'content-length': Buffer.byteLength(body) },
      },
      resolve,
    )
    request.on('error', reject)
    request.end(body)
  })
}

function resultOf(name: string, { status, text }: Answer): unknown {
  if (status === 404)
    throw new RelayError('RELAY_CONTROL_FAILED', `the running relay does not know ${name}: it is of another version`)
  const body = JSON.parse(text) as { result?: unknown; error?: { code?: string; message?: string } }
  if (status === 200) return body.result
  const code = body.error?.code ?? ''
  throw new RelayError(
    Object.hasOwn(errorCodes, code) ? (code as ErrorCode) : 'RELAY_CONTROL_FAILED',
    body.error?.message ?? `the running relay answered ${status}`,
  )
}

/** Nobody listens: no file, or one that a killed process left. */
function isNobody(error: unknown): boolean {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  return code === 'ENOENT' || code === 'ECONNREFUSED'
}

function unreachable(path: string, cause: unknown): RelayError {
  return new RelayError('RELAY_CONTROL_FAILED', `the running relay does not answer at ${path}`, { cause })
}
