export type { Answer } from './client.ts'
export { openProbe, type Probe, type Reached } from './probe.ts'
export { type SentinelSenderOptions, start } from './start.ts'
