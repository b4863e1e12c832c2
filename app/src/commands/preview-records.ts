/** Records of a preview that stand nowhere in the log: of a file, of standard input, the specification's samples. */
import { eventKindOf } from '@siem-relay/common'
import type { PreviewRecord } from '@siem-relay/control'
import { sampleLines } from '@siem-relay/simulator'
import type { Terminal } from '../terminal.ts'
import { kindOfText, looseRecord, readRecords } from './records-file.ts'

export interface RecordOptions {
  readonly input?: string
  readonly sample?: boolean
  /** Of each data type. */
  readonly limit: number
}

export async function readPreviewRecords(
  { input, limit }: RecordOptions,
  terminal: Terminal,
): Promise<readonly PreviewRecord[]> {
  if (input === undefined) return sampleRecords()
  const records = (await readRecords(input, terminal)).map((text) => looseRecord(Buffer.from(text), kindOfText(text)))
  const counts = { alert: 0, activity: 0, discovery: 0 }
  return records.filter(({ kind }) => ++counts[kind] <= limit)
}

function sampleRecords(): readonly PreviewRecord[] {
  return sampleLines().map(({ record, kind, portalUrl }) =>
    looseRecord(Buffer.from(JSON.stringify(record)), eventKindOf[kind], portalUrl),
  )
}
