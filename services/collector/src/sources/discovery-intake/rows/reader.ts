/** Reads rows of Cloud Discovery out of bytes in one of three formats, chunk by chunk. A row that is wrong is an answer; only bytes that
 *  cannot be cut into rows end the reading. */
import { type DiscoveryColumn, discoveryColumnOf, discoveryRowId, readDiscoveryRow } from '@siem-relay/common'
import { CsvCutter, csvCells } from './csv.ts'
import { type CutRow, type Cutter, LineCutter } from './cut.ts'
import { FormatError } from './format-error.ts'
import { JsonListCutter } from './json-list.ts'

export type RowFormat = 'ndjson' | 'json' | 'csv'

/** Why a row is not taken: `too_long`, `not_utf8`, `malformed` (no JSON, or other cells than the header has), `columns`. */
type RowReason = 'too_long' | 'not_utf8' | 'malformed' | 'columns'

export interface GoodRow {
  readonly place: number
  /** What it is known by. */
  readonly id: string
  /** The row as JSON, as it came where it came as JSON. */
  readonly value: Buffer
}

export interface BadRow {
  readonly place: number
  readonly reason: RowReason
  readonly problems: readonly string[]
  /** As it came; undefined when it was too long to keep. */
  readonly bytes: Buffer | undefined
}

export type ReadRow = GoodRow | BadRow

const cutters: Readonly<Record<RowFormat, new (rowBytesMax: number) => Cutter>> = {
  ndjson: LineCutter,
  json: JsonListCutter,
  csv: CsvCutter,
}
/** Enough to mend a row by; a hostile one could name thousands. */
const problemsMax = 5
const bomBytes = 3

export class RowReader {
  readonly #format: RowFormat
  readonly #rowBytesMax: number
  readonly #cutter: Cutter
  /** The first bytes, until it is known whether they are a byte order mark. */
  #head: Buffer | undefined = Buffer.alloc(0)
  #header: readonly string[] | undefined

  constructor(format: RowFormat, rowBytesMax: number) {
    this.#format = format
    this.#rowBytesMax = rowBytesMax
    this.#cutter = new cutters[format](rowBytesMax)
  }

  /** What `place` of a row counts. */
  get placeName(): 'line' | 'index' {
    return this.#format === 'json' ? 'index' : 'line'
  }

  /** @throws {FormatError} for bytes that are not what they are said to be, with the place. */
  push(chunk: Buffer): ReadRow[] {
    if (this.#head === undefined) return this.#read(this.#cutter.push(chunk))
    const head = Buffer.concat([this.#head, chunk])
    this.#head = head.length < bomBytes ? head : undefined
    return this.#head === undefined ? this.#read(this.#cutter.push(withoutBom(head))) : []
  }

  /** @throws {FormatError} when something is missing at the end. */
  end(): ReadRow[] {
    const rest = this.#head === undefined ? [] : this.#cutter.push(withoutBom(this.#head))
    this.#head = undefined
    const rows = this.#read([...rest, ...this.#cutter.end()])
    if (this.#format === 'csv' && this.#header === undefined)
      throw new FormatError('it is empty: a header line is expected')
    return rows
  }

  #read(cut: readonly CutRow[]): ReadRow[] {
    return cut.flatMap((row) => {
      if (this.#format !== 'csv' || this.#header !== undefined) return [this.#rowOf(row)]
      this.#header = headerOf(row)
      return []
    })
  }

  #rowOf({ place, bytes }: CutRow): ReadRow {
    const bad = (reason: RowReason, ...problems: readonly string[]): BadRow => ({ place, reason, problems, bytes })
    if (bytes === undefined) return bad('too_long', `the row is longer than ${this.#rowBytesMax} bytes`)
    const text = utf8Of(bytes)
    if (text === undefined) return bad('not_utf8', 'the row is not UTF-8')
    const columns = this.#columnsOf(text, place)
    if ('problem' in columns) return bad('malformed', columns.problem)
    const reading = readDiscoveryRow(columns.value)
    if ('problems' in reading) return bad('columns', ...reading.problems.slice(0, problemsMax))
    const value = this.#format === 'csv' ? Buffer.from(JSON.stringify(columns.value)) : bytes
    return { place, id: discoveryRowId(reading.row, reading.recordId), value }
  }

  #columnsOf(text: string, place: number): { readonly value: unknown } | { readonly problem: string } {
    if (this.#format === 'csv') return cellsByName(this.#header ?? [], text)
    try {
      return { value: JSON.parse(text) }
    } catch (error) {
      const problem = `not JSON${positionIn(error)}`
      // In a list, what follows may be anything.
      if (this.#format === 'json') throw new FormatError(`the row with index ${place} is ${problem}`, error)
      return { problem: `the line is ${problem}` }
    }
  }
}

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

function utf8Of(bytes: Buffer): string | undefined {
  try {
    return decoder.decode(bytes)
  } catch {
    return undefined
  }
}

function withoutBom(head: Buffer): Buffer {
  const isUtf16 = (head[0] === 0xff && head[1] === 0xfe) || (head[0] === 0xfe && head[1] === 0xff)
  if (isUtf16) throw new FormatError('it is UTF-16: write it as UTF-8')
  return head[0] === 0xef && head[1] === 0xbb && head[2] === 0xbf ? head.subarray(bomBytes) : head
}

/** V8 tells the position, and a piece of the text that belongs into no log. */
function positionIn(error: unknown): string {
  const position = /at position (\d+)/.exec(error instanceof Error ? error.message : '')?.[1]
  return position === undefined ? '' : ` (at character ${position})`
}

/** @throws {FormatError} for a first line that cannot head rows of discovery. */
function headerOf({ place, bytes }: CutRow): readonly string[] {
  const text = bytes === undefined ? undefined : utf8Of(bytes)
  const cells = text === undefined ? undefined : csvCells(text)
  const known = (cells ?? []).flatMap((cell) => discoveryColumnOf(cell) ?? [])
  const has = (column: DiscoveryColumn): boolean => known.includes(column)
  if (cells === undefined || !has('TimeGenerated') || !(has('AppName') || has('AppId')))
    throw new FormatError(
      `line ${place}: a header line is expected, column names separated by commas, among them TimeGenerated and AppName or AppId`,
    )
  const twice = known.find((column, i) => known.indexOf(column) !== i)
  if (twice !== undefined) throw new FormatError(`line ${place}: the header names ${twice} twice`)
  return cells
}

function cellsByName(
  header: readonly string[],
  text: string,
): { readonly value: Readonly<Record<string, string>> } | { readonly problem: string } {
  const cells = csvCells(text)
  if (cells === undefined) return { problem: 'something follows a closing quote before the next comma' }
  if (cells.length !== header.length)
    return { problem: `the row has ${cells.length} cells and the header ${header.length}` }
  return {
    value: Object.fromEntries(header.map((name, i) => [name, cells[i] ?? '']).filter(([, cell]) => cell !== '')),
  }
}
