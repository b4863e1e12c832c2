/** What the formatter writes: messages for an agent's sender, and what it left out or could not process, with where it came from. */
import type { BusRecord, NewRecord } from '@siem-relay/bus'
import {
  deadLettersTopic,
  discardedTopic,
  type EventKind,
  letterHeaders,
  type Outcome,
  outHeaders,
  rawHeaders,
  type TwinEvidence,
} from '@siem-relay/common'

/** Where a raw record stood. */
export interface Origin {
  readonly key: string
  readonly topic: string
  readonly partition: number
  readonly offset: number
}

export function messageRecord(
  topic: string,
  record: BusRecord,
  kind: EventKind,
  message: Extract<Outcome, { outcome: 'message' }>,
  value: Buffer,
): NewRecord & { readonly value: Buffer } {
  const receivedMs = record.headers[rawHeaders.receivedMs]
  return {
    topic,
    key: record.key,
    value,
    headers: {
      [outHeaders.eventTimeMs]: String(message.eventTimeMs),
      ...(receivedMs !== undefined && { [outHeaders.receivedMs]: receivedMs }),
      [outHeaders.kind]: kind,
      [outHeaders.source]: record.headers[rawHeaders.source] ?? '',
      [outHeaders.severity]: String(message.severity),
      ...(message.rowSchema !== undefined && { [outHeaders.rowSchema]: message.rowSchema }),
    },
  }
}

/** A record that was taken before. */
export function repeatRecord(origin: Origin, agent: string): NewRecord {
  return {
    topic: discardedTopic.name,
    key: origin.key,
    value: Buffer.alloc(0),
    headers: { ...originHeaders(origin, agent), [letterHeaders.reason]: 'repeat' },
  }
}

/** A copy of an alert whose other copy is sent; the value says which and why, as JSON. */
export function duplicateRecord(origin: Origin, agent: string, policy: string, evidence: TwinEvidence): NewRecord {
  const { kept, other, matched, distanceMs } = evidence
  return {
    topic: discardedTopic.name,
    key: origin.key,
    value: Buffer.from(JSON.stringify({ discarded: other, kept, matched, distanceMs, policy })),
    headers: { ...originHeaders(origin, agent), [letterHeaders.reason]: 'duplicate' },
  }
}

export function deadLetterRecord(
  record: BusRecord,
  agent: string,
  letter: Extract<Outcome, { outcome: 'dead-letter' }>,
): NewRecord {
  return {
    topic: deadLettersTopic.name,
    key: record.key,
    value: record.value,
    headers: {
      // Its envelope: with it the record can be formatted again when the raw one has expired.
      ...record.headers,
      ...originHeaders(record, agent),
      [letterHeaders.code]: letter.code,
      [letterHeaders.reason]: letter.reason.slice(0, reasonCharactersMax),
    },
  }
}

/** Reasons may quote a record's text; a header stays a header. */
const reasonCharactersMax = 500

function originHeaders(origin: Origin, agent: string): Record<string, string> {
  return {
    [letterHeaders.stage]: 'formatter',
    [letterHeaders.agent]: agent,
    [letterHeaders.topic]: origin.topic,
    [letterHeaders.partition]: String(origin.partition),
    [letterHeaders.offset]: String(origin.offset),
  }
}
