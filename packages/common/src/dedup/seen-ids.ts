/** Exact ids of the records that went by lately, so that none goes by twice. They come and leave in chunks, one per commit of
 *  their owner, and live in the owner's state topic, so that a restart knows what its predecessor knew.
 *  Pure: the owner commits the changes together with the records, then calls `commit` or `rollback`. */
import { RelayError } from '../errors.ts'

/** A change of the owner's state; `null` forgets the key. */
export interface SeenChange {
  readonly key: string
  readonly value: Buffer | null
}

export interface SeenIdsOptions {
  /** State keys are this prefix and a number that sorts by age. An owner with several of these gives each its own. */
  readonly prefix: string
  /** How many ids are kept; the oldest chunks leave first, and `coveredSinceMs` moves. */
  readonly idsMax: number
}

interface Chunk {
  readonly key: string
  readonly ids: readonly string[]
  readonly maxTimeMs: number
}

/** What a chunk looks like in the state topic: JSON, since it is written once and read at a restart. */
interface StoredChunk {
  readonly ids: readonly string[]
  readonly maxTimeMs: number
  /** `coveredSinceMs` once this chunk was there; null for everything. */
  readonly coveredSinceMs: number | null
}

/** One state value stays below this, whatever the size of a batch: logs bound their records at 1 MB. */
const chunkCharactersMax = 400_000
const sequenceDigits = 12

export class SeenIds {
  readonly #prefix: string
  readonly #idsMax: number
  readonly #ids = new Set<string>()
  /** How often more than once the chunks hold an id: it leaves with the last of them. Nearly always empty. */
  readonly #repeats = new Map<string, number>()
  /** Oldest first. */
  #chunks: Chunk[] = []
  #count = 0
  #nextSequence = 0
  #coveredSinceMs: number | undefined
  #staged: Staged | undefined

  constructor(options: SeenIdsOptions) {
    if (options.idsMax < 1) throw new RangeError('idsMax must be at least 1')
    this.#prefix = options.prefix
    this.#idsMax = options.idsMax
  }

  /** Ids kept, those of uncommitted chunks included. */
  get size(): number {
    return this.#ids.size
  }

  /** Every id whose time is at or after this is known; `undefined`: none was ever forgotten. Committed chunks only. */
  get coveredSinceMs(): number | undefined {
    return this.#coveredSinceMs
  }

  /** Whether the id went by, uncommitted chunks included. */
  has(id: string): boolean {
    return this.#ids.has(id)
  }

  /**
   * Takes over what an earlier owner committed. Keys without the prefix are left alone.
   * @throws {RelayError} `RELAY_LOG_CORRUPT` with disposition stop when a value is not what `addChunk` made.
   */
  restore(state: ReadonlyMap<string, Buffer>): void {
    this.rollback()
    this.#ids.clear()
    this.#repeats.clear()
    this.#chunks = []
    this.#count = 0
    this.#nextSequence = 0
    this.#coveredSinceMs = undefined
    const keys = [...state.keys()].filter((key) => key.startsWith(this.#prefix)).sort()
    for (const key of keys) {
      const stored = decodeChunk(key, state.get(key) as Buffer)
      const chunk = { key, ids: stored.ids, maxTimeMs: stored.maxTimeMs }
      this.#chunks.push(chunk)
      this.#count += chunk.ids.length
      this.#remember(chunk)
      this.#coveredSinceMs = later(this.#coveredSinceMs, stored.coveredSinceMs ?? undefined)
      this.#nextSequence = Number(key.slice(this.#prefix.length)) + 1
    }
    // A smaller bound than the earlier owner's makes itself felt with the next chunk.
  }

  /**
   * Stages ids: `has` knows them from now on; `commit` keeps them, `rollback` forgets them again.
   * @param maxTimeMs the latest time of the records behind the ids, in the time that sweeps and expiry go by.
   * @param expireBeforeMs chunks that are wholly older than this leave.
   * @returns what to commit to the state: the new chunk (several, when the ids are long), then the chunks that leave by age
   *   or by bound. Empty for no ids: then nothing is staged, and old chunks wait for the next ones.
   */
  addChunk(ids: readonly string[], maxTimeMs: number, expireBeforeMs = Number.NEGATIVE_INFINITY): SeenChange[] {
    if (this.#staged !== undefined) throw new Error('the last chunk was neither committed nor rolled back')
    if (ids.length === 0) return []
    const staged: Staged = { added: [], gone: [], coveredSinceMs: this.#coveredSinceMs }
    this.#staged = staged
    for (const part of split(ids)) {
      const key = this.#prefix + String(this.#nextSequence + staged.added.length).padStart(sequenceDigits, '0')
      const chunk = { key, ids: part, maxTimeMs }
      staged.added.push(chunk)
      this.#remember(chunk)
    }
    let count = this.#count + ids.length
    for (const chunk of this.#chunks) {
      // Chunks are in order of arrival, not of time, so age is judged one by one; the bound takes the oldest arrivals.
      if (chunk.maxTimeMs >= expireBeforeMs && count <= this.#idsMax) continue
      staged.gone.push(chunk)
      count -= chunk.ids.length
      staged.coveredSinceMs = later(staged.coveredSinceMs, chunk.maxTimeMs + 1)
    }
    return [
      ...staged.added.map((chunk) => ({ key: chunk.key, value: encodeChunk(chunk, staged.coveredSinceMs) })),
      ...staged.gone.map((chunk) => ({ key: chunk.key, value: null })),
    ]
  }

  /** What was staged is durable. Without anything staged: nothing. */
  commit(): void {
    const staged = this.#staged
    if (staged === undefined) return
    this.#staged = undefined
    const gone = new Set(staged.gone)
    if (gone.size > 0) this.#chunks = this.#chunks.filter((chunk) => !gone.has(chunk))
    for (const chunk of gone) {
      this.#count -= chunk.ids.length
      this.#forget(chunk)
    }
    for (const chunk of staged.added) {
      this.#chunks.push(chunk)
      this.#count += chunk.ids.length
    }
    this.#nextSequence += staged.added.length
    this.#coveredSinceMs = staged.coveredSinceMs
  }

  /** What was staged did not become durable. Without anything staged: nothing. */
  rollback(): void {
    const staged = this.#staged
    if (staged === undefined) return
    this.#staged = undefined
    for (const chunk of staged.added) this.#forget(chunk)
  }

  #remember(chunk: Chunk): void {
    for (const id of chunk.ids) {
      const size = this.#ids.size
      this.#ids.add(id)
      if (this.#ids.size === size) this.#repeats.set(id, (this.#repeats.get(id) ?? 0) + 1)
    }
  }

  #forget(chunk: Chunk): void {
    for (const id of chunk.ids) {
      const repeats = this.#repeats.size === 0 ? undefined : this.#repeats.get(id)
      if (repeats === undefined) this.#ids.delete(id)
      else if (repeats === 1) this.#repeats.delete(id)
      else this.#repeats.set(id, repeats - 1)
    }
  }
}

interface Staged {
  readonly added: Chunk[]
  readonly gone: Chunk[]
  coveredSinceMs: number | undefined
}

function later(a: number | undefined, b: number | undefined): number | undefined {
  if (a === undefined || b === undefined) return a ?? b
  return Math.max(a, b)
}

/** Parts of at most `chunkCharactersMax` characters, at least one id each. */
function split(ids: readonly string[]): (readonly string[])[] {
  const parts: (readonly string[])[] = []
  let start = 0
  let characters = 0
  ids.forEach((id, i) => {
    if (i > start && characters + id.length > chunkCharactersMax) {
      parts.push(ids.slice(start, i))
      start = i
      characters = 0
    }
    characters += id.length
  })
  parts.push(start === 0 ? ids : ids.slice(start))
  return parts
}

function encodeChunk(chunk: Chunk, coveredSinceMs: number | undefined): Buffer {
  const stored: StoredChunk = {
    ids: chunk.ids,
    maxTimeMs: chunk.maxTimeMs,
    coveredSinceMs: coveredSinceMs ?? null,
  }
  return Buffer.from(JSON.stringify(stored))
}

function decodeChunk(key: string, value: Buffer): StoredChunk {
  let cause: unknown
  try {
    const stored = JSON.parse(value.toString()) as StoredChunk
    if (
      /\d{12}$/.test(key) &&
      Array.isArray(stored.ids) &&
      stored.ids.every((id) => typeof id === 'string') &&
      typeof stored.maxTimeMs === 'number' &&
      (stored.coveredSinceMs === null || typeof stored.coveredSinceMs === 'number')
    )
      return stored
  } catch (error) {
    cause = error
  }
  throw new RelayError(
    'RELAY_LOG_CORRUPT',
    `the seen ids under ${key} are not readable; stopped, since going on would repeat records`,
    { disposition: 'stop', cause },
  )
}
