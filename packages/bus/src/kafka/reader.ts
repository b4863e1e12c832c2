/** Reads one partition from an offset on, batch by batch, for whoever holds it. Unpacks one record batch at a time and keeps at
 *  most one answer of the broker: that is the bound of what waits in memory for a partition. */
import type { BusRecord } from '../port.ts'
import type { Fetcher } from './fetcher.ts'
import type { FetchedBatch, StoredRecord } from './wire/record-batch.ts'

/** Bytes on the wire of one answer; a single larger batch still comes whole. */
const fetchBytesMax = 262_144

export interface ReaderOptions {
  readonly fetcher: Fetcher
  /** The topic's full name, and the name records carry. */
  readonly topic: string
  readonly name: string
  readonly partition: number
  readonly from: number
  /** Nothing at or beyond is read. */
  readonly until?: number | undefined
}

export interface Read {
  /** Possibly none: there are offsets without records. */
  readonly records: readonly BusRecord[]
  /** The offset to go on with. */
  readonly next: number
}

export class PartitionReader {
  readonly #options: ReaderOptions
  readonly #until: number
  #batches: FetchedBatch[] = []
  /** The batch being given out, unpacked. */
  #current: { readonly records: readonly StoredRecord[]; readonly next: number } | undefined
  #used = 0
  /** Behind everything given out. */
  #next: number
  /** Behind everything fetched. */
  #fetched: number
  #fetching: Promise<void> | undefined

  constructor(options: ReaderOptions) {
    this.#options = options
    this.#until = options.until ?? Number.POSITIVE_INFINITY
    this.#next = options.from
    this.#fetched = options.from
  }

  get next(): number {
    return this.#next
  }

  /** Everything before `until` was given out. */
  get isExhausted(): boolean {
    return this.#next >= this.#until
  }

  /** The next records, in order; waits for the first. @throws the signal's reason; KafkaError, ConnectionError */
  async read(recordsMax: number, bytesMax: number, signal: AbortSignal): Promise<Read> {
    await this.#fill(signal)
    const records: BusRecord[] = []
    let bytes = 0
    for (let record = this.#peek(); record !== undefined && records.length < recordsMax; record = this.#peek()) {
      bytes += record.value?.length ?? 0
      if (bytes > bytesMax && records.length > 0) break
      this.#take(record)
      // A deletion means nothing to whoever reads records.
      if (record.value !== null) records.push({ ...record, topic: this.#options.name, value: record.value })
    }
    return { records, next: this.#next }
  }

  /** As `read`, everything at hand and with deletions: for tables and state. */
  async readStored(signal: AbortSignal): Promise<readonly StoredRecord[]> {
    await this.#fill(signal)
    const records: StoredRecord[] = []
    for (let record = this.#peek(); record !== undefined; record = this.#peek()) {
      this.#take(record)
      records.push(record)
    }
    return records
  }

  /** Asks for more in advance, when nothing more is at hand than is being worked on. Errors show at the next read. */
  prefetch(signal: AbortSignal): void {
    if (this.#current !== undefined || this.#batches.length > 0 || this.isExhausted) return
    this.#fetch(signal).catch(() => undefined)
  }

  async #fill(signal: AbortSignal): Promise<void> {
    while (this.#current === undefined && this.#batches.length === 0) await this.#fetch(signal)
    signal.throwIfAborted()
  }

  #take(record: StoredRecord): void {
    this.#used++
    this.#next = record.offset + 1
    this.#peek()
  }

  /** The next record at hand; offsets without records are passed on the way. */
  #peek(): StoredRecord | undefined {
    for (;;) {
      if (this.#current !== undefined) {
        const { records, next } = this.#current
        const record = records[this.#used]
        if (record !== undefined && record.offset < this.#until) return record
        this.#next = Math.min(record === undefined ? next : this.#until, this.#until)
        this.#current = undefined
      }
      const batch = this.#batches[0]
      if (batch === undefined || this.isExhausted) return undefined
      this.#batches.shift()
      this.#current = { records: batch.records(), next: batch.next }
      this.#used = 0
    }
  }

  #fetch(signal: AbortSignal): Promise<void> {
    this.#fetching ??= this.#fetchOnce(signal).finally(() => {
      this.#fetching = undefined
    })
    return this.#fetching
  }

  async #fetchOnce(signal: AbortSignal): Promise<void> {
    const { fetcher, topic, partition } = this.#options
    const found = await fetcher.fetch({ topic, partition, offset: this.#fetched, bytesMax: fetchBytesMax }, signal)
    this.#batches.push(...found.batches)
    this.#fetched = found.batches.at(-1)?.next ?? this.#fetched
  }
}
