/** The API of some route modules without a port: requests go in by `inject`, as somebody who is signed in. */
import { memoryLogger } from '@siem-relay/service-kit/testing'
import type { FastifyInstance } from 'fastify'
import type { AuditNote, Caller } from '../server/route.ts'
import { buildServer } from '../server/server.ts'

export interface TestApi extends AsyncDisposable {
  readonly server: FastifyInstance
  /** What was noted. */
  readonly notes: readonly AuditNote[]
  /** Asks below /api/v1. */
  call(
    method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE',
    path: string,
    body?: unknown,
    headers?: Readonly<Record<string, string>>,
  ): Promise<{ readonly status: number; readonly body: unknown; readonly headers: Readonly<Record<string, unknown>> }>
}

export const admin: Caller = { name: 'ada', role: 'admin' }
export const viewer: Caller = { name: 'vic', role: 'viewer' }

/** @param caller undefined: nobody is signed in. */
export async function testApi(
  addApi: (server: FastifyInstance) => void,
  caller: Caller | undefined = admin,
): Promise<TestApi> {
  const notes: AuditNote[] = []
  const server = await buildServer({
    config: { path: '', trustProxy: [] },
    guard: {
      callerOf: () => caller,
      checkOrigin: () => undefined,
      checkCsrf: () => undefined,
      note: (entry) => notes.push(entry),
    },
    log: memoryLogger().log,
    version: '0.0.0-test',
    assets: new Map(),
    addApi,
  })
  await server.ready()
  return {
    server,
    notes,
    call: async (method, path, body, headers = {}) => {
      const answer = await server.inject({
        method,
        url: `/api/v1${path}`,
        headers: { ...headers, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
        ...(body === undefined ? {} : { payload: JSON.stringify(body) }),
      })
      const isJson = String(answer.headers['content-type'] ?? '').startsWith('application/json')
      return {
        status: answer.statusCode,
        body: isJson ? answer.json() : answer.body,
        headers: answer.headers,
      }
    },
    [Symbol.asyncDispose]: async () => {
      await server.close()
    },
  }
}
