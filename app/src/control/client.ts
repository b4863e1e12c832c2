/** Control of a log that another process has open, through its socket. */
import { request as httpRequest } from 'node:http'
import { type ErrorCode, errorCodes, RelayError } from '@siem-relay/common'
import { type Control, controlMethods } from '@siem-relay/control'

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
  // The other end is the same code behind the same table of methods; another version of it says so with a 404.
  return Object.fromEntries(methods) as Control
}

interface Answer {
  readonly status: number
  readonly text: string
}

function exchange(socketPath: string, name: string, argument: unknown): Promise<Answer> {
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
      (response) => {
        let text = ''
        response.setEncoding('utf8')
        response.on('data', (chunk: string) => {
          text += chunk
        })
        response.on('end', () => resolve({ status: response.statusCode ?? 0, text }))
        response.on('error', reject)
      },
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
