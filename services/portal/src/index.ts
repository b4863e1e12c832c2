export { type PortalConfig, portalSchema } from './config.ts'
export type { PortalParts, PortalSource } from './context.ts'
export { type RunningPortal, start } from './start.ts'
