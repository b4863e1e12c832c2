/** A record of `raw.<tenant>.discovery` as what the read model counts. Pure. */
import { hash } from 'node:crypto'
import { normalize, rawHeaders } from '@siem-relay/common'
import type { ReadRecord } from './model.ts'
import { boundedName } from './text.ts'

export const dayMs = 86_400_000
const tagsMax = 20

export interface CountedRow {
  /** Hash of what the record is known by. */
  readonly seenId: bigint
  readonly timeMs: number
  readonly stream: string
  /** The app's number, or its name where no number is known. */
  readonly app: string
  readonly name: string
  readonly category: string
  readonly tags: readonly string[]
  readonly score: number | undefined
  /** '' where the row names none. */
  readonly user: string
  readonly ip: string
  readonly events: number
  readonly blocked: number
  readonly uploaded: number
  readonly downloaded: number
  readonly total: number
}

/** @returns undefined for what is no row: the formatter keeps it in dead-letters. */
export function countedRow(tenant: string, record: ReadRecord): CountedRow | undefined {
  const row = rowOf(tenant, record)
  if (row === undefined) return undefined
  const uploaded = row.UploadedBytes ?? 0
  const downloaded = row.DownloadedBytes ?? 0
  const name = row.AppName ?? String(row.AppId ?? '')
  return {
    seenId: seenIdOf(tenant, record),
    // A time that is still to come would stay at the top of every list.
    timeMs: Math.min(Date.parse(row.TimeGenerated ?? ''), record.appendedMs + dayMs),
    stream: boundedName(row.StreamName),
    app: row.AppId === undefined ? boundedName(row.AppName) : String(row.AppId),
    name: boundedName(name),
    category: boundedName(row.AppCategory),
    tags: (row.AppTags ?? []).slice(0, tagsMax).map(boundedName),
    score: row.AppScore,
    user: boundedName(row.UserName ?? row.EnrichedUserName),
    ip: boundedName(row.IpAddress),
    events: row.TotalEvents ?? 0,
    blocked: row.BlockedEvents ?? 0,
    uploaded,
    downloaded,
    total: row.TotalBytes ?? uploaded + downloaded,
  }
}

function rowOf(tenant: string, { value, headers }: ReadRecord) {
  try {
    const event = normalize({
      body: Buffer.from(value.buffer, value.byteOffset, value.byteLength),
      kind: 'discovery',
      shape: headers[rawHeaders.shape],
      tenant,
      source: headers[rawHeaders.source] ?? '',
    })
    return event.kind === 'discovery' && event.timestampMs !== undefined ? event.row : undefined
  } catch {
    return undefined
  }
}

/** As the formatter knows a record: its key, of this version. */
function seenIdOf(tenant: string, { key, headers }: ReadRecord): bigint {
  const version = headers[rawHeaders.version]
  const id = JSON.stringify(version === undefined ? [tenant, key] : [tenant, key, version])
  return hash('sha256', id, 'buffer').readBigInt64BE()
}
