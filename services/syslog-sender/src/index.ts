export { openReceiverProbes, type ReceiverProbe } from './probe.ts'
export { type SyslogSenderOptions, start } from './start.ts'
export { sendTestMessage, type TestMessageOptions } from './test-message/send.ts'
