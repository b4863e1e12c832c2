/** Syslog: a receiver's settings; on the wire, headers and framing. */
export { createAgentHeader, createHeader, type HeaderEncoder, type HeaderOptions, headerBytesMax } from './header.ts'
export {
  encodeRelpFrame,
  encodeRelpOffers,
  nextTxnr,
  parseRelpResponse,
  RelpDecoder,
  RelpError,
  type RelpFrame,
  type RelpResponse,
  relpFrameBytes,
  relpMessageBytesDefault,
  relpMessageBytesMax,
  relpTxnrMax,
  writeRelpHeader,
} from './relp.ts'
export { encodePriority, sanitizeAppName, sanitizeHostName, severityOfCef } from './rfc5424.ts'
export { FrameSplitter, type Framing, FramingError, frame, framingBytesMax, writeMessageLength } from './rfc6587.ts'
export {
  confirmOf,
  framingOf,
  messageBytesMaxOf,
  type SyslogDestination,
  type TlsSettings,
  tlsSchema,
  tlsSettingsOf,
  windowMessagesMaxOf,
} from './settings.ts'
export { createTimestamp, isWritableTime, type TimestampForm } from './timestamp.ts'
