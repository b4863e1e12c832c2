export { type SyslogSenderConfig, syslogSenderSchema } from './config.ts'
export { type RunningSyslogSender, type SyslogSenderOptions, start } from './start.ts'
