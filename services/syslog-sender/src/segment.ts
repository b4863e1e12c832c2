/** A run of framed messages of one input partition: what one write hands to the wire and what is confirmed together. */
import type { Acknowledger, BusRecord, NewRecord } from '@siem-relay/bus'
import { deadLettersTopic, letterHeaders, type RelayError } from '@siem-relay/common'

/** The input partition a segment came from. */
export interface Feed {
  readonly acknowledger: Acknowledger
  /** The partition belongs to someone else now: send nothing more of it, acknowledge nothing. */
  revoked: boolean
}

export interface Segment {
  readonly feed: Feed
  /** Framed messages, one behind the other. */
  readonly bytes: Buffer
  /** Where each message ends in `bytes`. */
  readonly ends: Uint32Array
  /** The records the messages were made of, as many as `ends` has entries. */
  readonly records: readonly BusRecord[]
  /** Event time of each, milliseconds since the epoch; NaN where the record has none. Read once, used for header and delay. */
  readonly eventTimesMs: Float64Array
  /** How often it was handed to the wire. */
  sends: number
  /** Indexes of messages the wire refused for good; they went to the dead letters. */
  refused?: Set<number>
}

/** Tells the bus that every message of a segment is delivered, leaving out those that went to the dead letters. */
export function acknowledgeSegment({ feed, records, refused }: Segment): void {
  if (feed.revoked) return
  let first = 0
  for (let index = 0; index <= records.length; index++) {
    if (index < records.length && !refused?.has(index)) continue
    const from = records[first]
    const to = records[index - 1]
    if (index > first && from !== undefined && to !== undefined) feed.acknowledger.acknowledge(from.offset, to.offset)
    first = index + 1
  }
}

/** The letter for a record that can never be delivered: the record as it is, and why. */
export function letterFor(agent: string, record: BusRecord, error: RelayError): NewRecord {
  return {
    topic: deadLettersTopic.name,
    key: record.key,
    value: record.value,
    headers: {
      ...record.headers,
      [letterHeaders.stage]: 'syslog-sender',
      [letterHeaders.agent]: agent,
      [letterHeaders.code]: error.code,
      [letterHeaders.reason]: error.message,
      [letterHeaders.attempts]: '1',
      [letterHeaders.topic]: record.topic,
      [letterHeaders.partition]: String(record.partition),
      [letterHeaders.offset]: String(record.offset),
    },
  }
}
