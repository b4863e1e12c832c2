/** Opens the embedded log: one directory, one process, everything the port promises. */

import { setMaxListeners } from 'node:events'
import { statfsSync } from 'node:fs'
import type { DatabaseSync } from 'node:sqlite'
import { deadLettersTopic, RelayError } from '@siem-relay/common'
import { closedError } from '../closed-error.ts'
import { makeDirectory } from '../make-directory.ts'
import type { Bus, Worker } from '../port.ts'
import { Appender } from './append.ts'
import { Catalog } from './catalog.ts'
import { Committer } from './committer.ts'
import { Compacted } from './compacted.ts'
import type { Core } from './core.ts'
import { deleteTopics } from './delete-topics.ts'
import { startDelivery } from './deliver.ts'
import { toRelayError } from './errors.ts'
import { GroupOffsets } from './group-offsets.ts'
import { Intake } from './intake.ts'
import { Leases } from './leases.ts'
import { lockDirectory } from './lock.ts'
import type { DiskMargin, DiskSpace, MutableStats, SqliteBusOptions, SqliteBusStats } from './options.ts'
import { positionsOf } from './positions.ts'
import { readPartition } from './read.ts'
import { BatchRows } from './reader.ts'
import { startRetention } from './retention.ts'
import { closeDatabase, openDatabase } from './schema.ts'
import { Shares, startShare } from './share.ts'
import { startStage } from './stage.ts'
import { Subscriptions } from './subscriptions.ts'
import { openTable } from './table.ts'
import { TimeMarks } from './time-marks.ts'
import { openWriter } from './writer.ts'

/** The embedded log: the port, and its counters. */
export interface SqliteBus extends Bus {
  readonly stats: SqliteBusStats
  /** Measured at the call. */
  space(): DiskMargin
}

/**
 * Opens or creates the log in a directory and locks it for this process.
 * @throws {RelayError} `RELAY_LOG_LOCKED`, `RELAY_LOG_SCHEMA`, `RELAY_LOG_UNUSABLE`
 */
export async function openSqliteBus(options: SqliteBusOptions): Promise<SqliteBus> {
  const { unlock, db } = openFiles(options)
  try {
    const closing = new AbortController()
    const core = buildCore(options, db, closing.signal)
    const stopRetention = startRetention(core, options.retention ?? {})
    return new EmbeddedBus(core, async () => {
      stopRetention()
      closing.abort(closedError())
      core.intake.end()
      return () => {
        core.committer.close()
        try {
          closeDatabase(db)
        } finally {
          unlock()
        }
      }
    })
  } catch (error) {
    db.close()
    unlock()
    throw toRelayError(error, 'opening')
  }
}

function openFiles(options: SqliteBusOptions): { unlock: () => void; db: DatabaseSync } {
  let unlock: (() => void) | undefined
  try {
    makeDirectory(options.path, 0o700)
    unlock = lockDirectory(options.path)
    return { unlock, db: openDatabase(options.path, options.pagesMax) }
  } catch (error) {
    unlock?.()
    const known = toRelayError(error, 'opening')
    if (known.code !== 'RELAY_LOG_WRITE') throw known
    throw new RelayError('RELAY_LOG_UNUSABLE', `cannot open the log in ${options.path}`, { cause: error })
  }
}

function buildCore(options: SqliteBusOptions, db: DatabaseSync, closing: AbortSignal): Core {
  setMaxListeners(0, closing)
  const stats: MutableStats = {
    commits: 0,
    transactions: 0,
    transactionsFailed: 0,
    recordsAppended: 0,
    rawBytesAppended: 0,
    storedBytesAppended: 0,
    corruptBatches: 0,
    recordsRemoved: 0,
  }
  const { clock } = options
  const emit = (event: Parameters<NonNullable<typeof options.onEvent>>[0]): void => options.onEvent?.(event)
  const catalog = new Catalog(db)
  catalog.ensure([deadLettersTopic])
  const compacted = new Compacted(db)
  const marks = new TimeMarks(db)
  const offsets = new GroupOffsets(db)
  const subscriptions = new Subscriptions()
  const intake = new Intake({ clock, freeBytesMin: options.freeBytesMin, emit, measure: measurer(options, db) })
  const committer = new Committer({
    db,
    clock,
    catalog,
    compacted,
    offsets,
    stats,
    appender: new Appender(db, catalog, compacted, marks, stats),
    onDisk: (outcome) => {
      if (outcome === 'full') intake.diskRefused()
    },
    onCommit: (seconds) => options.onCommit?.(seconds),
    onEntries: (topic, records) => subscriptions.tell(topic, records),
  })
  const rows = new BatchRows(db)
  const random = options.random ?? Math.random
  const leases = new Leases()
  const shares = new Shares()
  return {
    db,
    clock,
    random,
    catalog,
    committer,
    compacted,
    offsets,
    rows,
    marks,
    leases,
    shares,
    intake,
    subscriptions,
    stats,
    emit,
    closing,
  }
}

function measurer(options: SqliteBusOptions, db: DatabaseSync): () => DiskSpace & { reusableBytes: number } {
  const freePages = db.prepare('PRAGMA freelist_count')
  const pageSize = Number(db.prepare('PRAGMA page_size').get()?.page_size)
  const diskSpace = options.diskSpace ?? spaceOf
  return () => ({
    ...diskSpace(options.path),
    reusableBytes: Number(freePages.get()?.freelist_count) * pageSize,
  })
}

function spaceOf(path: string): DiskSpace {
  const { bavail, blocks, bsize } = statfsSync(path)
  return { freeBytes: bavail * bsize, totalBytes: blocks * bsize }
}

class EmbeddedBus implements SqliteBus {
  readonly positions: Bus['positions']
  readonly #core: Core
  readonly #beginClose: () => Promise<() => void>
  readonly #workers = new Set<Worker>()
  #closed: Promise<void> | undefined

  constructor(core: Core, beginClose: () => Promise<() => void>) {
    this.#core = core
    this.#beginClose = beginClose
    this.positions = positionsOf(core)
  }

  get stats(): SqliteBusStats {
    return this.#core.stats
  }

  space(): DiskMargin {
    this.#assertOpen()
    return this.#core.intake.space()
  }

  async ensureTopics(topics: Parameters<Bus['ensureTopics']>[0]): Promise<void> {
    this.#assertOpen()
    try {
      this.#core.catalog.ensure(topics)
    } catch (error) {
      throw toRelayError(error, 'creating topics')
    }
  }

  async deleteTopics(names: Parameters<Bus['deleteTopics']>[0]): Promise<void> {
    this.#assertOpen()
    await deleteTopics(this.#core, names)
  }

  async writer(...[ownerId, stateTopic]: Parameters<Bus['writer']>): ReturnType<Bus['writer']> {
    this.#assertOpen()
    return openWriter(this.#core, ownerId, stateTopic)
  }

  stage(spec: Parameters<Bus['stage']>[0]): Worker {
    this.#assertOpen()
    return this.#keep(startStage(this.#core, spec))
  }

  deliver(spec: Parameters<Bus['deliver']>[0]): Worker {
    this.#assertOpen()
    return this.#keep(startDelivery(this.#core, spec))
  }

  share(spec: Parameters<Bus['share']>[0]): Worker {
    this.#assertOpen()
    return this.#keep(startShare(this.#core, spec))
  }

  async table(topic: Parameters<Bus['table']>[0]): ReturnType<Bus['table']> {
    this.#assertOpen()
    return openTable(this.#core, topic)
  }

  read(...[topic, partition, from]: Parameters<Bus['read']>): ReturnType<Bus['read']> {
    this.#assertOpen()
    return readPartition(this.#core, topic, partition, from)
  }

  intake(): ReturnType<Bus['intake']> {
    return this.#core.intake.state()
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#closed ??= this.#close()
    return this.#closed
  }

  async #close(): Promise<void> {
    const finish = await this.#beginClose()
    await Promise.all([...this.#workers].map((worker) => worker.stop()))
    finish()
  }

  #keep(worker: Worker): Worker {
    this.#workers.add(worker)
    const stop = async (): Promise<void> => {
      await worker.stop()
      this.#workers.delete(worker)
    }
    return { failed: worker.failed, stop, [Symbol.asyncDispose]: stop }
  }

  #assertOpen(): void {
    if (this.#closed !== undefined) throw closedError()
  }
}
