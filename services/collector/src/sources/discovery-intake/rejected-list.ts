/** The rows of one file that were not taken, one a line with their problems, for whoever mends them. Its length is part of the
 *  file's place, so that a restart does not list them twice. */
import type { FileHandle } from 'node:fs/promises'
import type { FilePlace } from './file-place.ts'
import type { BadRow } from './rows/reader.ts'
import { directoryError, type Shelves } from './shelf.ts'

/** More of one file are counted and not listed. */
const listedMax = 10_000

type List = NonNullable<FilePlace['list']>

export class RejectedList implements AsyncDisposable {
  readonly #shelves: Shelves
  readonly #placeName: 'line' | 'index'
  #file: FileHandle | undefined

  constructor(shelves: Shelves, placeName: 'line' | 'index') {
    this.#shelves = shelves
    this.#placeName = placeName
  }

  /** @returns an empty list for a file, to be kept as part of its place before it is written to. @throws {RelayError} `RELAY_INTAKE_DIRECTORY` */
  async begin(fileName: string): Promise<List> {
    return { name: await this.#shelves.freeName('failed', `${fileName}.rejected.ndjson`), bytes: 0 }
  }

  /**
   * Adds rows behind what the list is known to hold; what lies there already was written before a crash, and goes.
   * @param before rows of the file that were rejected before. @returns the list as it is now. @throws {RelayError} `RELAY_INTAKE_DIRECTORY`
   */
  async add(rows: readonly BadRow[], before: number, list: List): Promise<List> {
    const listed = rows.slice(0, Math.max(0, listedMax - before))
    if (listed.length === 0) return list
    this.#file ??= await this.#shelves.write('failed', list.name)
    const text = Buffer.from(listed.map((row) => `${JSON.stringify(this.#lineOf(row))}\n`).join(''))
    try {
      const bytes = Math.min(list.bytes, (await this.#file.stat()).size)
      await this.#file.truncate(bytes)
      for (let written = 0; written < text.length; )
        written += (await this.#file.write(text, written, text.length - written, bytes + written)).bytesWritten
      await this.#file.datasync()
      return { name: list.name, bytes: bytes + text.length }
    } catch (error) {
      throw directoryError(list.name, 'written', error)
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#file?.close()
  }

  #lineOf({ place, reason, problems, bytes }: BadRow): object {
    return { [this.#placeName]: place, reason, problems, row: bytes?.toString() ?? null }
  }
}
