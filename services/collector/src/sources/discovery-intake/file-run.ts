/** One file, from where it was left to its end: rows are kept batch by batch together with the place behind them. */
import type { FileHandle } from 'node:fs/promises'
import { pipeline } from 'node:stream'
import { createGunzip } from 'node:zlib'
import { RelayError } from '@siem-relay/common'
import { beginningOf, type FilePlace, identityOf, placeChange } from './file-place.ts'
import { type Ledger, stepBytesMax, stepRowsMax, type Taken } from './ledger.ts'
import { RejectedList } from './rejected-list.ts'
import { FormatError } from './rows/format-error.ts'
import { type BadRow, type GoodRow, type ReadRow, RowReader } from './rows/reader.ts'
import { type DroppedFile, directoryError, errnoOf, type Shelves } from './shelf.ts'

export interface FileRunParts {
  readonly shelves: Shelves
  readonly ledger: Ledger
  readonly rowBytesMax: number
  readonly counted: (rows: Taken & { readonly rejected: readonly Pick<BadRow, 'reason'>[] }) => void
}

export type FileEnd =
  | { readonly end: 'whole'; readonly place: FilePlace }
  /** What is behind the place cannot be read, and never will. */
  | { readonly end: 'unreadable'; readonly place: FilePlace; readonly problem: string }
  /** It is gone, or it is still being written. */
  | { readonly end: 'not-ready'; readonly place: FilePlace }

/**
 * @param last how far the last file was read: perhaps this one.
 * @throws {RelayError} `RELAY_INTAKE_DIRECTORY`, or what the ledger throws.
 */
export async function runFile(
  file: DroppedFile,
  last: FilePlace | undefined,
  parts: FileRunParts,
  signal: AbortSignal,
): Promise<FileEnd> {
  const isSame = last?.name === file.name && last.identity === file.identity
  const place = isSame ? last : beginningOf(file.name, file.identity)
  let handle: FileHandle
  try {
    handle = await parts.shelves.open(file.name)
  } catch (error) {
    const errno = errnoOf(error)
    if (errno === 'ENOENT' || errno === 'ELOOP') return { end: 'not-ready', place }
    if (errno === 'EACCES' || errno === 'EPERM')
      return { end: 'unreadable', place, problem: `this user may not read it (${errno})` }
    throw directoryError(file.name, 'read', error)
  }
  try {
    const stats = await handle.stat()
    if (!stats.isFile() || identityOf(stats) !== file.identity) return { end: 'not-ready', place }
    const reading = new Reading(file, place, parts)
    const problem = await reading.run(handle, signal)
    // Something was added while it was read: it comes again, whole.
    if (identityOf(await handle.stat()) !== file.identity) return { end: 'not-ready', place: reading.place }
    if (problem === undefined) return { end: 'whole', place: reading.place }
    return { end: 'unreadable', place: reading.place, problem }
  } finally {
    await handle.close()
  }
}

class Reading {
  readonly #file: DroppedFile
  readonly #parts: FileRunParts
  readonly #reader: RowReader
  /** Behind the last batch that was kept. */
  place: FilePlace
  readonly #done: number
  #rows = 0
  #good: GoodRow[] = []
  #bad: BadRow[] = []
  #bytes = 0

  constructor(file: DroppedFile, place: FilePlace, parts: FileRunParts) {
    this.#file = file
    this.#parts = parts
    this.#reader = new RowReader(file.format, parts.rowBytesMax)
    this.place = place
    this.#done = place.rows
  }

  /** @returns why it cannot be read to its end; everything before is kept. */
  async run(handle: FileHandle, signal: AbortSignal): Promise<string | undefined> {
    await using rejected = new RejectedList(this.#parts.shelves, this.#reader.placeName)
    let problem: string | undefined
    try {
      for await (const chunk of this.#chunks(handle)) {
        signal.throwIfAborted()
        await this.#add(this.#reader.push(chunk), rejected)
      }
      await this.#add(this.#reader.end(), rejected)
    } catch (error) {
      problem = problemOf(error, this.#file.name)
    }
    await this.#keep(rejected)
    return problem
  }

  #chunks(handle: FileHandle): AsyncIterable<Buffer> {
    const stream = handle.createReadStream({ autoClose: false, start: 0 })
    // Ends with the error of either.
    return this.#file.isGzip ? pipeline(stream, createGunzip(), () => undefined) : stream
  }

  async #add(rows: readonly ReadRow[], rejected: RejectedList): Promise<void> {
    for (const row of rows) {
      this.#rows++
      if (this.#rows <= this.#done) continue
      if ('id' in row) this.#good.push(row)
      else this.#bad.push(row)
      this.#bytes += ('id' in row ? row.value : row.bytes)?.length ?? 0
      if (this.#good.length + this.#bad.length >= stepRowsMax || this.#bytes >= stepBytesMax) await this.#keep(rejected)
    }
  }

  async #keep(rejected: RejectedList): Promise<void> {
    const [good, bad] = [this.#good, this.#bad]
    if (good.length + bad.length === 0) return
    this.#good = []
    this.#bad = []
    this.#bytes = 0
    const before = this.place
    const list = bad.length === 0 ? before.list : await rejected.add(bad, before.rejected, await this.#listed(rejected))
    const placeAfter = ({ accepted, repeated }: Taken): FilePlace => ({
      ...before,
      ...(list === undefined ? {} : { list }),
      rows: this.#rows,
      accepted: before.accepted + accepted,
      repeated: before.repeated + repeated,
      rejected: before.rejected + bad.length,
    })
    const taken = await this.#parts.ledger.take(good, (each) => placeChange(placeAfter(each)))
    this.#parts.counted({ ...taken, rejected: bad })
    this.place = placeAfter(taken)
  }

  /** The list's name is kept before the list is made, so that a restart finds it. */
  async #listed(rejected: RejectedList): Promise<NonNullable<FilePlace['list']>> {
    if (this.place.list !== undefined) return this.place.list
    const list = await rejected.begin(this.#file.name)
    await this.#parts.ledger.take([], () => placeChange({ ...this.place, list }))
    return list
  }
}

/** @throws what is not the file's fault. */
function problemOf(error: unknown, name: string): string {
  if (error instanceof FormatError) return error.message
  const errno = errnoOf(error)
  if (errno?.startsWith('Z_') === true) return `it is not whole gzip data: ${(error as Error).message}`
  if (error instanceof RelayError || errno === undefined || !/^E[A-Z0-9]+$/.test(errno)) throw error
  throw directoryError(name, 'read', error)
}
