/** `/dead-letters`: what could not be processed or delivered. What a letter holds is for admins, and looking at it is noted. */
import type { DeadLetter as Letter, WholeDeadLetter } from '@siem-relay/control'
import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import type { PortalContext } from '../context.ts'
import type { Role } from '../contract/access.ts'
import {
  type DeadLetter,
  deadLetterActionSchema,
  deadLetterHandledSchema,
  deadLetterParamsSchema,
  deadLetterQuerySchema,
  deadLetterSchema,
  wholeDeadLetterSchema,
} from '../contract/records.ts'
import { type Call, route } from '../server/route.ts'

/** Ids named in one entry of the audit log. */
const idsNotedMax = 20

export function addDeadLetterRoutes(server: FastifyInstance, { control }: PortalContext): void {
  route(server, {
    method: 'GET',
    path: '/dead-letters',
    access: 'viewer',
    summary: 'Dead letters, newest first.',
    query: deadLetterQuerySchema,
    answer: z.object({ letters: z.array(deadLetterSchema), next: z.string().optional() }),
    handle: async ({ query, caller }) => {
      const { all, ...rest } = query
      const wanted = Object.fromEntries(Object.entries(rest).filter(([, value]) => value !== undefined))
      const page = await control.deadLetters({ ...wanted, all: all === 'true' })
      return {
        letters: page.letters.map((letter) => shownTo(caller.role, letter)),
        ...(page.before === undefined ? {} : { next: page.before }),
      }
    },
  })
  route(server, {
    method: 'GET',
    path: '/dead-letters/:id',
    access: 'admin',
    summary: 'A dead letter with what it holds.',
    params: deadLetterParamsSchema,
    answer: wholeDeadLetterSchema,
    handle: async ({ params, caller, audit }) => {
      const letter: WholeDeadLetter = await control.deadLetter(params.id)
      audit(
        'dead-letter.read',
        letter.id,
        letter.agent === undefined ? letter.code : `agent ${letter.agent}, ${letter.code}`,
      )
      return { ...shownTo(caller.role, letter), headers: letter.headers, value: letter.value }
    },
  })

  type Action = Call<'admin', z.output<typeof deadLetterActionSchema>, undefined, undefined>
  const change = {
    method: 'POST',
    access: 'admin',
    body: deadLetterActionSchema,
    answer: deadLetterHandledSchema,
  } as const
  route(server, {
    ...change,
    path: '/dead-letters/retry',
    summary: 'Sends letters out again, each once.',
    handle: async ({ body, caller, audit }: Action) => {
      const { retried, refused } = await control.retryDeadLetters({ ids: body.ids, by: caller.name })
      const done = retried.map(({ id }) => id)
      if (done.length > 0) audit('dead-letter.retry', subjectOf(done), detailOf(done))
      return { done, refused: refused.map(({ id, reason }) => ({ id, reason })) }
    },
  })
  route(server, {
    ...change,
    path: '/dead-letters/drop',
    summary: 'Marks letters as dealt with.',
    handle: async ({ body, caller, audit }: Action) => {
      const { dropped, refused } = await control.dropDeadLetters({ ids: body.ids, by: caller.name })
      if (dropped.length > 0) audit('dead-letter.drop', subjectOf(dropped), detailOf(dropped))
      return { done: dropped, refused: refused.map(({ id, reason }) => ({ id, reason })) }
    },
  })
}

function subjectOf(ids: readonly string[]): string {
  return ids.length === 1 ? (ids[0] ?? '') : `${ids.length} letters`
}

function detailOf(ids: readonly string[]): string {
  const more = ids.length > idsNotedMax ? `, and ${ids.length - idsNotedMax} more` : ''
  return `${ids.slice(0, idsNotedMax).join(', ')}${more}`
}

function shownTo(role: Role, letter: Letter): DeadLetter {
  const { id, atMs, stage, agent, code, reason, nextMove, attempts, key, origin, bytes, preview, mark, notRetriable } =
    letter
  return {
    id,
    atMs,
    stage,
    ...(agent === undefined ? {} : { agent }),
    code,
    reason,
    nextMove: nextMove ?? '',
    ...(attempts === undefined ? {} : { attempts }),
    key,
    origin,
    bytes,
    preview: role === 'admin' ? preview : '',
    ...(mark === undefined ? {} : { mark: { state: mark.action, atMs: mark.atMs, by: mark.by } }),
    ...(notRetriable === undefined ? {} : { notRetriable }),
  }
}
