/** Every route of the API, by the module that has it. */
import type { FastifyInstance } from 'fastify'
import type { PortalContext } from '../context.ts'
import { addDeadLetterRoutes } from '../operate/dead-letter-routes.ts'
import { addHealthRoutes } from '../operate/health-routes.ts'
import { addPreviewRoutes } from '../operate/preview-routes.ts'
import { addReplayRoutes } from '../operate/replay-routes.ts'
import { addTapRoute } from '../operate/tap-route.ts'
import { addTestMessageRoute } from '../operate/test-message-route.ts'
import { addDiscoveryRoutes } from '../views/routes.ts'

/** Routes of one subject, declared with `route()`. */
type RouteModule = (server: FastifyInstance, context: PortalContext) => void

const modules: readonly RouteModule[] = [
  addDiscoveryRoutes,
  addPreviewRoutes,
  addTestMessageRoute,
  addReplayRoutes,
  addDeadLetterRoutes,
  addTapRoute,
  addHealthRoutes,
]

export function addRoutes(server: FastifyInstance, context: PortalContext): void {
  for (const add of modules) add(server, context)
}
