export { type SentinelSenderOptions, start } from './start.ts'
