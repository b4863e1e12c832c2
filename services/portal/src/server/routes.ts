/** Every route of the API, by the module that has it. */
import type { FastifyInstance } from 'fastify'
import type { PortalContext } from '../context.ts'

/** Routes of one subject, declared with `route()`. */
export type RouteModule = (server: FastifyInstance, context: PortalContext) => void

const modules: readonly RouteModule[] = []

export function addRoutes(server: FastifyInstance, context: PortalContext): void {
  for (const add of modules) add(server, context)
}
