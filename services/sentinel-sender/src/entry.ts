/** A row on its way: the record it came as, and where it is acknowledged. */
import type { Acknowledger, BusRecord } from '@siem-relay/bus'
import type { EventKind } from '@siem-relay/common'

/** The input partition a row came from. */
export interface Feed {
  readonly acknowledger: Acknowledger
  /** The partition belongs to someone else now: send nothing more of it, acknowledge nothing. */
  revoked: boolean
}

export interface Entry {
  readonly feed: Feed
  readonly record: BusRecord
  readonly kind: EventKind
  /** The row as it goes out, JSON. */
  readonly row: Buffer
  /** Place among all records its feed was given: neighbours are acknowledged together. */
  readonly place: number
  /** Whether it was in a request before. */
  wasSent: boolean
}

/** Acknowledges entries of any feeds, neighbours of one feed in one call. */
export function acknowledge(entries: readonly Entry[]): void {
  let first: Entry | undefined
  let last: Entry | undefined
  const flush = (): void => {
    if (first !== undefined && last !== undefined && !first.feed.revoked)
      first.feed.acknowledger.acknowledge(first.record.offset, last.record.offset)
  }
  for (const entry of entries) {
    if (last !== undefined && entry.feed === last.feed && entry.place === last.place + 1) {
      last = entry
      continue
    }
    flush()
    first = entry
    last = entry
  }
  flush()
}
