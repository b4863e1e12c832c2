import type { ForeignBatch } from '@siem-relay/bus'
import { describe, expect, test } from 'vitest'
import { Positions } from './positions.ts'

const bounds = (start: number, end: number, at = start, partition = 0) => ({ topic: 'xdr', partition, start, end, at })
const stored = (...offsets: readonly number[]) =>
  new Map(offsets.map((offset, partition) => [`offset/xdr/${partition}`, Buffer.from(JSON.stringify({ offset }))]))
const batch = (fetchedFrom: number): ForeignBatch => ({
  topic: 'xdr',
  partition: 0,
  records: [],
  fetchedFrom,
  end: 100,
})

function opened(state: ReadonlyMap<string, Buffer>, ...given: readonly ReturnType<typeof bounds>[]) {
  const positions = new Positions()
  positions.restore(state)
  return { positions, ...positions.open(given) }
}

describe('where reading begins', () => {
  test('a first run begins where it is told, and keeps that before anything is read', () => {
    const { positions, changes, gaps } = opened(new Map(), bounds(10, 50, 30))
    expect(positions.offsetOf('xdr', 0)).toBe(30)
    expect(changes).toEqual([{ key: 'offset/xdr/0', value: Buffer.from('{"offset":30}') }])
    expect(gaps).toEqual([])
  })

  test('a later run goes on from where the last one stopped', () => {
    const { positions, changes } = opened(stored(40), bounds(10, 50, 30))
    expect(positions.offsetOf('xdr', 0)).toBe(40)
    expect(changes).toEqual([])
    expect(positions.backlog).toBe(10)
  })

  test('what was removed meanwhile is a gap, and reading goes on with the oldest that is left', () => {
    const { positions, gaps, changes } = opened(stored(5), bounds(10, 50))
    expect(gaps).toEqual([{ topic: 'xdr', partition: 0, from: 5, until: 10, afterMs: undefined }])
    expect(positions.offsetOf('xdr', 0)).toBe(10)
    expect(changes).toHaveLength(1)
  })

  test('when the last message was appended is known after a restart, to say since when messages are missing', () => {
    const { positions } = opened(stored(5), bounds(0, 50))
    const { key, value } = positions.advance(batch(5), 9, 7_000)
    expect(opened(new Map([[key, value as Buffer]]), bounds(10, 50)).gaps).toMatchObject([{ from: 9, afterMs: 7_000 }])
    const { positions: later, changes } = opened(new Map([[key, value as Buffer]]), bounds(10, 50))
    expect(later.gapBefore(batch(15))).toMatchObject({ from: 10, until: 15, afterMs: 7_000 })
    expect(changes).toEqual([{ key, value: Buffer.from('{"offset":10,"appendedMs":7000}') }])
  })

  test('a partition that was added later is read whole', () => {
    const { positions } = opened(stored(40), bounds(10, 50, 30), bounds(0, 9, 7, 1))
    expect(positions.offsetOf('xdr', 1)).toBe(0)
    expect(positions.partitions).toBe(2)
  })

  test('a hub that was made anew, with fewer messages than were read, is read from its beginning', () => {
    const { positions, gaps } = opened(stored(400), bounds(0, 9))
    expect(positions.offsetOf('xdr', 0)).toBe(0)
    expect(gaps).toEqual([])
  })

  test.each(['', '{}', '{"offset":-1}', '{"offset":1.5}', 'null'])('%j is not taken for a first start', (value) =>
    expect(() => new Positions().restore(new Map([['offset/xdr/0', Buffer.from(value)]]))).toThrow(
      expect.objectContaining({ code: 'RELAY_LOG_CORRUPT', disposition: 'stop' }),
    ),
  )
})

describe('while reading', () => {
  test('a batch fetched from beyond the expected offset tells of a gap; one from before or at it does not', () => {
    const { positions } = opened(stored(40), bounds(10, 50))
    expect(positions.gapBefore(batch(45))).toMatchObject({ topic: 'xdr', partition: 0, from: 40, until: 45 })
    expect(positions.gapBefore(batch(40))).toBeUndefined()
    expect(positions.gapBefore(batch(12))).toBeUndefined()
  })

  test('backlog and watermark follow; caught up is now', () => {
    const { positions } = opened(stored(40), bounds(10, 50))
    expect(positions.watermarkMs(9_000)).toBeUndefined()
    positions.advance(batch(40), 60, 5_000)
    expect([positions.backlog, positions.watermarkMs(9_000)]).toEqual([40, 5_000])
    positions.advance(batch(60), 100, 6_000)
    expect([positions.backlog, positions.watermarkMs(9_000)]).toEqual([0, 9_000])
  })

  test('reading anew begins behind what was taken', () => {
    const { positions } = opened(stored(40), bounds(10, 50))
    positions.advance(batch(40), 60, 5_000)
    positions.open([bounds(10, 100)])
    expect(positions.offsetOf('xdr', 0)).toBe(60)
  })
})
