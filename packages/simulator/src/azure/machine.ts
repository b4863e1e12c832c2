/** A machine with a managed identity: what hands out its tokens, over plain HTTP on the machine itself. Two dialects are spoken on one
 *  port: the instance metadata service of virtual machines (IMDS), and the endpoint of App Service, Functions and Container Apps.
 *  Sources: "How managed identities for Azure resources work with Azure virtual machines"; "How to use managed identities for App
 *  Service", REST endpoint reference. */
import { randomUUID } from 'node:crypto'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { push } from '../http/request-log.ts'
import type { Entra } from './entra.ts'

export interface MachineRequest {
  readonly dialect: 'imds' | 'app-service'
  /** The user-assigned identity that was asked for. */
  readonly clientId: string | undefined
  readonly status: number
}

export interface SimulatedMachine extends AsyncDisposable {
  /** What a virtual machine's clients are told by: AZURE_POD_IDENTITY_AUTHORITY_HOST. */
  readonly imdsHost: string
  /** What App Service puts into the environment: IDENTITY_ENDPOINT and IDENTITY_HEADER. */
  readonly identityEndpoint: string
  readonly identityHeader: string
  /** The latest 10,000, oldest first. */
  readonly requests: readonly MachineRequest[]
}

interface Reply {
  readonly status: number
  readonly body: object
}

const appServicePath = '/msi/token'
const dialects: Readonly<Record<string, MachineRequest['dialect']>> = {
  '/metadata/identity/oauth2/token': 'imds',
  [appServicePath]: 'app-service',
}

/** @param ownClientId the system-assigned identity. */
export async function startMachine(entra: Entra, ownClientId: string): Promise<SimulatedMachine> {
  const identityHeader = randomUUID()
  const requests: MachineRequest[] = []

  const answer = (request: IncomingMessage): Reply => {
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://machine')
    // Microsoft's library ends paths with a slash, and its documentation does not.
    const dialect = dialects[pathname.replace(/\/$/, '')]
    if (dialect === undefined || request.method !== 'GET') return { status: 404, body: { error: 'not_found' } }
    const clientId = searchParams.get('client_id') ?? undefined
    const reply =
      dialect === 'imds'
        ? imds(request, searchParams, clientId ?? ownClientId)
        : appService(request, searchParams, clientId ?? ownClientId)
    push(requests, { dialect, clientId, status: reply.status })
    return reply
  }

  const imds = (request: IncomingMessage, query: URLSearchParams, clientId: string): Reply => {
    // The header keeps a page or a redirect from asking in the name of the machine.
    if (request.headers.metadata !== 'true') return badRequest('Required metadata header not specified')
    if (query.get('api-version') !== '2018-02-01') return badRequest('Required api-version is missing or wrong')
    return tokenFor(query, clientId, 'Identity not found')
  }

  const appService = (request: IncomingMessage, query: URLSearchParams, clientId: string): Reply => {
    if (request.headers['x-identity-header'] !== identityHeader)
      return { status: 401, body: { statusCode: 401, message: 'The identity header is not the one of this host.' } }
    if (query.get('api-version') !== '2019-08-01') return badRequest('The api-version is not supported')
    return tokenFor(query, clientId, 'No User Assigned or Delegated Managed Identity found for specified ClientId')
  }

  const tokenFor = (query: URLSearchParams, clientId: string, unknown: string): Reply => {
    const resource = query.get('resource') ?? ''
    const issued = entra.issueToMachine(clientId, resource)
    if (issued === undefined) return badRequest(unknown)
    const body = {
      access_token: issued.token,
      expires_on: String(issued.expiresOnSeconds),
      resource,
      token_type: 'Bearer',
      client_id: clientId,
    }
    return { status: 200, body }
  }

  const server = createServer((request, response) => {
    const { status, body } = answer(request)
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
  })
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(0, '127.0.0.1', resolve))
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return {
    imdsHost: origin,
    identityEndpoint: `${origin}${appServicePath}`,
    identityHeader,
    requests,
    async [Symbol.asyncDispose]() {
      const closed = new Promise((resolve) => server.close(resolve))
      server.closeAllConnections()
      await closed
    },
  }
}

function badRequest(description: string): Reply {
  return { status: 400, body: { error: 'invalid_request', error_description: description } }
}
