/** `/replays`: what goes out again, for whom, and how far it is. */
import { replayJobSchema, replayPlanSchema } from '@siem-relay/common'
import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import type { PortalContext } from '../context.ts'
import { replayCountSchema, replayParamsSchema, replayStatusSchema } from '../contract/records.ts'
import { route } from '../server/route.ts'

export function addReplayRoutes(server: FastifyInstance, { control }: PortalContext): void {
  route(server, {
    method: 'GET',
    path: '/replays',
    access: 'viewer',
    summary: 'Replays that run and those that ended lately, newest first.',
    answer: z.object({ replays: z.array(replayStatusSchema) }),
    handle: async () => ({ replays: (await control.replays()).toReversed() }),
  })
  route(server, {
    method: 'POST',
    path: '/replays/count',
    access: 'viewer',
    summary: 'Counts what a replay would send again; changes nothing.',
    body: replayCountSchema,
    answer: replayPlanSchema,
    handle: ({ body }) => control.countReplay(requestOf(body)),
  })
  route(server, {
    method: 'POST',
    path: '/replays',
    access: 'admin',
    summary: 'Starts a replay.',
    status: 201,
    body: replayCountSchema,
    answer: replayJobSchema,
    handle: async ({ body, audit }) => {
      const job = await control.startReplay(await control.countReplay(requestOf(body)))
      const times = [job.fromMs, job.toMs].map((ms) => new Date(ms).toISOString())
      audit(
        'replay.start',
        job.id,
        `agent ${job.agent}, ${times.join(' to ')}, ${job.records} records, from ${job.source}`,
      )
      return job
    },
  })
  route(server, {
    method: 'DELETE',
    path: '/replays/:id',
    access: 'admin',
    summary: 'Cancels a replay; what went out stays out.',
    params: replayParamsSchema,
    answer: replayStatusSchema,
    handle: async ({ params, audit }) => {
      const status = await control.cancelReplay(params.id)
      audit(
        'replay.cancel',
        status.job.id,
        `agent ${status.job.agent}, ${status.replayed} of ${status.job.records} sent`,
      )
      return status
    },
  })
}

function requestOf({ messagesPerSecondMax, ...rest }: z.output<typeof replayCountSchema>) {
  return { ...rest, ...(messagesPerSecondMax === undefined ? {} : { messagesPerSecondMax }) }
}
