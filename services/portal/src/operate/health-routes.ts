/** `/sources` and `/lag`: whether records come in, and whether they go out. */
import type { AgentLag } from '@siem-relay/control'
import type { FastifyInstance } from 'fastify'
import type { PortalContext } from '../context.ts'
import { lagQuerySchema } from '../contract/records.ts'
import { route } from '../server/route.ts'

/** How long rates are measured. */
const windowMs = 700

export function addHealthRoutes(server: FastifyInstance, { control }: PortalContext): void {
  /** Who asks while it is being measured gets the same answer. */
  const measuring = new Map<string, Promise<readonly AgentLag[]>>()

  route(server, {
    method: 'GET',
    path: '/sources',
    access: 'viewer',
    summary: 'How the sources are.',
    handle: async () => ({ sources: await control.sources() }),
  })
  route(server, {
    method: 'GET',
    path: '/lag',
    access: 'viewer',
    summary: 'How far behind agents are, and whether they catch up.',
    query: lagQuerySchema,
    handle: async ({ query: { agent } }) => {
      const name = agent ?? ''
      const running =
        measuring.get(name) ??
        control.lag({ ...(agent === undefined ? {} : { agent }), windowMs }).finally(() => measuring.delete(name))
      measuring.set(name, running)
      return { agents: await running }
    },
  })
}
