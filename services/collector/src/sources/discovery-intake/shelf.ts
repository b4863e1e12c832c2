/** The directory that files are dropped into, and the two below it that they are moved to. Overwrites nothing, follows no link. */
import { constants } from 'node:fs'
import { lstat, open, opendir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { makeDirectory } from '@siem-relay/bus'
import { RelayError } from '@siem-relay/common'
import { identityOf } from './file-place.ts'
import type { RowFormat } from './rows/reader.ts'

export type Shelf = 'done' | 'failed'

export interface DroppedFile {
  readonly name: string
  readonly format: RowFormat
  readonly isGzip: boolean
  readonly identity: string
}

/** Looked at in one round; the rest waits for its turn. */
const filesMax = 1_000

export class Shelves {
  readonly #path: string
  readonly #matches: (name: string) => boolean

  constructor(path: string, pattern: string) {
    const [head = '', tail] = pattern.split('*')
    this.#path = path
    this.#matches =
      tail === undefined
        ? (name) => name === head
        : (name) => name.length >= head.length + tail.length && name.startsWith(head) && name.endsWith(tail)
  }

  /** The first files by name that may be read. @throws {RelayError} `RELAY_INTAKE_DIRECTORY` */
  async files(): Promise<readonly DroppedFile[]> {
    return this.#doing('read', async () => {
      for (const shelf of ['done', 'failed']) makeDirectory(join(this.#path, shelf), 0o750)
      let names: string[] = []
      for await (const entry of await opendir(this.#path)) {
        if (entry.isFile() && kindOf(entry.name) !== undefined && this.#matches(entry.name)) names.push(entry.name)
        if (names.length >= 2 * filesMax) names = names.toSorted().slice(0, filesMax)
      }
      const found: DroppedFile[] = []
      for (const name of names.toSorted().slice(0, filesMax)) {
        const stats = await lstat(join(this.#path, name)).catch(() => undefined)
        const kind = kindOf(name)
        if (stats?.isFile() === true && kind !== undefined) found.push({ name, ...kind, identity: identityOf(stats) })
      }
      return found
    })
  }

  /** Opens a file of the directory for reading. A link or a pipe that took its place is not followed or waited for. */
  open(name: string) {
    return open(join(this.#path, name), constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
  }

  /** A name like this that is free on the shelf. @throws {RelayError} `RELAY_INTAKE_DIRECTORY` */
  freeName(shelf: Shelf, wanted: string): Promise<string> {
    return this.#doing('written', async () => {
      for (let n = 0; ; n++) {
        const name = numbered(wanted, n)
        const isFree = await lstat(join(this.#path, shelf, name)).then(
          () => false,
          (error: unknown) => {
            if (errnoOf(error) === 'ENOENT') return true
            throw error
          },
        )
        if (isFree) return name
      }
    })
  }

  /** Opens a file of ours for writing, making it where it is not there. @throws {RelayError} `RELAY_INTAKE_DIRECTORY` */
  write(shelf: Shelf, name: string) {
    const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_NOFOLLOW | constants.O_NONBLOCK
    return this.#doing('written', () => open(join(this.#path, shelf, name), flags, 0o640))
  }

  /** @returns the name it has there. @throws {RelayError} `RELAY_INTAKE_DIRECTORY` */
  move(name: string, shelf: Shelf): Promise<string> {
    return this.#doing('written', async () => {
      for (let n = 0; ; n++) {
        const target = join(this.#path, shelf, numbered(name, n))
        try {
          // An empty file holds the name, so that what appears meanwhile is not overwritten.
          await (await open(target, 'wx', 0o640)).close()
        } catch (error) {
          if (errnoOf(error) !== 'EEXIST') throw error
          continue
        }
        try {
          await rename(join(this.#path, name), target)
        } catch (error) {
          await rm(target).catch(() => undefined)
          throw error
        }
        return numbered(name, n)
      }
    })
  }

  /** @throws {RelayError} `RELAY_INTAKE_DIRECTORY` */
  async #doing<T>(what: 'read' | 'written', work: () => Promise<T>): Promise<T> {
    try {
      return await work()
    } catch (cause) {
      throw directoryError(this.#path, what, cause)
    }
  }
}

export function directoryError(path: string, what: 'read' | 'written', cause: unknown): RelayError {
  return new RelayError('RELAY_INTAKE_DIRECTORY', `${path} cannot be ${what} (${errnoOf(cause) ?? 'unknown'})`, {
    cause,
  })
}

export function errnoOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error ? String(error.code) : undefined
}

const endings = /\.(ndjson|jsonl|json|csv)(\.gz)?$/i

function kindOf(name: string): Pick<DroppedFile, 'format' | 'isGzip'> | undefined {
  const [, ending = '', gzip] = endings.exec(name) ?? []
  if (ending === '' || name.startsWith('.')) return undefined
  const word = ending.toLowerCase()
  return { format: word === 'jsonl' ? 'ndjson' : (word as RowFormat), isGzip: gzip !== undefined }
}

/** The second `a.csv.gz` is `a.1.csv.gz`. */
function numbered(name: string, n: number): string {
  return n === 0 ? name : name.replace(endings, (ending) => `.${n}${ending}`)
}
