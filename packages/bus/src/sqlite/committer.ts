/** Group commit: the transactions of all writers, stages and deliveries queue up here and go to disk together, one sync for all.
 *  Each is checked on its own before anything is written, so that a fenced one rejects alone; a failing disk rejects the whole
 *  group and leaves memory as it was. */
import type { DatabaseSync } from 'node:sqlite'
import { type Clock, RelayError } from '@siem-relay/common'
import { closedError } from '../closed-error.ts'
import type { NewRecord, StateChange } from '../port.ts'
import type { Appender, Growth } from './append.ts'
import { recordBytesBound } from './batch-codec.ts'
import type { Catalog, Log } from './catalog.ts'
import type { Compacted } from './compacted.ts'
import { isDiskError, toRelayError } from './errors.ts'
import type { GroupOffsets } from './group-offsets.ts'
import { groupBytesEager, groupBytesMax, groupDelayMs, groupRecordsMax, recordBytesMax } from './limits.ts'
import type { MutableStats } from './options.ts'

/** One all-or-nothing change. */
export interface Change {
  readonly records?: readonly NewRecord[]
  readonly state?: { readonly scope: number; readonly changes: readonly StateChange[] }
  readonly offset?: { readonly group: string; readonly log: Log; readonly next: number }
  /** The claim under which it is made; refused once there is a newer one. */
  readonly owner?: { readonly id: string; readonly epoch: number }
}

interface Pending {
  readonly change: Change
  readonly bytes: number
  readonly resolve: () => void
  readonly reject: (error: unknown) => void
}

export interface CommitterParts {
  readonly db: DatabaseSync
  readonly clock: Clock
  readonly catalog: Catalog
  readonly appender: Appender
  readonly compacted: Compacted
  readonly offsets: GroupOffsets
  readonly stats: MutableStats
  /** Told whether the disk took the last commit. */
  readonly onDisk: (outcome: 'written' | 'full') => void
  /** Told how long a commit to disk took. */
  readonly onCommit: (seconds: number) => void
  /** Told of committed changes to compacted topics, in order. */
  readonly onEntries: (topic: string, records: readonly NewRecord[]) => void
}

export class Committer {
  readonly #parts: CommitterParts
  readonly #epochs = new Map<string, number>()
  #queue: Pending[] = []
  #queuedBytes = 0
  #cancelFlush: (() => void) | undefined
  #flushIsEager = false
  #isClosed = false

  constructor(parts: CommitterParts) {
    this.#parts = parts
    for (const row of parts.db.prepare('SELECT id, epoch FROM owners').all()) {
      this.#epochs.set(String(row.id), Number(row.epoch))
    }
  }

  /** Fences every older claim of the owner id, also of what it has queued. */
  claim(ownerId: string): number {
    if (this.#isClosed) throw closedError()
    const epoch = (this.#epochs.get(ownerId) ?? 0) + 1
    try {
      this.#parts.db.prepare('INSERT OR REPLACE INTO owners VALUES (?, ?)').run(ownerId, epoch)
    } catch (error) {
      throw toRelayError(error, `claiming ${ownerId}`)
    }
    this.#epochs.set(ownerId, epoch)
    return epoch
  }

  /**
   * Resolves when the change is durable.
   * @throws {RelayError} `RELAY_BUS_FENCED`, `RELAY_BUS_TOPIC`, `RELAY_RECORD_INVALID`, `RELAY_BUS_CLOSED`, `RELAY_LOG_FULL`,
   *   `RELAY_LOG_WRITE`; in every case nothing of the change was written.
   */
  async commit(change: Change): Promise<void> {
    if (this.#isClosed) throw closedError()
    const bytes = this.#check(change.records ?? [])
    await new Promise<void>((resolve, reject) => {
      this.#queue.push({ change, bytes, resolve, reject })
      this.#queuedBytes += bytes
      this.#schedule()
    })
  }

  /** Writes what is queued and refuses what comes later. */
  close(): void {
    this.#isClosed = true
    this.#cancelFlush?.()
    this.#cancelFlush = undefined
    while (this.#queue.length > 0) this.#writeGroup(this.#takeGroup())
  }

  #check(records: readonly NewRecord[]): number {
    let bytes = 0
    for (const record of records) {
      const { cleanup } = this.#parts.catalog.topic(record.topic)
      if (record.value === null && cleanup !== 'compact') {
        throw new RelayError(
          'RELAY_BUS_TOPIC',
          `a record of ${record.topic} has no value; only compacted topics delete keys`,
        )
      }
      const recordBytes = recordBytesBound(record)
      if (recordBytes > recordBytesMax) {
        throw new RelayError(
          'RELAY_RECORD_INVALID',
          `a record for ${record.topic} has up to ${recordBytes} bytes; the log takes ${recordBytesMax}`,
        )
      }
      bytes += recordBytes
    }
    return bytes
  }

  /** Much is written as soon as the running callbacks are through; little waits a moment for company. */
  #schedule(): void {
    const isEager = this.#queuedBytes >= groupBytesEager
    if (this.#cancelFlush !== undefined && (this.#flushIsEager || !isEager)) return
    this.#cancelFlush?.()
    this.#flushIsEager = isEager
    const flush = (): void => {
      this.#cancelFlush = undefined
      this.#writeGroup(this.#takeGroup())
      if (this.#queue.length > 0) this.#schedule()
    }
    // Not the clock: waiting for company is about this machine's disk, and a commit has to keep the process alive.
    if (isEager) {
      const handle = setImmediate(flush)
      this.#cancelFlush = () => clearImmediate(handle)
    } else {
      const handle = setTimeout(flush, groupDelayMs)
      this.#cancelFlush = () => clearTimeout(handle)
    }
  }

  #takeGroup(): Pending[] {
    let taken = 0
    let records = 0
    let bytes = 0
    for (const pending of this.#queue) {
      records += pending.change.records?.length ?? 0
      bytes += pending.bytes
      if (taken > 0 && (records > groupRecordsMax || bytes > groupBytesMax)) break
      taken++
      this.#queuedBytes -= pending.bytes
    }
    return this.#queue.splice(0, taken)
  }

  #writeGroup(group: readonly Pending[]): void {
    const valid = group.filter((pending) => this.#isCurrent(pending))
    if (valid.length === 0) return
    const { db, stats, clock, onCommit } = this.#parts
    const startMs = clock.monotonicMs()
    let grown: Growth[]
    try {
      db.exec('BEGIN IMMEDIATE')
      grown = this.#write(valid)
      db.exec('COMMIT')
    } catch (error) {
      this.#rollBack()
      // One transaction the database cannot take must not hold up the others.
      if (valid.length > 1 && !isDiskError(error)) for (const pending of valid) this.#writeGroup([pending])
      else this.#refuse(valid, error)
      return
    }
    stats.commits++
    stats.transactions += valid.length
    onCommit((clock.monotonicMs() - startMs) / 1_000)
    this.#parts.onDisk('written')
    this.#apply(valid, grown)
  }

  #isCurrent(pending: Pending): boolean {
    const owner = pending.change.owner
    if (owner === undefined || this.#epochs.get(owner.id) === owner.epoch) return true
    pending.reject(
      new RelayError('RELAY_BUS_FENCED', `${owner.id} was taken over by a newer instance; this one has to stop`),
    )
    return false
  }

  #write(group: readonly Pending[]): Growth[] {
    const { appender, clock, compacted, offsets } = this.#parts
    const records: (readonly NewRecord[])[] = []
    for (const { change } of group) if (change.records !== undefined) records.push(change.records)
    const grown = appender.append(records, clock.nowMs())
    for (const { change } of group) {
      for (const entry of change.state?.changes ?? []) compacted.putState(change.state?.scope ?? 0, entry)
    }
    for (const { group: name, log, next } of latestOffsets(group)) offsets.write(name, log, next)
    return grown
  }

  #rollBack(): void {
    const { db } = this.#parts
    // SQLite has rolled back by itself after most disk errors.
    try {
      if (db.isTransaction) db.exec('ROLLBACK')
    } catch {
      // Nothing more to undo: the next BEGIN tells whether the file is usable.
    }
  }

  #refuse(group: readonly Pending[], error: unknown): void {
    const refusal = toRelayError(error, 'committing')
    this.#parts.stats.transactionsFailed += group.length
    if (refusal.code === 'RELAY_LOG_FULL') this.#parts.onDisk('full')
    for (const pending of group) pending.reject(refusal)
  }

  #apply(group: readonly Pending[], grown: readonly Growth[]): void {
    const { offsets, onEntries, stats } = this.#parts
    for (const { log, records, end, markMs } of grown) {
      log.end = end
      log.markMs = markMs
      stats.recordsAppended += records.length
    }
    for (const { group: name, log, next } of latestOffsets(group)) offsets.committedTo(name, log, next)
    for (const { log, records } of grown) if (log.isCompacted) onEntries(log.topicName, records)
    for (const pending of group) pending.resolve()
    for (const { log } of grown) log.wake()
  }
}

/** Of several commits of one partition in a group only the last has to be written. */
function latestOffsets(group: readonly Pending[]): Iterable<NonNullable<Change['offset']>> {
  const latest = new Map<string, NonNullable<Change['offset']>>()
  for (const { change } of group) {
    if (change.offset !== undefined) latest.set(`${change.offset.log.id} ${change.offset.group}`, change.offset)
  }
  return latest.values()
}
