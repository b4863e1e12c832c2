/** What faults make of a page of Graph's alerts. Pure. */
import { createHash } from 'node:crypto'
import type { Page } from '../defender/listing.ts'
import { graphError } from '../graph/answer.ts'
import { type Answer, pageAnswer } from '../http/answer.ts'
import type { ChangedGraphPage } from './fault.ts'

/** @returns undefined when the fault has nothing to do with this page. */
export function changeGraphPage(fault: ChangedGraphPage, page: Page, nowMs: number): Answer | undefined {
  switch (fault.type) {
    case 'foreign-link': {
      const link = page.envelope['@odata.nextLink']
      if (typeof link !== 'string') return undefined
      const foreign = new URL(link)
      foreign.host = fault.host
      return pageAnswer({ ...page, envelope: { ...page.envelope, '@odata.nextLink': foreign.href } })
    }
    case 'broken-page': {
      const isHit = page.records.some((record) => fault.ids.includes(idOf(record)))
      return isHit ? graphError(500, 'An internal server error has occurred.', nowMs) : undefined
    }
    case 'late':
      return pageAnswer({ ...page, records: page.records.filter((record) => isShown(record, fault.upToMs, nowMs)) })
    case 'no-items':
      return pageAnswer({ ...page, records: [] })
    case 'unknown-enums':
      return pageAnswer({ ...page, records: page.records.map((record) => rewritten(record, withUnknownEnums)) })
    case 'nulls':
      return pageAnswer({ ...page, records: page.records.map((record) => rewritten(record, withNulls)) })
    default:
      return fault satisfies never
  }
}

type Fields = Readonly<Record<string, unknown>>

const read = (record: Buffer): Fields => JSON.parse(record.toString()) as Fields
const idOf = (record: Buffer): string => String(read(record).id)

/** Each alert is as late as its id says, so that reading again tells the same. */
function isShown(record: Buffer, upToMs: number, nowMs: number): boolean {
  const { id, lastUpdateDateTime } = read(record)
  const share = createHash('sha256').update(String(id)).digest().readUInt32BE() / 2 ** 32
  return Date.parse(String(lastUpdateDateTime)) + share * upToMs <= nowMs
}

function rewritten(record: Buffer, change: (fields: Fields) => Fields): Buffer {
  return Buffer.from(JSON.stringify(change(read(record))))
}

/** Fields of an alert, and of its evidence, whose values come from a list that grows. */
const enumFields = [
  'status',
  'severity',
  'classification',
  'determination',
  'serviceSource',
  'detectionSource',
  'verdict',
  'remediationStatus',
]

function withUnknownEnums(fields: Fields): Fields {
  const changed = Object.entries(fields).map(([name, value]) => {
    if (enumFields.includes(name)) return [name, 'unknownFutureValue']
    if (name === 'roles') return [name, ['unknownFutureValue']]
    if (name === '@odata.type') return [name, '#microsoft.graph.security.unheardOfEvidence']
    return [name, Array.isArray(value) ? value.map((item) => (isFields(item) ? withUnknownEnums(item) : item)) : value]
  })
  return Object.fromEntries(changed) as Fields
}

/** Nothing is left but what an alert is found by. */
function withNulls(fields: Fields): Fields {
  const kept = ['id', 'lastUpdateDateTime']
  const changed = Object.entries(fields).map(([name, value]) => [name, kept.includes(name) ? value : null])
  return Object.fromEntries(changed) as Fields
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
