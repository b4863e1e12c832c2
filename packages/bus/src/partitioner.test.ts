import { describe, expect, test } from 'vitest'
import { murmur2, partitionOf } from './partitioner.ts'

describe('murmur2', () => {
  // org.apache.kafka.common.utils.UtilsTest.testMurmur2
  test.each([
    ['21', -973932308],
    ['foobar', -790332482],
    ['a-little-bit-long-string', -985981536],
    ['a-little-bit-longer-string', -1486304829],
    ['lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8', -58897971],
    ['abc', 479470107],
  ])('hashes %j as the Java client does', (text, hash) => expect(murmur2(Buffer.from(text))).toBe(hash))
})

describe('partitionOf', () => {
  test('drops the sign bit before the remainder', () => {
    expect(partitionOf('21', 7)).toBe((-973932308 & 0x7fffffff) % 7)
    expect(partitionOf('abc', 6)).toBe(479470107 % 6)
  })
  test('hashes the UTF-8 bytes of long and non-ASCII keys', () => {
    const key = 'é'.repeat(2000)
    expect(partitionOf(key, 11)).toBe((murmur2(Buffer.from(key)) & 0x7fffffff) % 11)
    expect(partitionOf('日本', 11)).toBe((murmur2(Buffer.from('日本')) & 0x7fffffff) % 11)
  })
  test('is 0 for a single partition', () => expect(partitionOf('anything', 1)).toBe(0))
})
