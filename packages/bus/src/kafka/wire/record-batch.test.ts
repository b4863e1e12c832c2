import { createRequire } from 'node:module'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { NewRecord } from '../../port.ts'
import { ByteWriter } from './bytes.ts'
import { crc32c } from './crc32c.ts'
import { decodeBatches, encodeBatch } from './record-batch.ts'

const producer = { producerId: 4_321n, producerEpoch: 7 }
const nowMs = 1_700_000_000_000

const anyRecord: fc.Arbitrary<NewRecord> = fc.record({
  topic: fc.constant('t'),
  key: fc.string({ unit: 'binary', maxLength: 100 }),
  value: fc.option(fc.uint8Array({ maxLength: 500 }), { nil: null }),
  headers: fc.dictionary(fc.string({ unit: 'binary', maxLength: 20 }), fc.string({ unit: 'binary', maxLength: 100 }), {
    maxKeys: 4,
    noNullPrototype: true,
  }),
})

const record = (key: string): NewRecord => ({ topic: 't', key, value: Buffer.from(key), headers: {} })
const batchOf = (...keys: readonly string[]): Buffer => encodeBatch(keys.map(record), producer, 0, nowMs, 'none')

/** As the broker does on append: the base offset is outside the checksum. */
function at(baseOffset: number, batch: Buffer): Buffer {
  const copy = Buffer.from(batch)
  copy.writeBigInt64BE(BigInt(baseOffset), 0)
  return copy
}

/** A transaction's marker as the broker writes it: a control batch with one record. */
function marker(baseOffset: number, producerId: bigint, type: 'abort' | 'commit'): Buffer {
  const key = new ByteWriter().int16(0).int16(type === 'abort' ? 0 : 1).written
  const value = new ByteWriter().int16(0).int32(0).written
  const body = new ByteWriter()
  body.int8(0).varint(0).varint(0).varint(key.length).raw(key).varint(value.length).raw(value).varint(0)
  const records = new ByteWriter().varint(body.length).raw(body.written).written
  const writer = new ByteWriter()
  writer
    .int64(baseOffset)
    .int32(49 + records.length)
    .int32(0)
    .int8(2)
    .uint32(0)
    .int16(0x30)
    .int32(0)
  writer.int64(nowMs).int64(nowMs).int64(producerId).int16(0).int32(-1).int32(1).raw(records)
  const bytes = writer.written
  bytes.writeUInt32BE(crc32c(bytes, 21), 17)
  return bytes
}

const keysOf = (bytes: Buffer, aborted: Parameters<typeof decodeBatches>[3] = [], from = 0): string[] =>
  decodeBatches('t', 0, bytes, aborted, from).flatMap((batch) => batch.records().map(({ key }) => key))

describe('a record batch', () => {
  test.each(['zstd', 'gzip', 'none'] as const)('reads back as it was written, compressed with %s', (compression) => {
    fc.assert(
      fc.property(fc.array(anyRecord, { minLength: 1, maxLength: 20 }), (records) => {
        const bytes = at(1_000, encodeBatch(records, producer, 5, nowMs, compression))
        const [batch] = decodeBatches('t', 3, bytes, [], 0)
        const found = batch?.records() ?? []
        expect(found.map(({ key, headers }) => [key, { ...headers }])).toEqual(
          records.map(({ key, headers }) => [key, { ...headers }]),
        )
        expect(found.map(({ value }) => value?.toString('hex'))).toEqual(
          records.map(({ value }) => (value === null ? undefined : Buffer.from(value).toString('hex'))),
        )
        expect(found.map(({ offset }) => offset)).toEqual(records.map((_, index) => 1_000 + index))
        expect(batch?.next).toBe(1_000 + records.length)
      }),
      { numRuns: 50 },
    )
  })

  test('is what kafkajs reads', async () => {
    const require = createRequire(import.meta.url)
    const Decoder = require('kafkajs/src/protocol/decoder')
    const decode = require('kafkajs/src/protocol/recordBatch/v0/decoder')
    const records = [
      { topic: 't', key: 'schlüssel', value: Buffer.from('wert'), headers: { name: 'größe', empty: '' } },
      { topic: 't', key: 'k2', value: Buffer.alloc(70_000, 'v'), headers: {} },
    ]
    const found = await decode(new Decoder(at(42, encodeBatch(records, producer, 9, nowMs, 'gzip'))))
    expect([found.firstOffset, found.producerId, found.producerEpoch, found.firstSequence]).toEqual([
      '42',
      '4321',
      7,
      9,
    ])
    expect(found.inTransaction).toBe(true)
    expect(found.records.map((one: { key: Buffer; value: Buffer }) => [one.key.toString(), one.value.length])).toEqual([
      ['schlüssel', 4],
      ['k2', 70_000],
    ])
    expect(found.records[0].headers.name.toString()).toBe('größe')
  })

  test('of several in an answer, one that is cut off at the end is left out', () => {
    const whole = Buffer.concat([at(0, batchOf('a', 'b')), at(2, batchOf('c'))])
    expect(keysOf(whole)).toEqual(['a', 'b', 'c'])
    expect(keysOf(whole.subarray(0, whole.length - 1))).toEqual(['a', 'b'])
  })

  test('gives records from the asked offset on, also from its middle', () => {
    const bytes = Buffer.concat([at(0, batchOf('a', 'b')), at(2, batchOf('c', 'd'))])
    expect(keysOf(bytes, [], 3)).toEqual(['d'])
  })

  test('that arrived damaged is refused', () => {
    const bytes = batchOf('a')
    bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) ^ 1
    expect(() => keysOf(bytes)).toThrow(/CRC-32C/)
  })

  test('of an older format is refused by its number', () => {
    const bytes = batchOf('a')
    bytes[16] = 1
    expect(() => keysOf(bytes)).toThrow(/version 1/)
  })
})

describe('transactions in an answer', () => {
  const other = { producerId: 99n, producerEpoch: 0 }
  const by = (who: typeof producer, key: string): Buffer => encodeBatch([record(key)], who, 0, nowMs, 'none')

  test('markers are passed and never given', () => {
    const bytes = Buffer.concat([at(0, by(producer, 'a')), marker(1, producer.producerId, 'commit')])
    const batches = decodeBatches('t', 0, bytes, [], 0)
    expect(batches.map(({ isHidden }) => isHidden)).toEqual([false, true])
    expect(batches.at(-1)?.next).toBe(2)
  })

  test('records of an aborted one are left out, those of others between them are not', () => {
    const bytes = Buffer.concat([
      at(0, by(producer, 'aborted')),
      at(1, by(other, 'kept')),
      at(2, by(producer, 'aborted too')),
      marker(3, producer.producerId, 'abort'),
      at(4, by(producer, 'next transaction')),
    ])
    const aborted = [{ producerId: producer.producerId, firstOffset: 0 }]
    expect(keysOf(bytes, aborted)).toEqual(['kept', 'next transaction'])
  })

  test('several aborts by one producer in an answer are all left out', () => {
    const bytes = Buffer.concat([
      at(0, by(producer, 'first')),
      marker(1, producer.producerId, 'abort'),
      at(2, by(producer, 'committed')),
      marker(3, producer.producerId, 'commit'),
      at(4, by(producer, 'second')),
      marker(5, producer.producerId, 'abort'),
    ])
    const aborted = [
      { producerId: producer.producerId, firstOffset: 4 },
      { producerId: producer.producerId, firstOffset: 0 },
    ]
    expect(keysOf(bytes, aborted)).toEqual(['committed'])
  })

  test('an abort whose marker lies beyond the answer hides its records', () => {
    const bytes = Buffer.concat([at(0, by(producer, 'a')), at(1, by(producer, 'b'))])
    expect(keysOf(bytes, [{ producerId: producer.producerId, firstOffset: 0 }])).toEqual([])
  })
})
