/** CSV as RFC 4180 has it: commas, quotes around what holds commas, quotes or line breaks, quotes inside doubled. */
import { type CutRow, type Cutter, RowBytes, withoutReturn } from './cut.ts'
import { FormatError } from './format-error.ts'

const quote = 0x22
const comma = 0x2c
const newline = 0x0a
const carriageReturn = 0x0d

/** Where in a row a byte stands: at a field's beginning, in a plain field, in a quoted one, behind a quote in it. */
type Place = 'begins' | 'plain' | 'quoted' | 'behind-quote'

/** Cuts at line breaks outside quotes. Empty lines are no rows. */
export class CsvCutter implements Cutter {
  readonly #row: RowBytes
  #place: Place = 'begins'
  #line = 1
  #rowLine = 1
  #quoteLine = 1

  constructor(rowBytesMax: number) {
    this.#row = new RowBytes(rowBytesMax)
  }

  push(chunk: Buffer): CutRow[] {
    const rows: CutRow[] = []
    let from = 0
    for (let i = 0; i < chunk.length; i++) {
      const byte = chunk[i]
      if (byte === newline) this.#line++
      if (byte === newline && this.#place !== 'quoted') {
        this.#row.add(chunk.subarray(from, i))
        this.#endRow(rows)
        from = i + 1
      } else this.#place = this.#next(byte)
    }
    this.#row.add(chunk.subarray(from))
    return rows
  }

  end(): CutRow[] {
    if (this.#place === 'quoted')
      throw new FormatError(`line ${this.#quoteLine}: the quote opened here is never closed`)
    const rows: CutRow[] = []
    if (!this.#row.isEmpty) this.#endRow(rows)
    return rows
  }

  #next(byte: number | undefined): Place {
    if (this.#place === 'quoted') return byte === quote ? 'behind-quote' : 'quoted'
    if (byte === comma) return 'begins'
    if (this.#place === 'behind-quote')
      return byte === quote ? 'quoted' : byte === carriageReturn ? 'behind-quote' : 'plain'
    if (this.#place === 'begins' && byte === quote) {
      this.#quoteLine = this.#line
      return 'quoted'
    }
    return 'plain'
  }

  #endRow(rows: CutRow[]): void {
    const bytes = this.#row.take()
    const row = bytes === undefined ? undefined : withoutReturn(bytes)
    if (row === undefined || row.length > 0) rows.push({ place: this.#rowLine, bytes: row })
    this.#rowLine = this.#line
    this.#place = 'begins'
  }
}

/** The cells of one row, or undefined where something follows a closing quote. */
export function csvCells(text: string): readonly string[] | undefined {
  const cells: string[] = []
  for (let i = 0; ; i++) {
    if (text[i] === '"') {
      const end = closingQuote(text, i + 1)
      if (end === undefined) return undefined
      cells.push(text.slice(i + 1, end).replaceAll('""', '"'))
      i = end + 1
      if (i < text.length && text[i] !== ',') return undefined
    } else {
      const end = text.indexOf(',', i)
      cells.push(text.slice(i, end < 0 ? undefined : end))
      i = end < 0 ? text.length : end
    }
    if (i >= text.length) return cells
  }
}

function closingQuote(text: string, from: number): number | undefined {
  for (let i = text.indexOf('"', from); i >= 0; i = text.indexOf('"', i + 2)) if (text[i + 1] !== '"') return i
  return undefined
}
