/** Removes whole batches: what is older than its topic keeps, and, beyond the log's size cap, the oldest first. Never what a group
 *  that ran since the start has not passed. In small transactions with room between, so that nobody waits for a sweep. */
import type { Log } from './catalog.ts'
import type { Core } from './core.ts'
import type { SqliteBusEvent, SqliteBusOptions } from './options.ts'
import { type HeadBatch, HeadRemover } from './remove-head.ts'

const sweepSecondsDefault = 60

type Removed = SqliteBusEvent & { kind: 'retention-removed' }

/** Sweeps from now on; the returned function ends it. */
export function startRetention(core: Core, options: NonNullable<SqliteBusOptions['retention']>): () => void {
  const sweeper = new Sweeper(core, options.bytesMax)
  const everyMs = (options.sweepSeconds ?? sweepSecondsDefault) * 1000
  let cancel = (): void => undefined
  const schedule = (): void => {
    if (core.closing.aborted) return
    cancel = core.clock.after(everyMs, () => {
      sweeper
        .sweep()
        .catch((error: unknown) => core.emit({ kind: 'retention-failed', error }))
        .finally(schedule)
    })
  }
  // The first sweep waits too: groups that are about to start protect their records first.
  schedule()
  return () => cancel()
}

class Sweeper {
  readonly #core: Core
  readonly #bytesMax: number
  readonly #remover: HeadRemover

  constructor(core: Core, bytesMax: number | undefined) {
    this.#core = core
    this.#bytesMax = bytesMax ?? Number.POSITIVE_INFINITY
    this.#remover = new HeadRemover(core.db)
  }

  async sweep(): Promise<void> {
    await this.#removeByAge()
    if (this.#bytesMax !== Number.POSITIVE_INFINITY) await this.#removeBySize()
  }

  async #removeByAge(): Promise<void> {
    const { catalog, clock } = this.#core
    for (const topic of [...catalog.all()]) {
      if (topic.cleanup === 'compact') continue
      const before = clock.nowMs() - topic.retentionMs
      for (const log of topic.logs) {
        const report = this.#report(log, 'age')
        while (this.#step(log, (batch) => batch.appendedMs < before, report)) await this.#pause()
        this.#tell(report)
        if (this.#core.closing.aborted) return
      }
    }
  }

  /** Delivered records first; what no group reads (dead letters, discards) only when that was not enough. */
  async #removeBySize(): Promise<void> {
    const reports = new Map<Log, Removed>()
    for (const isRead of [true, false]) {
      while (this.#excessBytes() > 0 && (await this.#passBySize(isRead, reports)));
    }
    for (const report of reports.values()) this.#tell(report)
    if (!this.#core.closing.aborted) this.#core.intake.capReached(this.#excessBytes() > 0)
  }

  /** A few batches of each partition, the one with the oldest head first. @returns whether anything went. */
  async #passBySize(isRead: boolean, reports: Map<Log, Removed>): Promise<boolean> {
    let hasRemoved = false
    for (const log of this.#oldestFirst(isRead)) {
      const excess = this.#excessBytes()
      if (excess <= 0) break
      const report = reports.get(log) ?? this.#report(log, 'size')
      reports.set(log, report)
      let freed = 0
      const isNeeded = (batch: HeadBatch): boolean => {
        if (freed >= excess) return false
        freed += batch.bytes
        return true
      }
      if (this.#step(log, isNeeded, report)) hasRemoved = true
      await this.#pause()
    }
    return hasRemoved
  }

  /** @returns whether there may be more to remove. */
  #step(log: Log, isWanted: (batch: HeadBatch) => boolean, report: Removed): boolean {
    if (this.#core.closing.aborted) return false
    const removed = this.#remover.remove(log, this.#core.offsets.floor(log), isWanted)
    if (removed === undefined) return false
    this.#core.stats.recordsRemoved += removed.records
    Object.assign(report, {
      records: report.records + removed.records,
      bytes: report.bytes + removed.bytes,
      start: log.start,
    })
    return true
  }

  #oldestFirst(isRead: boolean): Log[] {
    const { catalog, closing, offsets } = this.#core
    if (closing.aborted) return []
    const heads: { log: Log; appendedMs: number }[] = []
    for (const topic of catalog.all()) {
      if (topic.cleanup === 'compact') continue
      for (const log of topic.logs) {
        if (log.start >= offsets.floor(log) || offsets.isRead(log) !== isRead) continue
        const appendedMs = this.#remover.headMs(log)
        if (appendedMs !== undefined) heads.push({ log, appendedMs })
      }
    }
    return heads.sort((a, b) => a.appendedMs - b.appendedMs).map(({ log }) => log)
  }

  #excessBytes(): number {
    return this.#core.closing.aborted ? 0 : this.#remover.usedBytes() - this.#bytesMax
  }

  #report({ topicName: topic, partition, start }: Log, reason: Removed['reason']): Removed {
    return { kind: 'retention-removed', topic, partition, records: 0, bytes: 0, start, reason }
  }

  #tell(report: Removed): void {
    if (report.records > 0) this.#core.emit(report)
  }

  #pause(): Promise<void> {
    return new Promise((resolve) => setImmediate(resolve))
  }
}
