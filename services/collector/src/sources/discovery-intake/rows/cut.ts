/** Cuts bytes into rows without looking into them, in bounded memory: what delimits rows is ASCII in every format, so characters
 *  that chunks cut in two are whole again in their row. */

export interface CutRow {
  /** The line it begins in, from 1; in a JSON list its index, from 0. */
  readonly place: number
  /** undefined: longer than is allowed. */
  readonly bytes: Buffer | undefined
}

export interface Cutter {
  /** @returns the rows that end in this chunk. @throws {FormatError} */
  push(chunk: Buffer): CutRow[]
  /** @returns what is left. @throws {FormatError} when something is missing. */
  end(): CutRow[]
}

/** The bytes of the row under way. Of one that is too long nothing is kept but that it was. */
export class RowBytes {
  readonly #bytesMax: number
  #parts: Buffer[] = []
  #length = 0

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax
  }

  get isEmpty(): boolean {
    return this.#length === 0
  }

  add(part: Buffer): void {
    if (part.length === 0) return
    this.#length += part.length
    if (this.#length > this.#bytesMax) this.#parts = []
    else this.#parts.push(part)
  }

  /** Ends the row. @returns undefined when it is too long. */
  take(): Buffer | undefined {
    const isTooLong = this.#length > this.#bytesMax
    const [only, ...more] = this.#parts
    const bytes = more.length === 0 ? (only ?? Buffer.alloc(0)) : Buffer.concat(this.#parts)
    this.#parts = []
    this.#length = 0
    return isTooLong ? undefined : bytes
  }
}

/** A line may end in CR LF. */
export function withoutReturn(line: Buffer): Buffer {
  return line.at(-1) === 0x0d ? line.subarray(0, -1) : line
}

const blank = new Set([0x20, 0x09])

/** One row a line; blank lines are none. */
export class LineCutter implements Cutter {
  readonly #row: RowBytes
  #line = 1

  constructor(rowBytesMax: number) {
    this.#row = new RowBytes(rowBytesMax)
  }

  push(chunk: Buffer): CutRow[] {
    const rows: CutRow[] = []
    let from = 0
    for (let at = chunk.indexOf(0x0a); at >= 0; at = chunk.indexOf(0x0a, from)) {
      this.#row.add(chunk.subarray(from, at))
      this.#endLine(rows)
      from = at + 1
    }
    this.#row.add(chunk.subarray(from))
    return rows
  }

  end(): CutRow[] {
    const rows: CutRow[] = []
    if (!this.#row.isEmpty) this.#endLine(rows)
    return rows
  }

  #endLine(rows: CutRow[]): void {
    const row = this.#row.take()
    const bytes = row === undefined ? undefined : withoutReturn(row)
    if (bytes === undefined || bytes.some((byte) => !blank.has(byte))) rows.push({ place: this.#line, bytes })
    this.#line++
  }
}
