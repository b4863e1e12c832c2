/** Cuts a JSON list into its elements, so that a long one needs no more memory than its longest row. One object alone is a list of one.
 *  Only what lies between elements is judged here; elements are for JSON.parse. */
import { type CutRow, type Cutter, RowBytes } from './cut.ts'
import { FormatError } from './format-error.ts'

type Place = 'start' | 'before-first' | 'before-next' | 'inside' | 'behind' | 'end'

const openings = new Set([0x7b, 0x5b])
const closings = new Set([0x7d, 0x5d])
const spaces = new Set([0x20, 0x09, 0x0a, 0x0d])
const [quote, backslash, comma, listOpens, listCloses] = [0x22, 0x5c, 0x2c, 0x5b, 0x5d] as const

export class JsonListCutter implements Cutter {
  readonly #row: RowBytes
  #place: Place = 'start'
  #isList = true
  #index = 0
  #depth = 0
  #isString = false
  #isEscaped = false

  constructor(rowBytesMax: number) {
    this.#row = new RowBytes(rowBytesMax)
  }

  push(chunk: Buffer): CutRow[] {
    const rows: CutRow[] = []
    let from = 0
    for (let i = 0; i < chunk.length; i++) {
      const byte = chunk[i] as number
      if (this.#place === 'inside') {
        const end = this.#endOf(byte, i)
        if (end === undefined) continue
        this.#row.add(chunk.subarray(from, end))
        rows.push({ place: this.#index++, bytes: this.#row.take() })
        this.#place = this.#isList ? 'behind' : 'end'
        if (end > i) continue
      }
      if (spaces.has(byte)) continue
      if (this.#between(byte)) {
        from = i
        this.#begin(byte)
      }
    }
    if (this.#place === 'inside') this.#row.add(chunk.subarray(from))
    return rows
  }

  end(): CutRow[] {
    if (this.#place === 'start') throw new FormatError('it is empty: a list of rows or one row is expected')
    if (this.#place !== 'end') throw new FormatError(`it ends in the middle, at the row with index ${this.#index}`)
    return []
  }

  /** @returns whether the byte begins an element. */
  #between(byte: number): boolean {
    switch (this.#place) {
      case 'start':
        if (byte === listOpens) this.#place = 'before-first'
        else if (openings.has(byte)) this.#isList = false
        else throw new FormatError('it begins with neither [ nor {')
        return !this.#isList
      case 'before-first':
      case 'before-next':
        if (byte === listCloses && this.#place === 'before-first') {
          this.#place = 'end'
          return false
        }
        if (byte === comma || closings.has(byte)) throw new FormatError(`the row with index ${this.#index} is missing`)
        return true
      case 'behind':
        if (byte !== comma && byte !== listCloses)
          throw new FormatError(`a comma or ] is missing before the row with index ${this.#index}`)
        this.#place = byte === comma ? 'before-next' : 'end'
        return false
      default:
        throw new FormatError(
          this.#isList
            ? 'something follows the list'
            : 'something follows the object: several rows are a list, or one object a line (NDJSON)',
        )
    }
  }

  #begin(byte: number): void {
    this.#place = 'inside'
    this.#depth = openings.has(byte) ? 1 : 0
    this.#isString = byte === quote
    this.#isEscaped = false
  }

  /** @returns where the element ends: behind this byte, before it (a number or a word), or not yet. */
  #endOf(byte: number, i: number): number | undefined {
    if (this.#isString) {
      if (this.#isEscaped) this.#isEscaped = false
      else if (byte === backslash) this.#isEscaped = true
      else if (byte === quote) {
        this.#isString = false
        return this.#depth === 0 ? i + 1 : undefined
      }
      return undefined
    }
    if (this.#depth === 0) return byte === comma || closings.has(byte) || spaces.has(byte) ? i : undefined
    if (byte === quote) this.#isString = true
    else if (openings.has(byte)) this.#depth++
    else if (closings.has(byte) && --this.#depth === 0) return i + 1
    return undefined
  }
}
