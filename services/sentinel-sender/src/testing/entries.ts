/** Rows for tests, as the sender queues them. */
import type { BusRecord } from '@siem-relay/bus'
import type { EventKind } from '@siem-relay/common'
import type { Entry, Feed } from '../entry.ts'

export interface TestFeed extends Feed {
  /** Offsets acknowledged, in the order of the calls. */
  readonly acknowledged: (readonly [first: number, last: number])[]
}

export function testFeed(): TestFeed {
  const acknowledged: (readonly [number, number])[] = []
  return {
    acknowledged,
    revoked: false,
    line: [],
    acknowledger: {
      acknowledge: (first, last) => acknowledged.push([first, last]),
      deadLetter: () => undefined,
    },
  }
}

function entryOf(row: string | Buffer, place = 0, feed: Feed = testFeed(), kind: EventKind = 'discovery'): Entry {
  const bytes = Buffer.from(row)
  const record: BusRecord = {
    topic: 'out.sentinel',
    partition: 0,
    // Offsets of a log may have gaps.
    offset: place * 3,
    key: `r${place}`,
    value: bytes,
    headers: {},
    appendedMs: 0,
  }
  return { feed, record, kind, row: bytes, place, wasSent: false, isDone: false }
}

/** Entries of one feed in their order. */
export function entriesOf(rows: readonly (string | Buffer)[], feed: Feed = testFeed()): Entry[] {
  return rows.map((row, place) => entryOf(row, place, feed))
}
