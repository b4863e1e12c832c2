/** What keeps rows: each once, in one transaction with the memory that it was taken and with the place in a file it came from. A commit
 *  that was begun is made until the log has it or never will; whoever waits for it may stop waiting, and hand the rows in again. */
import type { Headers, NewRecord, State, StateChange, Writer } from '@siem-relay/bus'
import { dispositionOf, rawHeaders, rawTopic, SeenIds } from '@siem-relay/common'
import type { StreamReport } from '../report.ts'
import { closedReason, logCheckMs } from '../room.ts'
import type { SourceContext } from '../source.ts'
import type { GoodRow } from './rows/reader.ts'

export interface Taken {
  readonly accepted: number
  /** Known already: handed in before, or twice now. */
  readonly repeated: number
}

/** Small transactions: an open one holds back the readers of its topics. */
export const stepRowsMax = 500
export const stepBytesMax = 1_048_576
/** A client repeats what it had no answer to within minutes, a person a file within days. Some 100 bytes each. */
const idsMax = 200_000
const idsKeptMs = 7 * 86_400_000
const lastKey = 'last/discovery'

export interface LedgerParts {
  readonly sourceId: string
  readonly tenant: string
  readonly context: SourceContext
  readonly report: StreamReport
}

export class Ledger {
  readonly #parts: LedgerParts
  readonly #seen = new SeenIds({ prefix: 'seen/discovery/', idsMax })
  #writer: Writer | undefined
  #signal: AbortSignal | undefined
  #turn: Promise<unknown> = Promise.resolve()
  #trouble: unknown
  #lastMs: number | undefined
  readonly #lost = Promise.withResolvers<never>()
  #isLost = false

  constructor(parts: LedgerParts) {
    this.#parts = parts
    this.#lost.promise.catch(() => undefined)
  }

  /** @throws {RelayError} `RELAY_LOG_CORRUPT` with disposition stop. */
  open(writer: Writer, signal: AbortSignal): void {
    this.#seen.restore(writer.state)
    this.#lastMs = decodeLast(writer.state)
    this.#writer = writer
    this.#signal = signal
    this.#parts.report.success(undefined)
  }

  /** Why rows cannot be kept at the moment. */
  get trouble(): unknown {
    return closedReason(this.#parts.context.world.bus) ?? this.#trouble
  }

  /** When rows were kept last, milliseconds since the epoch. */
  get lastMs(): number | undefined {
    return this.#lastMs
  }

  /** The log is lost to this owner: nothing can be kept any more. */
  get isLost(): boolean {
    return this.#isLost
  }

  /** Waits for the loss of the log. @throws what it was lost by, or the signal's reason. */
  watch(signal: AbortSignal): Promise<never> {
    const { promise, reject } = Promise.withResolvers<never>()
    if (signal.aborted) reject(signal.reason)
    signal.addEventListener('abort', () => reject(signal.reason), { once: true })
    return Promise.race([promise, this.#lost.promise])
  }

  /**
   * Keeps rows, in order. Resolves when they are durable.
   * @param also what is true once the last of them is kept. @throws when the source stops, or has lost the log.
   */
  async take(rows: readonly GoodRow[], also?: (taken: Taken) => StateChange): Promise<Taken> {
    const takenOf = (accepted: number): Taken => ({ accepted, repeated: rows.length - accepted })
    let accepted = 0
    for (let from = 0; from === 0 || from < rows.length; ) {
      const until = endOfStep(rows, from)
      const before = accepted
      const change = until < rows.length || also === undefined ? undefined : (n: number) => also(takenOf(before + n))
      accepted += await this.#next(() => this.#keep(rows.slice(from, until), change))
      from = Math.max(until, 1)
    }
    return takenOf(accepted)
  }

  /** Resolves when nothing is under way. */
  async settled(): Promise<void> {
    await this.#turn
  }

  /** @param also with the number of rows that are new. @returns that number. */
  async #keep(rows: readonly GoodRow[], also: ((accepted: number) => StateChange) | undefined): Promise<number> {
    const nowMs = this.#clock.nowMs()
    const fresh = new Map(rows.filter(({ id }) => !this.#seen.has(id)).map((row) => [row.id, row]))
    if (fresh.size === 0 && also === undefined) return 0
    const { sourceId, tenant, context } = this.#parts
    const topic = rawTopic(tenant, 'discovery').name
    const headers: Headers = {
      [rawHeaders.source]: sourceId,
      [rawHeaders.tenant]: tenant,
      [rawHeaders.kind]: 'discovery',
      [rawHeaders.shape]: 'discovery-row',
      [rawHeaders.receivedMs]: String(nowMs),
    }
    const records = Array.from(fresh.values(), ({ id, value }): NewRecord => ({ topic, key: id, value, headers }))
    const chunks = this.#seen.addChunk([...fresh.keys()], nowMs, nowMs - idsKeptMs)
    const change = also === undefined ? [] : [also(fresh.size)]
    try {
      await this.#commit({ records, state: [...chunks, ...change, { key: lastKey, value: encodeLast(nowMs) }] })
    } catch (error) {
      this.#seen.rollback()
      throw error
    }
    this.#seen.commit()
    this.#lastMs = nowMs
    context.metrics.received.inc({ source: sourceId, kind: 'discovery' }, records.length)
    return records.length
  }

  async #commit(changes: { readonly records: readonly NewRecord[]; readonly state: readonly StateChange[] }) {
    const signal = this.#signal as AbortSignal
    for (;;) {
      signal.throwIfAborted()
      try {
        const closed = closedReason(this.#parts.context.world.bus)
        if (closed !== undefined) throw closed
        await (this.#writer as Writer).commit(changes)
        this.#trouble = undefined
        this.#parts.report.success(undefined)
        return
      } catch (error) {
        if (dispositionOf(error) !== 'retry') this.#lose(error)
        this.#trouble = error
        this.#parts.report.trouble('waiting', error)
        await this.#clock.sleep(logCheckMs, signal)
      }
    }
  }

  #lose(error: unknown): never {
    this.#isLost = true
    this.#trouble = error
    this.#lost.reject(error)
    throw error
  }

  #next<T>(work: () => Promise<T>): Promise<T> {
    const mine = this.#turn.then(() => {
      if (this.#isLost) throw this.#trouble
      return work()
    })
    this.#turn = mine.catch(() => undefined)
    return mine
  }

  get #clock() {
    return this.#parts.context.world.clock
  }
}

/** @returns the index behind the last row of the step that begins at `from`. */
function endOfStep(rows: readonly GoodRow[], from: number): number {
  let until = from
  for (let bytes = 0; until < rows.length && until - from < stepRowsMax && bytes < stepBytesMax; until++)
    bytes += rows[until]?.value.length ?? 0
  return until
}

function encodeLast(lastMs: number): Buffer {
  return Buffer.from(JSON.stringify({ lastMs }))
}

/** For people only: what cannot be read is not known. */
function decodeLast(state: State): number | undefined {
  try {
    const { lastMs } = JSON.parse(state.get(lastKey)?.toString() ?? '{}') as { readonly lastMs?: unknown }
    return typeof lastMs === 'number' ? lastMs : undefined
  } catch {
    return undefined
  }
}
