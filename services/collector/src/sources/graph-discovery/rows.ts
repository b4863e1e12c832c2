/** Growth and names as rows of Microsoft's table McasShadowItReporting, ready for the log. Pure. */
import { createHash } from 'node:crypto'
import type { NewRecord } from '@siem-relay/bus'
import {
  type DiscoveryRow,
  discoverySourceSystem,
  discoveryType,
  type RecordShape,
  rawHeaders,
  rawTopic,
} from '@siem-relay/common'
import type { NewName } from './names.ts'
import type { AppReading, Counts, List, StreamReading } from './reading.ts'

/** What a row is about, besides what it says. */
export interface RowContext {
  readonly sourceId: string
  readonly tenant: string
  readonly stream: StreamReading
  readonly app: AppReading
  /** Date of the data. */
  readonly timeMs: number
  /** Number of the sweep. */
  readonly sequence: number
  readonly receivedMs: number
}

/** The growth of an app's sums. */
export function growthRecord(growth: Counts, context: RowContext): NewRecord {
  const { UploadedBytes: uploaded, DownloadedBytes: downloaded } = growth
  const total = uploaded === undefined || downloaded === undefined ? undefined : uploaded + downloaded
  return recordOf(context, ['app'], {
    ...growth,
    ...(total !== undefined && Number.isSafeInteger(total) ? { TotalBytes: total } : {}),
  })
}

/** A user or an address seen with an app for the first time: nothing is known of how much was theirs. */
export function nameRecord(list: List, { hash, text }: NewName, context: RowContext): NewRecord {
  return recordOf(context, [list, hash], { [list === 'users' ? 'UserName' : 'IpAddress']: text })
}

function recordOf(context: RowContext, subject: readonly string[], more: DiscoveryRow): NewRecord {
  const { sourceId, tenant, stream, app, timeMs, sequence, receivedMs } = context
  const row: DiscoveryRow = {
    SourceSystem: discoverySourceSystem,
    TimeGenerated: new Date(timeMs).toISOString(),
    StreamName: stream.name,
    ...more,
    AppName: app.name,
    ...(/^\d{1,15}$/.test(app.id) ? { AppId: Number(app.id) } : {}),
    ...(app.category === '' ? {} : { AppCategory: app.category }),
    ...(app.tags.length === 0 ? {} : { AppTags: app.tags }),
    ...(app.score === undefined ? {} : { AppScore: app.score }),
    Type: discoveryType,
  }
  const id = idOf([sourceId, stream.id, app.id, sequence, ...subject])
  return {
    topic: rawTopic(tenant, 'discovery').name,
    key: id,
    // What grew by the same amount twice is two rows, so the row brings its own id.
    value: Buffer.from(JSON.stringify({ ...row, RecordId: id })),
    headers: {
      [rawHeaders.source]: sourceId,
      [rawHeaders.tenant]: tenant,
      [rawHeaders.kind]: 'discovery',
      [rawHeaders.shape]: 'discovery-row' satisfies RecordShape,
      [rawHeaders.receivedMs]: String(receivedMs),
    },
  }
}

function idOf(parts: readonly (string | number)[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 32)
}
