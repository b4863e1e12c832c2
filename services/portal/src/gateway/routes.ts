/** `/agent/v1/*`: who asks by its token alone, no session, no cookie; what it asks is the desk's. */
import { promisify } from 'node:util'
import { gzip } from 'node:zlib'
import {
  agentLimits,
  agentProtocolHeader,
  agentProtocols,
  agreedProtocol,
  leaseRequestSchema,
  pollRequestSchema,
  releaseRequestSchema,
  reportRequestSchema,
} from '@siem-relay/common'
import { counter, type World } from '@siem-relay/service-kit'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { z } from 'zod'
import { invalid, problemsOf } from '../server/errors.ts'
import type { Desk } from './desk.ts'
import { protocolRefused, tokenRefused } from './refusals.ts'

const gzipped = promisify(gzip)
/** Smaller answers are not worth the work. */
const gzipBytesMin = 1_024
/** A poll's socket is quiet on purpose; beyond its wait it is not. */
const quietMs = agentLimits.waitMsMax + 10_000
const tokenCharactersMax = 200

interface Admitted {
  readonly desk: Desk
  /** What tells the token from others of the same agent; not the token. */
  readonly token: string
}

export interface AgentApiParts {
  readonly metrics: World['metrics']
  readonly admit: (token: string) => Admitted | undefined
}

const requests = ['hello', 'lease', 'poll', 'report', 'release'] as const
type RequestName = (typeof requests)[number]
const results = ['ok', 'unauthorized', 'conflict', 'refused', 'failed'] as const

export function addAgentRoutes(server: FastifyInstance, { metrics, admit }: AgentApiParts): void {
  const counted = counter(metrics, {
    name: 'siem_relay_portal_agent_requests_total',
    help: 'Requests of agents that run in another network, by what they asked and how it was answered.',
    labels: ['request', 'result'],
  })
  for (const request of requests) for (const result of results) counted.labels(request, result).inc(0)
  const admitted = new WeakMap<FastifyRequest, Admitted>()

  function add<Schema extends z.ZodType>(
    name: RequestName,
    schema: Schema,
    answer: (call: Call<z.output<Schema>>) => unknown,
  ): void {
    server.post(`/${name}`, {
      bodyLimit: agentLimits.requestBytesMax,
      // Before the body is read.
      onRequest: async (request) => {
        const found = admit(bearerOf(request))
        if (found === undefined) throw tokenRefused()
        if (agreedProtocol(headerOf(request, agentProtocolHeader)) === undefined) throw protocolRefused(agentProtocols)
        admitted.set(request, found)
      },
      onResponse: async (_request, reply) => {
        counted.labels(name, resultOf(reply)).inc()
      },
      handler: async (request, reply) => {
        const found = admitted.get(request)
        if (found === undefined) throw tokenRefused()
        const parsed = schema.safeParse(request.body)
        if (!parsed.success) throw invalid(problemsOf(parsed.error.issues))
        const bearer = bearerOf(request)
        const isTokenValid = (): boolean => admit(bearer)?.token === found.token
        const result = await answer({ ...found, body: parsed.data, reply, isTokenValid })
        return sendJson(request, reply, result ?? {})
      },
    })
  }

  add('hello', z.strictObject({}), ({ desk }) => desk.hello())
  add('lease', leaseRequestSchema, ({ desk, body, token, isTokenValid }) => desk.take(body, { token, isTokenValid }))
  add('report', reportRequestSchema, ({ desk, body, token }) => desk.report(body, token))
  add('release', releaseRequestSchema, ({ desk, body, token }) => desk.release(body.lease, token))
  add('poll', pollRequestSchema, async ({ desk, body, token, isTokenValid, reply }) => {
    reply.raw.setTimeout(quietMs)
    const line = new AbortController()
    const broke = (): void => {
      line.abort()
      desk.lineBroke(body.lease)
    }
    reply.raw.once('close', broke)
    try {
      return await desk.poll(body, { token, isTokenValid, signal: line.signal })
    } finally {
      reply.raw.off('close', broke)
    }
  })
}

interface Call<Body> extends Admitted {
  readonly body: Body
  readonly reply: FastifyReply
  readonly isTokenValid: () => boolean
}

async function sendJson(request: FastifyRequest, reply: FastifyReply, value: unknown): Promise<FastifyReply> {
  const bytes = Buffer.from(JSON.stringify(value))
  reply.header(agentProtocolHeader, String(agentProtocols[0])).type('application/json; charset=utf-8')
  const takesGzip = /(^|,)\s*gzip\s*(,|$|;(?!\s*q=0(\.0*)?\s*(,|$)))/.test(headerOf(request, 'accept-encoding') ?? '')
  if (!takesGzip || bytes.length < gzipBytesMin) return reply.send(bytes)
  return reply.header('content-encoding', 'gzip').send(await gzipped(bytes, { level: 3 }))
}

function bearerOf(request: FastifyRequest): string {
  const header = headerOf(request, 'authorization') ?? ''
  const token = /^bearer +(\S+)$/i.exec(header.slice(0, tokenCharactersMax + 20))?.[1] ?? ''
  return header.length > tokenCharactersMax + 20 ? '' : token
}

function headerOf(request: FastifyRequest, name: string): string | undefined {
  const value = request.headers[name]
  return typeof value === 'string' ? value : undefined
}

function resultOf({ statusCode }: FastifyReply): (typeof results)[number] {
  if (statusCode < 300) return 'ok'
  if (statusCode === 401) return 'unauthorized'
  if (statusCode === 409) return 'conflict'
  return statusCode >= 500 ? 'failed' : 'refused'
}
