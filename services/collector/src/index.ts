export { type CollectorConfig, type SourceConfig, sourcesSchema } from './config.ts'
export { portalUrlOf, tenantOf } from './sources/defender/config.ts'
export type { SourceState, SourceStatus, StatusError, StreamStatus } from './sources/source.ts'
export { type CollectorOptions, type RunningCollector, start } from './start.ts'
