/** `/tap`: live records as server-sent events. A record is asked for when the one before is on its way, so nothing piles up here; what
 *  went by meanwhile is counted. It ends with the session, and does not keep it alive. */
import { once } from 'node:events'
import type { ServerResponse } from 'node:http'
import { type Clock, describeError, type RawKind, RelayError, rawKindOf } from '@siem-relay/common'
import type { TapItem, TapRequest } from '@siem-relay/control'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { z } from 'zod'
import type { PortalContext } from '../context.ts'
import { type Tapped, tapQuerySchema } from '../contract/records.ts'
import { ApiError } from '../server/errors.ts'
import { securityHeaders } from '../server/headers.ts'
import { keepOpen } from '../server/limits.ts'
import { type Guard, route } from '../server/route.ts'
import { Turns } from './turns.ts'

/** A line goes out at least this often, and the session is looked at. */
const heartbeatMs = 5_000
/** A reader that takes nothing for so long is gone. */
const stalledMs = 30_000

export function addTapRoute(server: FastifyInstance, { control, world }: PortalContext): void {
  const turns = new Turns('live views', { perCaller: 5, inAll: 50 })
  const closing = new AbortController()
  server.addHook('preClose', async () => closing.abort('the portal is closing'))

  route(server, {
    method: 'GET',
    path: '/tap',
    access: 'viewer',
    summary: 'Live records as server-sent events.',
    query: tapQuerySchema,
    handle: ({ query, caller, request, reply, audit }) => {
      const isUnmasked = query.masked === 'false'
      if (isUnmasked && caller.role !== 'admin')
        throw new ApiError('forbidden', 'records as they are, are for admins', { nextMove: 'Look at masked ones.' })
      return turns.take(caller.name, async () => {
        const stop = new AbortController()
        const items = control
          .tap(requestOf(query), AbortSignal.any([stop.signal, closing.signal]))
          [Symbol.asyncIterator]()
        // The first tells that it could be begun; a refusal is still an answer.
        const first = await items.next()
        if (isUnmasked) audit('tap.unmasked', query.stage, query.agent ?? query.tenant)
        reply.hijack()
        keepOpen(request)
        const stream = new EventStream(reply.raw, {
          guard: server.guard,
          request,
          isUnmasked,
          clock: world.clock,
          closing: closing.signal,
        })
        stream.onEnd(() => stop.abort())
        try {
          for (let next = first; next.done !== true && stream.isOpen; next = await items.next())
            await stream.send(...eventOf(next.value, query.stage))
        } catch (error) {
          world.log.warn({ error: describeError(error) }, 'a tap ended')
          stream.end(error instanceof RelayError ? error.message : 'it could not go on')
        } finally {
          await items.return?.()
          stream.end('nothing more comes')
        }
        return reply
      })
    },
  })
}

function requestOf({ stage, agent, tenant, kind, masked }: z.output<typeof tapQuerySchema>): TapRequest {
  const rawKind: RawKind | undefined = kind === undefined ? undefined : rawKindOf[kind]
  return {
    stage,
    ...(agent === undefined ? {} : { agent }),
    ...(tenant === undefined ? {} : { tenant }),
    ...(rawKind === undefined ? {} : { kind: rawKind }),
    unmasked: masked === 'false',
  }
}

function eventOf(item: TapItem, stage: string): readonly [name: string, data: unknown] {
  if (item.type === 'started') return ['started', { topics: item.topics }]
  if (item.type === 'skipped') return ['dropped', { count: item.records }]
  const { topic, partition, offset, key, atMs, headers, value, isCut } = item
  return ['record', { stage, topic, partition, offset, key, atMs, headers, value, isCut } satisfies Tapped]
}

interface StreamSettings {
  readonly guard: Guard
  readonly request: FastifyRequest
  readonly isUnmasked: boolean
  readonly clock: Clock
  /** The portal closes. */
  readonly closing: AbortSignal
}

/** One answer that goes on: events of it, and lines that keep it open. */
class EventStream {
  readonly #response: ServerResponse
  readonly #settings: StreamSettings
  readonly #ended = new AbortController()
  #cancelHeartbeat: () => void = () => undefined

  constructor(response: ServerResponse, settings: StreamSettings) {
    this.#response = response
    this.#settings = settings
    const close = (): void => this.#close()
    response.on('close', close).on('error', close)
    settings.closing.addEventListener('abort', () => this.end('the portal is closing'), { signal: this.#ended.signal })
    response.writeHead(200, {
      ...securityHeaders(),
      'content-type': 'text/event-stream; charset=utf-8',
      // Proxies that would collect it first (nginx).
      'x-accel-buffering': 'no',
    })
    response.write(': begin\n\n')
    this.#scheduleHeartbeat()
  }

  get isOpen(): boolean {
    return !this.#ended.signal.aborted
  }

  onEnd(listener: () => void): void {
    if (!this.isOpen) listener()
    else this.#ended.signal.addEventListener('abort', listener, { once: true })
  }

  /** Resolves when the reader takes more. JSON has no line breaks in it, which would end an event. */
  async send(name: string, data: unknown): Promise<void> {
    if (!this.isOpen || this.#response.write(`event: ${name}\ndata: ${JSON.stringify(data)}\n\n`)) return
    const cancel = this.#settings.clock.after(stalledMs, () => this.#close())
    await once(this.#response, 'drain', { signal: this.#ended.signal }).catch(() => undefined)
    cancel()
  }

  end(reason: string): void {
    if (!this.isOpen) return
    this.#response.end(`event: end\ndata: ${JSON.stringify({ reason })}\n\n`)
    this.#close(false)
  }

  #scheduleHeartbeat(): void {
    this.#cancelHeartbeat = this.#settings.clock.after(heartbeatMs, () => {
      const { guard, request, isUnmasked } = this.#settings
      const caller = guard.callerOf(request, 'watching')
      if (caller === undefined) return this.end('the session has ended')
      if (isUnmasked && caller.role !== 'admin') return this.end('records as they are, are for admins')
      if (!this.#response.writableNeedDrain) this.#response.write(': still here\n\n')
      this.#scheduleHeartbeat()
    })
  }

  #close(isLost = true): void {
    if (!this.isOpen) return
    this.#cancelHeartbeat()
    this.#ended.abort()
    if (isLost) this.#response.destroy()
  }
}
