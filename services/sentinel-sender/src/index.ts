export { type SentinelSenderConfig, sentinelSenderSchema } from './config.ts'
export { type RunningSentinelSender, type SentinelSenderOptions, start } from './start.ts'
