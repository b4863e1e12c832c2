/** What has been stored: every row with what it lost, or in long runs only how often each record came. Everything that is
 *  kept has a bound; what goes beyond it is counted. */

import { type JsonObject, keepRow, type RowLosses } from './rows.ts'
import type { Stream } from './rules.ts'

/** A row as it stands in its table, with what happened to it on the way. */
export interface StoredRow extends RowLosses {
  readonly row: JsonObject
  readonly ruleId: string
  readonly stream: string
  readonly table: string
  readonly requestId: string
  readonly receivedMs: number
}

/** A column that lost something, in how many rows. */
export interface ColumnLoss {
  readonly stream: string
  readonly column: string
  readonly loss: 'dropped' | 'nulled' | 'truncated' | 'clamped'
  readonly rows: number
}

export interface StoreOptions {
  /** `rows` keeps the latest; `ids` keeps how often each id came and no rows. */
  readonly keep: 'rows' | 'ids'
  readonly rowsMax: number
  readonly idsMax: number
}

const columnLossesMax = 1000

export class TableStore {
  readonly #options: StoreOptions
  readonly #losses = new Map<string, { -readonly [Key in keyof ColumnLoss]: ColumnLoss[Key] }>()
  #rows: StoredRow[] = []
  /** How often each record was stored. */
  readonly ids = new Map<string, number>()
  rowsStored = 0
  /** Rows without an id, or whose id came when `idsMax` others were there. */
  rowsNotCounted = 0
  /** Rows that are no longer among `rows`. */
  rowsForgotten = 0

  constructor(options: StoreOptions) {
    this.#options = options
  }

  get columnLosses(): readonly ColumnLoss[] {
    return [...this.#losses.values()]
  }

  rows(stream?: string): readonly StoredRow[] {
    return stream === undefined ? [...this.#rows] : this.#rows.filter((each) => each.stream === stream)
  }

  /** @returns the rows as they stand in the table. */
  store(rows: readonly JsonObject[], stream: Stream, requestId: string, receivedMs: number): readonly StoredRow[] {
    const about = { ruleId: stream.ruleId, stream: stream.name, table: stream.table, requestId, receivedMs }
    const stored: StoredRow[] = []
    for (const row of rows) {
      const outcome = keepRow(row, stream, receivedMs)
      this.#noteLosses(stream.name, outcome)
      this.#count(outcome.row[stream.idColumn])
      if (this.#options.keep === 'rows') stored.push({ ...outcome, ...about })
    }
    this.rowsStored += rows.length
    this.#keep(stored)
    return stored
  }

  #keep(stored: readonly StoredRow[]): void {
    for (const row of stored) this.#rows.push(row)
    const surplus = this.#rows.length - this.#options.rowsMax
    // In strides: moving a hundred thousand rows for every request would cost more than the requests.
    if (surplus <= this.#options.rowsMax / 10) return
    this.#rows = this.#rows.slice(surplus)
    this.rowsForgotten += surplus
  }

  #count(id: unknown): void {
    if (typeof id !== 'string') {
      this.rowsNotCounted += 1
      return
    }
    const count = this.ids.get(id)
    if (count === undefined && this.ids.size >= this.#options.idsMax) this.rowsNotCounted += 1
    else this.ids.set(id, (count ?? 0) + 1)
  }

  #noteLosses(stream: string, losses: RowLosses): void {
    for (const column of losses.droppedColumns) this.#noteLoss(stream, column, 'dropped')
    for (const column of losses.nulledColumns) this.#noteLoss(stream, column, 'nulled')
    for (const column of losses.truncatedColumns) this.#noteLoss(stream, column, 'truncated')
    if (losses.isTimeClamped) this.#noteLoss(stream, 'TimeGenerated', 'clamped')
  }

  #noteLoss(stream: string, column: string, loss: ColumnLoss['loss']): void {
    const key = `${stream}\n${column}\n${loss}`
    const known = this.#losses.get(key)
    if (known !== undefined) known.rows += 1
    else if (this.#losses.size < columnLossesMax) this.#losses.set(key, { stream, column, loss, rows: 1 })
  }
}
