/** A browser of the portal, as far as its API goes: a cookie, a CSRF token, JSON. */
interface PortalAnswer {
  readonly status: number
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers of every shape
  readonly body: any
  readonly headers: Headers
}

export interface PortalClient {
  readonly csrfToken: string
  readonly cookie: string
  call(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<PortalAnswer>
}

const password = 'correct horse battery staple'

/** Makes the first account with the set-up link, and stays signed in. */
export async function setUpPortal({
  url,
  setUpLink,
}: {
  readonly url: string
  readonly setUpLink: string | undefined
}): Promise<PortalClient> {
  const token = setUpLink?.split('token=')[1]
  return signedIn(url, '/setup', { token, name: 'ada', password })
}

/** Signs in with the password all test accounts have. */
export function signInTo(url: string, name: string): Promise<PortalClient> {
  return signedIn(url, '/session', { name, password })
}

export const testPassword: string = password

async function signedIn(url: string, path: string, body: object): Promise<PortalClient> {
  const answer = await ask(url, 'POST', path, body, {})
  if (answer.status !== 200) throw new Error(`${path} answered ${answer.status}: ${JSON.stringify(answer.body)}`)
  const cookie = (answer.headers.getSetCookie()[0] ?? '').split(';')[0] ?? ''
  const { csrfToken } = answer.body as { csrfToken: string }
  return {
    csrfToken,
    cookie,
    call: (method, to, what, headers = {}) =>
      ask(url, method, to, what, { cookie, ...(method === 'GET' ? {} : { 'x-csrf-token': csrfToken }), ...headers }),
  }
}

async function ask(
  url: string,
  method: string,
  path: string,
  body: unknown,
  headers: Record<string, string>,
): Promise<PortalAnswer> {
  const answer = await fetch(`${url}/api/v1${path}`, {
    method,
    headers: { ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })
  const text = await answer.text()
  return { status: answer.status, body: text === '' ? undefined : JSON.parse(text), headers: answer.headers }
}
