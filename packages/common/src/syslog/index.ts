/** Syslog on the wire: headers and framing. */
export { createHeader, type HeaderEncoder, type HeaderOptions, headerBytesMax } from './header.ts'
export { encodePriority, sanitizeAppName, sanitizeHostName, severityOfCef } from './rfc5424.ts'
export { FrameSplitter, type Framing, FramingError, frame, framingBytesMax, writeMessageLength } from './rfc6587.ts'
export { createTimestamp, isWritableTime, type TimestampForm } from './timestamp.ts'
