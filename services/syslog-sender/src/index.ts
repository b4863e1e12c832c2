export { type SyslogSenderOptions, start } from './start.ts'
