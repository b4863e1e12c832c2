/** Somebody else's Kafka log, in memory: a test appends to it and says when it breaks. */
import type { ForeignBatch, ForeignBounds, ForeignLog, ForeignReader } from '@siem-relay/bus'

export interface FakePartition {
  readonly topic: string
  readonly partition: number
  readonly start: number
  readonly end: number
}

export class FakeForeignLog implements ForeignLog {
  /** What `bounds` answers; `at` is told by the test. */
  partitions: readonly (FakePartition & { readonly at?: number })[] = [{ topic: 'xdr', partition: 0, start: 0, end: 0 }]
  /** What the group gives to the reader; default: all of it. */
  assignment: readonly { readonly topic: string; readonly partition: number }[] | undefined
  /** `bounds` fails with it. */
  boundsError: unknown
  readonly askedAtMs: (number | undefined)[] = []
  reads = 0
  #reader: ForeignReader | undefined
  #fail: ((error: unknown) => void) | undefined

  async bounds(atMs: number | undefined): Promise<readonly ForeignBounds[]> {
    this.askedAtMs.push(atMs)
    if (this.boundsError !== undefined) throw this.boundsError
    return this.partitions.map((partition) => ({ at: partition.start, ...partition }))
  }

  read(reader: ForeignReader, signal: AbortSignal): Promise<never> {
    this.reads++
    this.#reader = reader
    const { promise, reject } = Promise.withResolvers<never>()
    this.#fail = reject
    signal.addEventListener('abort', () => reject(signal.reason), { once: true })
    reader.assigned(this.assignment ?? this.partitions)
    return promise.finally(() => {
      this.#reader = undefined
    })
  }

  get isRead(): boolean {
    return this.#reader !== undefined
  }

  position(topic = 'xdr', partition = 0): number | undefined {
    return this.#reader?.position(topic, partition)
  }

  /** Messages from an offset on, as one batch; resolves when the reader took it. */
  deliver(firstOffset: number, values: readonly (string | Buffer)[], more: Partial<ForeignBatch> = {}): Promise<void> {
    if (this.#reader === undefined) throw new Error('nobody reads')
    const { topic = 'xdr', partition = 0 } = more
    const end = firstOffset + values.length
    this.partitions = this.partitions.map((each) =>
      each.topic === topic && each.partition === partition ? { ...each, end: Math.max(each.end, end) } : each,
    )
    return this.#reader.take({
      topic,
      partition,
      records: values.map((value, i) => ({ offset: firstOffset + i, value: Buffer.from(value), appendedMs: 1_000 })),
      fetchedFrom: firstOffset,
      end,
      ...more,
    })
  }

  /** The connection breaks, or the reader is refused. */
  fail(error: unknown): void {
    this.#fail?.(error)
  }
}

/** A message as Defender XDR writes it. */
export function message(...rows: readonly (readonly [table: string, properties: object | null])[]): string {
  const records = rows.map(([table, properties]) => ({
    time: '2026-07-18T17:00:07.0526253Z',
    tenantId: '4b8c18bd',
    category: `AdvancedHunting-${table}`,
    properties,
  }))
  return JSON.stringify({ records })
}
