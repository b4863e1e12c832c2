import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { FrameSplitter, FramingError, frame, framingBytesMax, writeMessageLength } from './rfc6587.ts'

const bytes = fc.uint8Array({ minLength: 1, maxLength: 300 }).map((array) => Buffer.from(array))
const line = bytes.map((message) => Buffer.from(message.map((byte) => (byte === 10 ? 32 : byte))))

/** Cuts a stream at any places and feeds it piece by piece. */
function splitInPieces(splitter: FrameSplitter, stream: Buffer, cuts: readonly number[]): Buffer[] {
  const places = [...new Set(cuts.map((cut) => cut % (stream.length + 1)))].sort((a, b) => a - b)
  return [0, ...places].flatMap((from, index) => splitter.push(stream.subarray(from, places[index])))
}

describe('frame', () => {
  test('counts octets, not characters (RFC 6587 §3.4.1)', () =>
    expect(frame(Buffer.from('<34>1 - - - - - - é'), 'octet-counting').toString()).toBe('20 <34>1 - - - - - - é'))

  test('ends a line with one LF (RFC 6587 §3.4.2)', () =>
    expect(frame(Buffer.from('<34>hello'), 'lf').toString()).toBe('<34>hello\n'))

  test('refuses an empty message and a line feed under LF framing', () => {
    expect(() => frame(Buffer.alloc(0), 'octet-counting')).toThrow('cannot be empty')
    expect(() => frame(Buffer.alloc(0), 'lf')).toThrow('cannot be empty')
    expect(() => frame(Buffer.from('a\nb'), 'lf')).toThrow(expect.objectContaining({ code: 'RELAY_RECORD_INVALID' }))
    expect(frame(Buffer.from('a\nb'), 'octet-counting').toString()).toBe('3 a\nb')
  })

  test('adds as many bytes as framingBytesMax says', () => {
    for (const length of [1, 9, 10, 99, 100, 8_192, 65_507])
      expect(frame(Buffer.alloc(length, 97), 'octet-counting').length).toBe(
        length + framingBytesMax('octet-counting', length),
      )
    expect(framingBytesMax('octet-counting', 8_192)).toBe(5)
    expect(framingBytesMax('lf', 8_192)).toBe(1)
  })
})

test('writeMessageLength writes digits without leading zeros and one space', () => {
  const target = Buffer.alloc(12, 46)
  expect(writeMessageLength(target, 2, 1_024)).toBe(7)
  expect(target.toString()).toBe('..1024 .....')
})

describe('FrameSplitter', () => {
  test('gives back any bytes under octet counting, however the stream is cut', () => {
    fc.assert(
      fc.property(fc.array(bytes), fc.array(fc.nat()), (messages, cuts) => {
        const splitter = new FrameSplitter('octet-counting')
        const stream = Buffer.concat(messages.map((message) => frame(message, 'octet-counting')))
        expect(splitInPieces(splitter, stream, cuts)).toEqual(messages)
        expect(splitter.rest.length).toBe(0)
      }),
    )
  })

  test('gives back any bytes without LF under LF framing, however the stream is cut', () => {
    fc.assert(
      fc.property(fc.array(line), fc.array(fc.nat()), (messages, cuts) => {
        const splitter = new FrameSplitter('lf')
        const stream = Buffer.concat(messages.map((message) => frame(message, 'lf')))
        expect(splitInPieces(splitter, stream, cuts)).toEqual(messages)
        expect(splitter.rest.length).toBe(0)
      }),
    )
  })

  test('keeps a torn message as its rest', () => {
    const splitter = new FrameSplitter('octet-counting')
    expect(splitter.push(Buffer.from('3 abc5 de')).map(String)).toEqual(['abc'])
    expect(splitter.rest.toString()).toBe('5 de')
  })

  test.each(['2017-11-22T17:50:04.000Z CEF:0|', '012 abc', ' abc', '<14>abc', '9999999999 a'])(
    'refuses %j as an octet count: it is LF framing, or no framing',
    (stream) => expect(() => new FrameSplitter('octet-counting').push(Buffer.from(stream))).toThrow(FramingError),
  )

  test('refuses a message above its limit before it is complete, under both framings', () => {
    expect(() => new FrameSplitter('octet-counting', 10).push(Buffer.from('11 a'))).toThrow('the limit is 10')
    expect(() => new FrameSplitter('lf', 10).push(Buffer.from('01234567890'))).toThrow('the limit is 10')
    expect(() => new FrameSplitter('lf', 10).push(Buffer.from('01234567890\n'))).toThrow('the limit is 10')
  })
})
