/** Whether sources may add records: not while the disk is nearly full, since a full disk stops deletes and checkpoints too.
 *  Looked at when asked, at most once a second; reopens by itself with a tenth of slack. */
import type { Clock } from '@siem-relay/common'
import type { Intake as IntakeState } from '../port.ts'
import type { DiskMargin, DiskSpace, SqliteBusEvent } from './options.ts'

const checkMs = 1000
const defaultBytesMin = 512 * 1024 * 1024
const defaultShareMin = 0.1
const reopenFactor = 1.1

export interface IntakeParts {
  readonly clock: Clock
  readonly freeBytesMin: number | undefined
  /** The disk, and the free pages inside the log's file, which are as good as free disk. */
  readonly measure: () => DiskSpace & { readonly reusableBytes: number }
  readonly emit: (event: SqliteBusEvent) => void
}

export class Intake {
  readonly #parts: IntakeParts
  #state: IntakeState = { open: true }
  #checkedMs = Number.NEGATIVE_INFINITY
  #isCapReached = false
  #wasRefused = false
  #isEnded = false
  #cancelCheck: (() => void) | undefined

  constructor(parts: IntakeParts) {
    this.#parts = parts
  }

  state(): IntakeState {
    const now = this.#parts.clock.monotonicMs()
    if (now - this.#checkedMs >= checkMs && !this.#isEnded) this.#check(now)
    return this.#state
  }

  /** Bytes that are free, and how many of them intake needs. */
  space(): DiskMargin {
    const { freeBytes, totalBytes, reusableBytes } = this.#parts.measure()
    return { freeBytes: freeBytes + reusableBytes, freeBytesMin: this.#mark(totalBytes) }
  }

  /** The disk refused a commit as full: closed at once, whatever the free space says (quotas are not in it). */
  diskRefused(): void {
    this.#wasRefused = true
    this.#check(this.#parts.clock.monotonicMs())
  }

  /** The log reached its size cap and nothing delivered is left to remove, or is below it again. */
  capReached(isReached: boolean): void {
    if (this.#isCapReached === isReached) return
    this.#isCapReached = isReached
    this.#check(this.#parts.clock.monotonicMs())
  }

  /** The log closes: nothing is measured any more. */
  end(): void {
    this.#isEnded = true
    this.#state = { open: false, reason: 'the log is closed' }
    this.#cancelCheck?.()
  }

  #check(nowMs: number): void {
    this.#checkedMs = nowMs
    const { freeBytes, totalBytes, reusableBytes } = this.#parts.measure()
    const free = freeBytes + reusableBytes
    const mark = this.#mark(totalBytes)
    const reason = this.#reasonToClose(free, this.#state.open ? mark : mark * reopenFactor)
    // One look later a refusal counts no more: the next commit finds out whether there is space again.
    this.#wasRefused = false
    this.#set(reason, free)
  }

  #mark(totalBytes: number): number {
    return this.#parts.freeBytesMin ?? Math.max(defaultBytesMin, totalBytes * defaultShareMin)
  }

  #reasonToClose(free: number, mark: number): string | undefined {
    if (free < mark) return `${megabytes(free)} free on the log's disk, ${megabytes(mark)} needed`
    if (this.#wasRefused) return 'the disk refused the last write as full'
    if (this.#isCapReached) return 'the log is at its size cap and everything in it is undelivered'
    return undefined
  }

  #set(reason: string | undefined, freeBytes: number): void {
    const wasOpen = this.#state.open
    this.#state = reason === undefined ? { open: true } : { open: false, reason }
    if (reason === undefined) {
      if (!wasOpen) this.#parts.emit({ kind: 'intake-opened', freeBytes })
      return
    }
    if (wasOpen) this.#parts.emit({ kind: 'intake-closed', reason, freeBytes })
    this.#cancelCheck?.()
    this.#cancelCheck = this.#parts.clock.after(checkMs, () => this.#check(this.#parts.clock.monotonicMs()))
  }
}

function megabytes(bytes: number): string {
  return `${Math.floor(bytes / 1_000_000)} MB`
}
