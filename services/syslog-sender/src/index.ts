export { type SyslogSenderConfig, syslogSenderSchema } from './config.ts'
export { type RunningSyslogSender, type SyslogSenderOptions, start } from './start.ts'
export type { AgentStatus, ConnectionState, StatusError } from './status.ts'
