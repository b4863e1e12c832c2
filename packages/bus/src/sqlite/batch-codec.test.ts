import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { NewRecord } from '../port.ts'
import { codecs, decodeBatch, encodeBatch } from './batch-codec.ts'

const frame = { topic: 't', partition: 2, base: 100, appendedMs: 7 }

function roundTrip(records: readonly NewRecord[]): ReturnType<typeof decodeBatch> {
  const { body, codec, rawBytes } = encodeBatch(records, 0, records.length)
  return decodeBatch(Buffer.from(body), { ...frame, count: records.length, codec, rawBytes })
}

const text = fc.string({ unit: 'binary', maxLength: 150 })
const names = fc.constantFrom('kind', 'source', '__proto__', '', 'é', '1', 'constructor')
const anyRecord: fc.Arbitrary<NewRecord> = fc.record({
  topic: fc.constant('t'),
  key: text,
  value: fc.uint8Array({ maxLength: 300 }),
  headers: fc
    .array(fc.tuple(names, fc.oneof(fc.constantFrom('', 'same'), text)), { maxLength: 4 })
    .map((entries) => Object.fromEntries(entries)),
})

const make = (key: string, value: string, headers: NewRecord['headers']): NewRecord => ({
  topic: 't',
  key,
  value: Buffer.from(value),
  headers,
})

describe('encodeBatch and decodeBatch', () => {
  test('give back any records', () => {
    fc.assert(
      fc.property(fc.array(anyRecord, { maxLength: 40 }), (records) => {
        const decoded = roundTrip(records)
        expect(decoded).toHaveLength(records.length)
        for (const [n, record] of records.entries()) {
          const found = decoded[n]
          expect(found?.offset).toBe(100 + n)
          expect(found?.key).toBe(record.key)
          expect(found?.value.equals(record.value ?? Buffer.alloc(0))).toBe(true)
          expect(new Map(Object.entries(found?.headers ?? {}))).toEqual(new Map(Object.entries(record.headers)))
        }
      }),
      { numRuns: 200 },
    )
  })

  test('a batch within a list takes the records from..to', () => {
    const records = ['a', 'b', 'c', 'd'].map((key) => make(key, key, {}))
    const { body, codec, rawBytes } = encodeBatch(records, 1, 3)
    const decoded = decodeBatch(body, { ...frame, count: 2, codec, rawBytes })
    expect(decoded.map((one) => one.key)).toEqual(['b', 'c'])
  })

  test('equal headers in a row share one object', () => {
    const decoded = roundTrip([
      make('a', '', { kind: 'x' }),
      make('b', '', { kind: 'x' }),
      make('c', '', { kind: 'y' }),
    ])
    expect(decoded[1]?.headers).toBe(decoded[0]?.headers)
    expect(decoded[2]?.headers).toEqual({ kind: 'y' })
  })

  test('compress what shrinks and keep the rest plain', () => {
    const repetitive = encodeBatch([make('k', 'again and '.repeat(200), {})], 0, 1)
    expect(repetitive.codec).toBe(codecs.zstd)
    expect(repetitive.body.length).toBeLessThan(repetitive.rawBytes / 10)
    expect(encodeBatch([make('k', 'short', {})], 0, 1).codec).toBe(codecs.plain)
  })

  test('a record larger than the scratch leaves the next batch intact', () => {
    const large = Buffer.alloc(5_000_000, 'x')
    expect(roundTrip([{ topic: 't', key: 'large', value: large, headers: {} }])[0]?.value.equals(large)).toBe(true)
    expect(roundTrip([make('small', 'small', {})])[0]?.value.toString()).toBe('small')
  })

  test('bytes that are no batch are refused, never read beyond their end', () => {
    const { body, codec, rawBytes } = encodeBatch([make('key', 'value', { a: 'b' })], 0, 1)
    const bytes = Buffer.from(body)
    for (let length = 0; length < bytes.length; length++) {
      expect(() => decodeBatch(bytes.subarray(0, length), { ...frame, count: 1, codec, rawBytes: length })).toThrow()
    }
    expect(() => decodeBatch(bytes, { ...frame, count: 2, codec, rawBytes })).toThrow()
  })
})
