import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { ReadRecord } from './model.ts'
import { pack, unpack } from './packed.ts'

const batch = { topic: 'raw.contoso.discovery', partition: 1, from: 7, next: 9 }
const anyRecord: fc.Arbitrary<ReadRecord> = fc.record({
  key: fc.string(),
  value: fc.uint8Array({ maxLength: 100 }),
  headers: fc.dictionary(fc.string({ minLength: 1 }), fc.string(), { maxKeys: 3 }),
  offset: fc.nat(),
  appendedMs: fc.nat(),
})

describe('pack and unpack', () => {
  test('give back any records, also through a message between threads', () => {
    fc.assert(
      fc.property(fc.array(anyRecord, { maxLength: 20 }), (records) => {
        const packed = pack({ ...batch, records })
        expect(unpack(structuredClone(packed, { transfer: [packed.values.buffer] }))).toEqual({ ...batch, records })
      }),
    )
  })

  test('hand over the values alone: what they share memory with stays', () => {
    const shared = Buffer.from('before, value, behind')
    const record = { key: 'a', value: shared.subarray(8, 13), headers: {}, offset: 7, appendedMs: 1 }
    const packed = pack({ ...batch, records: [record] })
    expect(packed.values.buffer.byteLength).toBe('value'.length)
    structuredClone(packed, { transfer: [packed.values.buffer] })
    expect(shared.toString()).toBe('before, value, behind')
  })
})
