/** How a route of the API is declared: who may call it, what it takes, what it answers. Checks, the audit log and the OpenAPI document
 *  are made of the same declaration. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { z } from 'zod'
import type { Role } from '../contract/access.ts'
import { ApiError, invalid, problemsOf } from './errors.ts'

/** Who asks. */
export interface Caller {
  readonly name: string
  readonly role: Role
}

/** Decides over callers, before a body is read. */
export interface Guard {
  /** @param use `watching`: only looked at, for something that goes on by itself: the session does not live longer by it.
   *  @returns undefined when nobody is signed in. */
  callerOf(request: FastifyRequest, use?: 'watching'): Caller | undefined
  /** @throws {ApiError} `forbidden` for a change that another site asks for. */
  checkOrigin(request: FastifyRequest): void
  /** @throws {ApiError} `forbidden` without the token that pages of the session have. */
  checkCsrf(request: FastifyRequest): void
  /** Writes the audit log. */
  note(entry: AuditNote): void
}

export interface AuditNote {
  readonly actor: string
  /** Such as `agent.create`. */
  readonly action: string
  readonly subject?: string | undefined
  /** Without secrets. */
  readonly detail?: string | undefined
  readonly address?: string | undefined
}

type Schema = z.ZodType
type OutputOf<S extends Schema | undefined> = S extends Schema ? z.output<S> : undefined
export type RouteAccess = 'public' | 'viewer' | 'admin'

export interface RouteSpec<
  Access extends RouteAccess,
  Body extends Schema | undefined,
  Query extends Schema | undefined,
  Params extends Schema | undefined,
> {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  /** Below the prefix it is registered with, such as `/agents/:id`. */
  readonly path: string
  /** `viewer`: who is signed in; `public`: everybody. */
  readonly access: Access
  /** For the API's document. */
  readonly summary: string
  readonly body?: Body
  readonly query?: Query
  readonly params?: Params
  /** What it answers. */
  readonly answer?: Schema
  /** Default: 200, or 204 for nothing. */
  readonly status?: number
  /** Default: 1 MiB. */
  readonly bodyBytesMax?: number
  /** @returns the answer; undefined for none; the reply where it was answered by hand. */
  handle(call: Call<Access, OutputOf<Body>, OutputOf<Query>, OutputOf<Params>>): unknown
}

export interface Call<Access extends RouteAccess, Body, Query, Params> {
  readonly body: Body
  readonly query: Query
  readonly params: Params
  readonly caller: Access extends 'public' ? Caller | undefined : Caller
  readonly request: FastifyRequest
  readonly reply: FastifyReply
  /** Every change is noted, by its caller. */
  audit(action: string, subject?: string, detail?: string): void
}

/** What the API's document is made of. */
export interface Operation {
  readonly method: string
  readonly path: string
  readonly access: RouteAccess
  readonly summary: string
  readonly body: Schema | undefined
  readonly query: Schema | undefined
  readonly params: Schema | undefined
  readonly answer: Schema | undefined
  readonly status: number | undefined
}

declare module 'fastify' {
  interface FastifyInstance {
    guard: Guard
    operations: Operation[]
  }
  interface FastifyRequest {
    caller: Caller | undefined
  }
}

export function route<
  const Access extends RouteAccess,
  Body extends Schema | undefined = undefined,
  Query extends Schema | undefined = undefined,
  Params extends Schema | undefined = undefined,
>(server: FastifyInstance, spec: RouteSpec<Access, Body, Query, Params>): void {
  const { method, path, access, summary, body, query, params, answer, status } = spec
  server.operations.push({
    method,
    path: `${server.prefix}${path}`,
    access,
    summary,
    body,
    query,
    params,
    answer,
    status,
  })
  server.route({
    method,
    url: path,
    ...(spec.bodyBytesMax === undefined ? {} : { bodyLimit: spec.bodyBytesMax }),
    // Before the body is read.
    onRequest: async (request) => admit(server.guard, request, access),
    handler: async (request, reply) => {
      const { caller } = request
      const result = await spec.handle({
        body: parse(body, request.body, []) as OutputOf<Body>,
        query: parse(query, request.query, ['query']) as OutputOf<Query>,
        params: parse(params, request.params, ['params']) as OutputOf<Params>,
        // A route that is not public was admitted with a caller.
        caller: caller as Call<Access, unknown, unknown, unknown>['caller'],
        request,
        reply,
        audit: (action, subject, detail) =>
          server.guard.note({ actor: caller?.name ?? 'system', action, subject, detail, address: request.ip }),
      })
      if (result === reply || reply.sent) return reply
      if (result === undefined) return reply.code(status ?? 204).send()
      return reply.code(status ?? 200).send(result)
    },
  })
}

function admit(guard: Guard, request: FastifyRequest, access: RouteAccess): void {
  const isChange = request.method !== 'GET' && request.method !== 'HEAD'
  if (isChange) guard.checkOrigin(request)
  request.caller = guard.callerOf(request)
  if (access === 'public') return
  const { caller } = request
  if (caller === undefined) throw new ApiError('unauthorized', 'nobody is signed in', { nextMove: 'Sign in again.' })
  if (isChange) guard.checkCsrf(request)
  if (access === 'admin' && caller.role !== 'admin')
    throw new ApiError('forbidden', 'this is for admins', { nextMove: 'Ask an admin, or sign in as one.' })
}

function parse(schema: Schema | undefined, value: unknown, under: readonly (string | number)[]): unknown {
  if (schema === undefined) return undefined
  const parsed = schema.safeParse(value)
  if (!parsed.success) throw invalid(problemsOf(parsed.error.issues, under))
  return parsed.data
}
