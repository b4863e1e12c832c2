/** An issuer of OpenID Connect for tests: discovery, keys, codes that are checked with PKCE, id tokens it signs. Whoever comes is let in as
 *  the test says. */
import { createHash, createSign, generateKeyPairSync, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface Issuer extends AsyncDisposable {
  readonly url: string
  /** Claims of whoever signs in next; `nonce` and the like are right unless overridden here. */
  claims: Record<string, unknown>
  /** What the browser would be sent back with. @param url as the portal sent it there. */
  authorize(url: string): URLSearchParams
}

interface Asked {
  readonly challenge: string
  readonly nonce: string
  readonly redirectUri: string
}

export async function startIssuer(clientId: string, clientSecret: string): Promise<Issuer> {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2_048 })
  const codes = new Map<string, Asked>()
  const server = createServer((request, response) => void answer(request, response))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const issuer: Issuer = {
    url,
    claims: { sub: 'subject-1', preferred_username: 'ann@contoso.com', groups: [] },
    authorize: (target) => {
      const query = new URL(target).searchParams
      const get = (name: string): string => query.get(name) ?? ''
      if (get('code_challenge_method') !== 'S256' || get('client_id') !== clientId)
        throw new Error('not as it should be')
      const code = randomBytes(16).toString('hex')
      codes.set(code, { challenge: get('code_challenge'), nonce: get('nonce'), redirectUri: get('redirect_uri') })
      return new URLSearchParams({ code, state: get('state'), iss: url })
    },
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const send = (status: number, body: object): void => {
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
    }
    if (request.url === '/.well-known/openid-configuration')
      return send(200, {
        issuer: url,
        authorization_endpoint: `${url}/authorize`,
        token_endpoint: `${url}/token`,
        jwks_uri: `${url}/keys`,
        response_types_supported: ['code'],
        subject_types_supported: ['public'],
        id_token_signing_alg_values_supported: ['RS256'],
        authorization_response_iss_parameter_supported: true,
      })
    if (request.url === '/keys')
      return send(200, { keys: [{ ...publicKey.export({ format: 'jwk' }), kid: 'k', alg: 'RS256', use: 'sig' }] })
    let text = ''
    for await (const chunk of request) text += String(chunk)
    const form = new URLSearchParams(text)
    const asked = codes.get(form.get('code') ?? '')
    codes.delete(form.get('code') ?? '')
    const verifier = createHash('sha256')
      .update(form.get('code_verifier') ?? '')
      .digest('base64url')
    if (
      asked === undefined ||
      asked.challenge !== verifier ||
      asked.redirectUri !== form.get('redirect_uri') ||
      form.get('client_secret') !== clientSecret
    )
      return send(400, { error: 'invalid_grant' })
    send(200, { access_token: 'x', token_type: 'Bearer', expires_in: 60, id_token: idToken(asked.nonce) })
  }

  function idToken(nonce: string): string {
    const nowSeconds = Math.floor(Date.now() / 1_000)
    const times = { iat: nowSeconds, exp: nowSeconds + 300 }
    const encode = (part: object): string => Buffer.from(JSON.stringify(part)).toString('base64url')
    const text = `${encode({ alg: 'RS256', kid: 'k' })}.${encode({ iss: url, aud: clientId, ...times, nonce, ...issuer.claims })}`
    return `${text}.${createSign('sha256').update(text).sign(privateKey, 'base64url')}`
  }

  return issuer
}
