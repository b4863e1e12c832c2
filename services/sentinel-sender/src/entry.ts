/** A row on its way: the record it came as, and where it is acknowledged. */
import type { Acknowledger, BusRecord } from '@siem-relay/bus'
import type { EventKind } from '@siem-relay/common'

/** The input partition a row came from. */
export interface Feed {
  readonly acknowledger: Acknowledger
  /** The partition belongs to someone else now: send nothing more of it, acknowledge nothing. */
  revoked: boolean
  /** Rows in the order they were taken, from the oldest on that is not done: what comes again after a crash. */
  readonly line: Entry[]
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
  /** Stored, in the dead letters, or somebody else's by now. */
  isDone: boolean
}

/** Takes what is done off the front of its feed's line. @returns bytes of rows that no crash brings again. */
export function advance({ line }: Feed): number {
  let count = 0
  let bytes = 0
  for (; line[count]?.isDone; count++) bytes += line[count]?.row.length ?? 0
  line.splice(0, count)
  return bytes
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
