/** A logger that keeps its entries, so that a test can ask what was logged. Formatting and redaction are the real ones. */
import type { Clock } from '@siem-relay/common'
import type { Logger } from 'pino'
import { createLogger } from '../logging.ts'

export interface LogEntry {
  readonly level: string
  readonly msg?: string
  readonly [field: string]: unknown
}

export interface MemoryLogger {
  readonly log: Logger
  /** Oldest first; at most the last 10,000. */
  readonly entries: readonly LogEntry[]
}

const entriesMax = 10_000

export function memoryLogger(options: { readonly clock?: Clock } = {}): MemoryLogger {
  const entries: LogEntry[] = []
  const destination = {
    write(line: string): void {
      entries.push(JSON.parse(line) as LogEntry)
      if (entries.length > entriesMax) entries.shift()
    },
  }
  const log = createLogger({ level: 'trace', destination, service: 'test', instance: 'test-1', ...options })
  return { log, entries }
}
