/** Looks at the directory again and again, has the files read that are complete, and moves them out of the way. */
import { RelayError } from '@siem-relay/common'
import type { World } from '@siem-relay/service-kit'
import { durationMs } from '../../duration.ts'
import { slowRetryMs } from '../hold.ts'
import type { StreamReport } from '../report.ts'
import type { DirectoryIntakeConfig } from './config.ts'
import { type FilePlace, placeChange } from './file-place.ts'
import { type FileRunParts, runFile } from './file-run.ts'
import type { Ledger } from './ledger.ts'
import { type DroppedFile, type Shelf, Shelves } from './shelf.ts'

export interface DirectoryParts {
  readonly sourceId: string
  readonly config: DirectoryIntakeConfig
  readonly world: World
  readonly ledger: Ledger
  readonly report: StreamReport
  readonly counted: FileRunParts['counted']
  readonly moved: (shelf: Shelf) => void
}

export class Directory {
  readonly #parts: DirectoryParts
  readonly #shelves: Shelves
  readonly #pollMs: number
  /** What a look before this one saw: a file that is the same now is complete. */
  #before: ReadonlyMap<string, string> = new Map()
  #last: FilePlace | undefined

  constructor(parts: DirectoryParts) {
    this.#parts = parts
    this.#shelves = new Shelves(parts.config.path, parts.config.pattern)
    this.#pollMs = Math.max(100, durationMs(parts.config.pollInterval))
  }

  /** Reads until the signal is aborted. @param last how far the last file was read. @throws when the log is lost to this owner. */
  async run(last: FilePlace | undefined, signal: AbortSignal): Promise<never> {
    const { world, report, ledger } = this.#parts
    this.#last = last
    for (let failures = 0; ; ) {
      let waitMs = this.#pollMs
      try {
        await this.#look(signal)
        failures = 0
      } catch (error) {
        signal.throwIfAborted()
        if (ledger.isLost) throw error
        report.trouble('error', error)
        waitMs = Math.max(waitMs, slowRetryMs(++failures))
      }
      await world.clock.sleep(waitMs, signal)
    }
  }

  async #look(signal: AbortSignal): Promise<void> {
    const files = await this.#shelves.files()
    const complete = files.filter(({ name, identity }) => this.#before.get(name) === identity)
    this.#before = new Map(files.map(({ name, identity }) => [name, identity]))
    let left = files.length
    this.#parts.report.success(left)
    for (const file of complete) {
      await this.#read(file, signal)
      this.#parts.report.success(--left)
    }
  }

  async #read(file: DroppedFile, signal: AbortSignal): Promise<void> {
    const { ledger, config, counted } = this.#parts
    const runParts = { shelves: this.#shelves, ledger, rowBytesMax: config.maxRowBytes, counted }
    const result = await runFile(file, this.#last, runParts, signal)
    this.#last = result.place
    if (result.end === 'not-ready') {
      this.#before = new Map([...this.#before].filter(([name]) => name !== file.name))
      return
    }
    const shelf = result.end === 'whole' ? 'done' : 'failed'
    const movedTo = await this.#shelves.move(file.name, shelf)
    this.#parts.moved(shelf)
    this.#tell(result.place, `${shelf}/${movedTo}`, result.end === 'whole' ? undefined : result.problem)
    // Put back by a person, it is read from its beginning.
    await ledger.take([], () => placeChange(undefined))
    this.#last = undefined
  }

  #tell({ name, accepted, repeated, rejected, list }: FilePlace, movedTo: string, problem: string | undefined): void {
    const { sourceId, world } = this.#parts
    const details = { source: sourceId, file: name, movedTo, accepted, repeated, rejected, rejectedIn: list?.name }
    if (problem === undefined) world.log.info(details, 'file was taken in')
    else {
      const { code, nextMove } = new RelayError('RELAY_INTAKE_FILE', problem)
      world.log.warn({ ...details, code, error: problem, nextMove }, 'file could not be taken in')
    }
  }
}
