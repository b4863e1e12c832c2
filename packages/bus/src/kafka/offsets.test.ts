import { describe, expect, test } from 'vitest'
import type { Core } from './core.ts'
import { offsetAt, pendingOf, search } from './offsets.ts'
import { ByteWriter } from './wire/bytes.ts'
import { endTime } from './wire/cluster-requests.ts'
import type { KafkaRequest } from './wire/request.ts'

const partition = { topic: 'siem-relay.raw.contoso.alerts', partition: 0 }

interface Log {
  /** Offset behind the last record, committed or not. */
  readonly end: number
  /** Kafka's offset for the time that is asked for; -1 without any. */
  readonly found: number
}

/** What a reader gets from `first` on; hidden: markers of transactions, and what was abandoned. */
interface Batch {
  readonly first: number
  readonly next: number
  readonly isHidden?: boolean
}

/** A broker whose log is as `logs[0]` at the first question, as `logs[1]` at the next, … */
function brokerWith(logs: readonly Log[], batches: readonly Batch[]): Core {
  let questions = 0
  const listOffset = (request: KafkaRequest<unknown>): number => {
    const writer = new ByteWriter()
    request.write(writer)
    // The time is the request's last field.
    const timeMs = Number(writer.written.readBigInt64BE(writer.length - 8))
    const log = logs[Math.min(questions++, logs.length - 1)] as Log
    return timeMs === endTime ? log.end : log.found
  }
  return {
    cluster: {
      ask: (work: () => Promise<unknown>) => work(),
      leader: async () => 1,
      connection: async () => ({
        send: async (request: KafkaRequest<unknown>) => [{ error: 0, offset: listOffset(request) }],
      }),
      forget: () => {},
    },
    fetcher: {
      peek: async ({ offset }: { readonly offset: number }) => ({
        batches: batches
          .filter(({ next }) => next > offset)
          .map(({ first, next, isHidden = false }) => ({
            isHidden,
            baseOffset: first,
            next,
            records: () => [{ offset: Math.max(first, offset) }],
          })),
      }),
    },
  } as unknown as Core
}

describe('offsetAt', () => {
  test('is the first record a reader gets at or after the time', async () => {
    const core = brokerWith([{ end: 10, found: 4 }], [{ first: 0, next: 10 }])
    expect(await offsetAt(core, partition, 1)).toBe(4)
  })

  test('passes markers and abandoned records', async () => {
    const core = brokerWith(
      [{ end: 10, found: 4 }],
      [
        { first: 4, next: 7, isHidden: true },
        { first: 7, next: 10 },
      ],
    )
    expect(await offsetAt(core, partition, 1)).toBe(7)
  })

  test('is the end when nothing is that young, or only markers are', async () => {
    expect(await offsetAt(brokerWith([{ end: 10, found: -1 }], []), partition, 1)).toBe(10)
    const marker = brokerWith([{ end: 10, found: 9 }], [{ first: 9, next: 10, isHidden: true }])
    expect(await offsetAt(marker, partition, 1)).toBe(10)
  })

  test('stays before records whose transaction is still open: readers get them once it is committed', async () => {
    expect(await offsetAt(brokerWith([{ end: 80, found: 0 }], []), partition, 1)).toBe(0)
  })

  test('skips nothing that is appended while it asks', async () => {
    const before = { end: 0, found: -1 }
    const after = { end: 80, found: 0 }
    for (const logs of [[before, after], [before, before, after], [after]])
      expect(await offsetAt(brokerWith(logs, [{ first: 0, next: 80 }]), partition, 1)).toBe(0)
  })
})

describe('search', () => {
  test('a record that was appended behind the end is none of its own', async () => {
    const core = brokerWith(
      [],
      [
        { first: 4, next: 6, isHidden: true },
        { first: 6, next: 9 },
      ],
    )
    expect(await search(core, partition, 4, 6)).toEqual({ reached: 6 })
  })
})

describe('pendingOf', () => {
  /** Records of a transaction each, with the marker behind it. */
  const singles = (count: number): readonly Batch[] =>
    Array.from({ length: count }, (_, n) => [
      { first: 2 * n, next: 2 * n + 1 },
      { first: 2 * n + 1, next: 2 * n + 2, isHidden: true },
    ]).flat()

  test('counts records, not the markers between them', async () => {
    expect(await pendingOf(brokerWith([], singles(6)), partition, 2, 12)).toMatchObject({ records: 5 })
  })

  test('counts what is left of a batch that was read in part, or lies beyond the end in part', async () => {
    const core = brokerWith([], [{ first: 0, next: 10 }])
    expect(await pendingOf(core, partition, 7, 10)).toMatchObject({ records: 3 })
    expect(await pendingOf(core, partition, 7, 9)).toMatchObject({ records: 2 })
  })

  test('takes what one look does not show to be as dense as what it shows', async () => {
    expect(await pendingOf(brokerWith([], singles(50)), partition, 0, 1_000)).toMatchObject({ records: 500 })
  })

  test('is nothing where only markers are left, and what is still open counts whole', async () => {
    const marker = brokerWith([], [{ first: 9, next: 10, isHidden: true }])
    expect(await pendingOf(marker, partition, 9, 10)).toEqual({ records: 0, oldestMs: undefined })
    expect(await pendingOf(brokerWith([], []), partition, 10, 14)).toEqual({ records: 4, oldestMs: undefined })
  })

  test('is nothing for a group ahead of the log', async () => {
    expect(await pendingOf(brokerWith([], []), partition, 10, 4)).toMatchObject({ records: 0 })
  })
})
