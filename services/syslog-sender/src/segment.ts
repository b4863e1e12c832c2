/** A run of framed messages of one input partition: what is sent and confirmed together, or, where
 *  the receiver answers for each message, from its first message on. */
import type { Acknowledger, BusRecord } from '@siem-relay/bus'

/** The input partition a segment came from. */
export interface Feed {
  readonly acknowledger: Acknowledger
  /** The partition belongs to someone else now: send nothing more of it, acknowledge nothing. */
  revoked: boolean
}

export interface Segment {
  readonly feed: Feed
  /** Messages, framed unless the transport does that, one behind the other. */
  readonly bytes: Buffer
  /** Where each message ends in `bytes`. */
  readonly ends: Uint32Array
  /** The records the messages were made of, as many as `ends` has entries. */
  readonly records: readonly BusRecord[]
  /** Event time of each, milliseconds since the epoch; NaN where the record has none. Read once, used for header and delay. */
  readonly eventTimesMs: Float64Array
  /** How many of its messages, from the first on, were handed to the wire at least once. */
  handed: number
  /** How many of its messages, from the first on, are confirmed. */
  confirmed: number
  /** Indexes of messages the wire refused for good; they went to the dead letters. */
  refused?: Set<number>
}

/** The bytes of messages `from` up to, not with, `to`. */
export function messagesIn({ bytes, ends }: Segment, from: number, to: number): Buffer {
  return bytes.subarray(from === 0 ? 0 : ends[from - 1], ends[to - 1] ?? 0)
}

/** Notes that messages up to, not with, `to` are on the wire; returns how many of those from `from` on had been before. */
export function noteHanded(segment: Segment, from: number, to: number): number {
  const again = Math.max(0, Math.min(segment.handed, to) - from)
  segment.handed = Math.max(segment.handed, to)
  return again
}

/** Tells the bus that messages `from` up to, not with, `to` are delivered, leaving out those that went to the dead letters. */
export function acknowledgeMessages({ feed, records, refused }: Segment, from: number, to: number): void {
  if (feed.revoked) return
  let first = from
  for (let index = from; index <= to; index++) {
    if (index < to && !refused?.has(index)) continue
    const begin = records[first]
    const end = records[index - 1]
    if (index > first && begin !== undefined && end !== undefined)
      feed.acknowledger.acknowledge(begin.offset, end.offset)
    first = index + 1
  }
}
