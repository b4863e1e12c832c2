/** Every route of the API, by the module that has it. */
import type { FastifyInstance } from 'fastify'
import type { PortalContext } from '../context.ts'
import { addDiscoveryRoutes } from '../views/routes.ts'

/** Routes of one subject, declared with `route()`. */
export type RouteModule = (server: FastifyInstance, context: PortalContext) => void

const modules: readonly RouteModule[] = [addDiscoveryRoutes]

export function addRoutes(server: FastifyInstance, context: PortalContext): void {
  for (const add of modules) add(server, context)
}
