/** Records that stand nowhere in the log: of a file, of standard input, the specification's samples. */

import { createReadStream } from 'node:fs'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { type EventKind, eventKindOf, RelayError } from '@siem-relay/common'
import type { PreviewRecord } from '@siem-relay/control'
import { sampleLines } from '@siem-relay/simulator'
import type { Terminal } from '../terminal.ts'

export interface RecordOptions {
  readonly input?: string
  readonly sample?: boolean
  readonly limit: number
}

export function readPreviewRecords(
  options: RecordOptions,
  terminal: Terminal,
): AsyncIterable<PreviewRecord> | Iterable<PreviewRecord> {
  return options.input === undefined ? sampleRecords() : recordsOfFile(options.input, options.limit, terminal)
}

function* sampleRecords(): Iterable<PreviewRecord> {
  for (const { record, kind, portalUrl } of sampleLines())
    yield previewRecord(Buffer.from(JSON.stringify(record)), eventKindOf[kind], portalUrl)
}

/** NDJSON. Activities have an `eventTypeName` or a `mainInfo`, discovery rows an `AppName` or `AppId`; anything else is taken for an alert. */
async function* recordsOfFile(path: string, limit: number, terminal: Terminal): AsyncIterable<PreviewRecord> {
  const input: Readable = path === '-' ? terminal.stdin : createReadStream(path)
  const counts = { alert: 0, activity: 0, discovery: 0 }
  try {
    for await (const line of createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY })) {
      if (line.trim() === '') continue
      const kind = kindOfLine(line)
      if (++counts[kind] <= limit) yield previewRecord(Buffer.from(line), kind, 'https://portal.cloudappsecurity.com')
    }
  } catch (cause) {
    throw new RelayError('RELAY_USAGE', `cannot read ${path}`, { cause })
  }
}

function kindOfLine(line: string): EventKind {
  if (/"(eventTypeName|mainInfo|eventType)"\s*:/.test(line)) return 'activity'
  return /"App(Name|Id)"\s*:/.test(line) ? 'discovery' : 'alert'
}

function previewRecord(body: Buffer, kind: EventKind, portalUrl: string): PreviewRecord {
  return { body, kind, id: idOf(body), tenant: 'preview', source: 'preview', portalUrl, receivedMs: Date.now() }
}

function idOf(body: Buffer): string {
  try {
    const record: unknown = JSON.parse(body.toString('utf8'))
    return typeof record === 'object' && record !== null && '_id' in record ? String(record._id) : ''
  } catch {
    return ''
  }
}
