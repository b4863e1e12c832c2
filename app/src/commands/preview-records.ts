/** Where a preview's records come from: a file, standard input, the specification's samples, or the log itself. */

import { createReadStream } from 'node:fs'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import {
  type AgentDefinition,
  type EventKind,
  eventKindOf,
  type PipelineInput,
  RelayError,
  rawHeaders,
  rawKinds,
  rawTopic,
  tenantsOf,
} from '@siem-relay/common'
import { sampleLines } from '@siem-relay/simulator'
import type { RelayConfig } from '../config/schema.ts'
import { openForCommand } from '../open-for-command.ts'
import type { Terminal } from '../terminal.ts'

export interface PreviewRecord extends PipelineInput {
  readonly id: string
}

export interface RecordOptions {
  readonly input?: string
  readonly sample?: boolean
  readonly limit: number
}

export function readPreviewRecords(
  options: RecordOptions,
  config: RelayConfig,
  agent: AgentDefinition,
  terminal: Terminal,
): AsyncIterable<PreviewRecord> | Iterable<PreviewRecord> {
  if (options.sample === true) return sampleRecords()
  if (options.input !== undefined) return recordsOfFile(options.input, options.limit, terminal)
  return recordsOfLog(options.limit, config, agent)
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

/** The last records of each raw topic of the agent's tenants, oldest first. */
async function* recordsOfLog(limit: number, config: RelayConfig, agent: AgentDefinition): AsyncIterable<PreviewRecord> {
  const opened = await openForCommand(config)
  await using bus = opened.bus
  for (const tenant of agent.tenants ?? tenantsOf(config.sources)) {
    for (const name of rawKinds) {
      const kind = eventKindOf[name]
      const topic = rawTopic(tenant, name)
      await bus.ensureTopics([topic])
      const positions = await bus.positions.of('preview', [topic])
      for (const { partition, start, end } of positions) {
        const from = Math.max(start, end - Math.ceil(limit / topic.partitions))
        for await (const record of bus.read(topic, partition, from))
          yield {
            body: record.value,
            id: record.key,
            kind,
            shape: record.headers[rawHeaders.shape],
            tenant,
            source: record.headers[rawHeaders.source] ?? '',
            portalUrl: record.headers[rawHeaders.portalUrl] ?? '',
            receivedMs: record.appendedMs,
          }
      }
    }
  }
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
