/** Logs as one JSON object per line: events with fields, nothing interpolated. JSON escapes every control character, so text
 *  an attacker wrote cannot start a line of its own. Files and their rotation are log-files.ts. */
import type { Clock } from '@siem-relay/common'
import { type DestinationStream, type Logger, pino, stdTimeFunctions } from 'pino'
import { openLogFile } from './log-files.ts'

export const logLevels = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const
export type LogLevel = (typeof logLevels)[number]

export interface LoggerSettings {
  readonly level: LogLevel
  /** Where lines go, such as `process.stderr`. */
  readonly destination: DestinationStream
  readonly service: string
  readonly instance: string
  /** Writes a file per process there as well. Default: none. */
  readonly logsDirectory?: string
  /** Whose time lines carry; default: the system's. */
  readonly clock?: Clock
}

/** Field names that hold secrets, as configuration, HTTP headers and token answers spell them. */
const secretNames: readonly string[] = [
  'token',
  'tokens',
  'accessToken',
  'access_token',
  'refresh_token',
  'client_assertion',
  'secret',
  'clientSecret',
  'client_secret',
  'password',
  'passphrase',
  'authorization',
  'Authorization',
  'proxyAuthorization',
  '["proxy-authorization"]',
  '["Proxy-Authorization"]',
  'cookie',
  'Cookie',
  '["set-cookie"]',
  'apiKey',
  'sharedKey',
]

/** At any of the first three depths, so also in `{ request: { headers: { authorization } } }`. */
const secretPaths = ['', '*', '*.*'].flatMap((parents) =>
  secretNames.map((name) => (parents === '' || name.startsWith('[') ? `${parents}${name}` : `${parents}.${name}`)),
)

/**
 * The process's logger. Values under names that hold secrets print as `[redacted]`, down to the third level of an entry.
 * @throws {RelayError} `RELAY_CONFIG_INVALID` when logsDirectory cannot be written.
 */
export function createLogger(settings: LoggerSettings): Logger {
  const { level, destination, service, instance, logsDirectory, clock } = settings
  const target =
    logsDirectory === undefined
      ? destination
      : tee(destination, openLogFile({ directory: logsDirectory, service, instance }))
  return pino(
    {
      level,
      base: { service, instance },
      timestamp:
        clock === undefined ? stdTimeFunctions.isoTime : () => `,"time":"${new Date(clock.nowMs()).toISOString()}"`,
      formatters: { level: (label) => ({ level: label }) },
      redact: { paths: secretPaths, censor: '[redacted]' },
    },
    target,
  )
}

function tee(first: DestinationStream, second: DestinationStream): DestinationStream {
  return {
    write(line) {
      first.write(line)
      second.write(line)
    },
  }
}
