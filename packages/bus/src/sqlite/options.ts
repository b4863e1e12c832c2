/** What an embedded log is opened with, and what it tells while it runs. */
import type { Clock } from '@siem-relay/common'

export interface SqliteBusOptions {
  /** Directory of the log, created with mode 0700 when missing. */
  readonly path: string
  readonly clock: Clock
  /** Free disk below which sources are stopped. Default: the larger of 512 MB and 10 % of the disk. */
  readonly freeBytesMin?: number
  readonly retention?: {
    /** Seconds between sweeps. Default 60. */
    readonly sweepSeconds?: number
    /** Bytes the log may use. Beyond it the oldest delivered records go; when none is left, intake closes. Default: no cap. */
    readonly bytesMax?: number
  }
  /** Told of what an operator should see; must not throw. */
  readonly onEvent?: (event: SqliteBusEvent) => void
  /** Told how long every commit to disk took, in seconds; must not throw. */
  readonly onCommit?: (seconds: number) => void
  /** Free and total bytes of the disk that holds `path`. Default: statfs. */
  readonly diskSpace?: (path: string) => DiskSpace
  /** Jitter of the back-off, 0 to 1. Default: Math.random. */
  readonly random?: () => number
  /** Pages the database file may have; SQLite reports a full disk beyond it. Default: SQLite's own limit. */
  readonly pagesMax?: number
}

export interface DiskSpace {
  readonly freeBytes: number
  readonly totalBytes: number
}

/** How far the log is from closing intake. */
export interface DiskMargin {
  /** Free on the log's disk, and inside its file. */
  readonly freeBytes: number
  /** Below it, intake closes. */
  readonly freeBytesMin: number
}

export type SqliteBusEvent =
  | { readonly kind: 'intake-closed'; readonly reason: string; readonly freeBytes: number }
  | { readonly kind: 'intake-opened'; readonly freeBytes: number }
  /** Records `first` up to, not including, `next` cannot be read any more. `group` read them; undefined: a tool did. */
  | {
      readonly kind: 'corruption-found'
      readonly topic: string
      readonly partition: number
      readonly first: number
      readonly next: number
      readonly group: string | undefined
      readonly reason: string
    }
  /** A value of a compacted topic or a state is damaged: it is left where it is and taken for absent. */
  | { readonly kind: 'value-corrupt'; readonly where: string; readonly key: string }
  | {
      readonly kind: 'retention-removed'
      readonly topic: string
      readonly partition: number
      readonly records: number
      readonly bytes: number
      readonly start: number
      readonly reason: 'age' | 'size'
    }
  /** A sweep failed; the next one tries again. */
  | { readonly kind: 'retention-failed'; readonly error: unknown }
  /** A group found its next records removed by retention while it was away: it lost these. */
  | {
      readonly kind: 'records-expired'
      readonly group: string
      readonly topic: string
      readonly partition: number
      readonly records: number
    }

/** Counters since the log was opened; they only grow. */
export interface SqliteBusStats {
  /** Commits to disk. */
  readonly commits: number
  /** Transactions of writers, stages and deliveries in them. */
  readonly transactions: number
  readonly transactionsFailed: number
  readonly recordsAppended: number
  /** Bytes of the appended batches before and after compression. */
  readonly rawBytesAppended: number
  readonly storedBytesAppended: number
  readonly corruptBatches: number
  readonly recordsRemoved: number
}

export type MutableStats = { -readonly [K in keyof SqliteBusStats]: SqliteBusStats[K] }
