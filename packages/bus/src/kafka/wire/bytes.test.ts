import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ByteReader, ByteWriter } from './bytes.ts'

const roundTrip = <T>(write: (writer: ByteWriter) => void, read: (reader: ByteReader) => T): T => {
  const writer = new ByteWriter(1)
  write(writer)
  const reader = new ByteReader(writer.written)
  const value = read(reader)
  expect(reader.remaining).toBe(0)
  return value
}

describe('ByteWriter and ByteReader', () => {
  test('zigzag varints are those of the protocol', () => {
    const bytes = (value: number): string => new ByteWriter().varint(value).written.toString('hex')
    expect([0, -1, 1, -2, 63, -64, 64, 300].map(bytes)).toEqual(['00', '01', '02', '03', '7e', '7f', '8001', 'd804'])
  })

  test('any 32-bit varint reads back', () => {
    fc.assert(
      fc.property(fc.integer(), (value) => {
        expect(
          roundTrip(
            (writer) => writer.varint(value),
            (reader) => reader.varint(),
          ),
        ).toBe(value)
      }),
    )
  })

  test('any safe integer reads back as int64, negative ones too', () => {
    fc.assert(
      fc.property(fc.maxSafeInteger(), (value) => {
        expect(
          roundTrip(
            (writer) => writer.int64(value),
            (reader) => reader.int64(),
          ),
        ).toBe(value)
      }),
    )
  })

  test('any text reads back, short or long', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 200 }), (text) => {
        expect(
          roundTrip(
            (writer) => writer.string(text),
            (reader) => reader.string(),
          ),
        ).toBe(text)
        expect(
          roundTrip(
            (writer) => writer.varintString(text),
            (reader) => reader.text(reader.varint()),
          ),
        ).toBe(text)
      }),
    )
  })

  test('an answer that ends too early is an error, not a value', () => {
    for (const read of ['int8', 'int16', 'int32', 'int64', 'varint', 'uvarint', 'string', 'bytes'] as const)
      expect(() => new ByteReader(Buffer.alloc(0))[read](), read).toThrow(RangeError)
    expect(() => new ByteReader(Buffer.from([0x7f, 0xff, 0xff, 0xff])).array(() => 1)).toThrow(RangeError)
  })
})
