import { describe, expect, test } from 'vitest'
import { crc32c } from './crc32c.ts'

describe('crc32c', () => {
  test.each([
    ['32 bytes of zero', Buffer.alloc(32), 0x8a9136aa],
    ['32 bytes of 0xff', Buffer.alloc(32, 0xff), 0x62a8ab43],
    ['the bytes 0 to 31', Buffer.from(Array.from({ length: 32 }, (_, n) => n)), 0x46dd794e],
    ['the bytes 31 to 0', Buffer.from(Array.from({ length: 32 }, (_, n) => 31 - n)), 0x113fdb5c],
    ['the digits 1 to 9, no multiple of eight', Buffer.from('123456789'), 0xe3069283],
    ['nothing', Buffer.alloc(0), 0],
  ])('%s gives the value of RFC 3720 appendix B.4', (_, bytes, expected) => {
    expect(crc32c(bytes)).toBe(expected)
  })

  test('takes a part of a buffer', () => {
    expect(crc32c(Buffer.from('xx123456789yy'), 2, 11)).toBe(0xe3069283)
  })
})
