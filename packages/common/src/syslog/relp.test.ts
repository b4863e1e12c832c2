import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  encodeRelpFrame,
  encodeRelpOffers,
  nextTxnr,
  parseRelpResponse,
  RelpDecoder,
  RelpError,
  relpFrameBytes,
  writeRelpHeader,
} from './relp.ts'

const decode = (text: string, dataBytesMax?: number) => new RelpDecoder(dataBytesMax).push(Buffer.from(text))
const shown = (frames: ReturnType<RelpDecoder['push']>) =>
  frames.map(({ txnr, command, data }) => [txnr, command, data.toString()])

/** What librelp 1.11 in rsyslog 8.2302 says in one short session, byte for byte. */
const librelpSession = [
  '1 rsp 93 200 OK\nrelp_version=0\nrelp_software=librelp,1.11.0,http://librelp.adiscon.com\ncommands=syslog\n',
  '2 rsp 6 200 OK\n',
  '3 rsp 0\n',
  '0 serverclose 0\n',
]

describe('encodeRelpFrame', () => {
  test('counts octets, not characters, and ends with LF', () =>
    expect(encodeRelpFrame(2, 'syslog', Buffer.from('<34>1 é')).toString()).toBe('2 syslog 8 <34>1 é\n'))

  test('has no second space without data', () => expect(encodeRelpFrame(7, 'close').toString()).toBe('7 close 0\n'))

  test('carries line feeds and any other byte', () => {
    const data = Buffer.from([10, 0, 255, 10])
    expect(encodeRelpFrame(1, 'syslog', data)).toEqual(Buffer.from([...Buffer.from('1 syslog 4 '), ...data, 10]))
  })

  test('is as long as relpFrameBytes says', () => {
    for (const length of [0, 1, 9, 10, 99, 100, 131_072])
      for (const txnr of [1, 10, 999_999_999])
        expect(encodeRelpFrame(txnr, 'syslog', Buffer.alloc(length)).length).toBe(
          relpFrameBytes(txnr, 'syslog', length),
        )
  })
})

test('writeRelpHeader writes in place and says where the data begins', () => {
  const target = Buffer.alloc(20, 46)
  expect(writeRelpHeader(target, 2, 12, 'syslog', 300)).toBe(16)
  expect(target.toString()).toBe('..12 syslog 300 ....')
})

test('transaction numbers run from 1 to 999,999,999 and begin again at 1', () => {
  expect(nextTxnr(1)).toBe(2)
  expect(nextTxnr(999_999_998)).toBe(999_999_999)
  expect(nextTxnr(999_999_999)).toBe(1)
})

test('the offers name the version, the software and the syslog command, without which librelp refuses', () =>
  expect(encodeRelpOffers('siem-relay,1.0.0,https://example.com').toString()).toBe(
    'relp_version=0\nrelp_software=siem-relay,1.0.0,https://example.com\ncommands=syslog',
  ))

describe('RelpDecoder', () => {
  test('reads what librelp says in a session', () =>
    expect(shown(decode(librelpSession.join('')))).toEqual([
      [1, 'rsp', librelpSession[0]?.slice('1 rsp 93 '.length, -1)],
      [2, 'rsp', '200 OK'],
      [3, 'rsp', ''],
      [0, 'serverclose', ''],
    ]))

  test('takes an empty frame with and without its second space', () =>
    expect(shown(decode('1 rsp 0\n2 rsp 0 \n3 rsp 00\n'))).toEqual([
      [1, 'rsp', ''],
      [2, 'rsp', ''],
      [3, 'rsp', ''],
    ]))

  test('gives back any frames, however the stream is cut', () => {
    const frame = fc.record({
      txnr: fc.integer({ min: 0, max: 999_999_999 }),
      command: fc.constantFrom('rsp', 'serverclose', 'open', 'a'.repeat(32), 'RSP'),
      data: fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)),
    })
    fc.assert(
      fc.property(fc.array(frame), fc.array(fc.nat()), (frames, cuts) => {
        const stream = Buffer.concat(frames.map(({ txnr, command, data }) => encodeRelpFrame(txnr, command, data)))
        const places = [...new Set(cuts.map((cut) => cut % (stream.length + 1)))].sort((a, b) => a - b)
        const decoder = new RelpDecoder()
        const read = [0, ...places].flatMap((from, index) => decoder.push(stream.subarray(from, places[index])))
        expect(read).toEqual(frames)
        expect(decoder.rest.length).toBe(0)
      }),
    )
  })

  test('says the same of any bytes, however they are cut: the same frames, and an error or none', () => {
    const near = fc
      .array(fc.constantFrom('1', '0', ' ', '\n', 'rsp', '200 OK', '6', 'serverclose', 'é'))
      .map((parts) => Buffer.from(parts.join('')))
    const any = fc.uint8Array({ maxLength: 60 }).map((bytes) => Buffer.from(bytes))
    const outcome = (pieces: readonly Buffer[]) => {
      const decoder = new RelpDecoder(100)
      const frames = []
      try {
        for (const piece of pieces) frames.push(...decoder.push(piece))
      } catch (error) {
        if (!(error instanceof RelpError)) throw error
        return 'error'
      }
      return { frames, rest: decoder.rest.toString('latin1') }
    }
    fc.assert(
      fc.property(fc.oneof(near, any), (stream) => {
        const single = Array.from(stream, (byte) => Buffer.from([byte]))
        expect(outcome(single)).toEqual(outcome([stream]))
      }),
    )
  })

  test('keeps an unfinished frame as its rest', () => {
    const decoder = new RelpDecoder()
    expect(shown(decoder.push(Buffer.from('1 rsp 6 200 OK\n2 rsp 6 20')))).toEqual([[1, 'rsp', '200 OK']])
    expect(decoder.rest.toString()).toBe('2 rsp 6 20')
    expect(shown(decoder.push(Buffer.from('0 OK\n')))).toEqual([[2, 'rsp', '200 OK']])
  })

  test.each([
    ['HTTP/1.1 400 Bad Request\r\n', 'expected a transaction number, found "HTTP/1.1 400 Bad Request"'],
    ['220 mail ESMTP\r\n', 'expected a data length, found "ESMTP"'],
    ['-1 rsp 0\n', 'expected a transaction number'],
    ['1000000000 rsp 0\n', 'expected a transaction number'],
    [' 1 rsp 0\n', 'expected a transaction number'],
    ['1  rsp 0\n', 'expected a command'],
    ['1 r2p 0\n', 'expected a command'],
    [`1 ${'a'.repeat(33)} 0\n`, 'expected a command'],
    ['1 rsp \n', 'expected a data length'],
    ['1 rsp x\n', 'expected a data length'],
    ['1 rsp 6\n', 'expected a data length'],
    ['1 rsp 0000000000\n', 'expected a data length'],
    ['1 rsp 6 200 OK!\n', 'expected a line feed behind the data, found "!"'],
    ['1 rsp 0 !', 'expected a line feed behind the data, found "!"'],
    ['\x15\x03\x03\x00\x02\x02\x32', 'found TLS: this port wants it'],
  ])('refuses %j', (stream, reason) => expect(() => decode(stream)).toThrow(reason))

  test('refuses a frame above its limit before it is there', () => {
    expect(shown(decode('1 rsp 10 0123456789\n', 10))).toHaveLength(1)
    expect(() => decode('1 rsp 11 ', 10)).toThrow('a frame of 11 bytes is announced, the limit is 10')
  })

  test('refuses a number or command that never ends', () => {
    expect(() => decode('1'.repeat(10))).toThrow('a transaction number')
    expect(() => decode(`1 ${'a'.repeat(33)}`)).toThrow('a command')
    expect(() => decode(`1 rsp ${'0'.repeat(10)}`)).toThrow('a data length')
  })

  test('shows no control characters and little of foreign text', () => {
    expect(() => decode(`\x1b[2J${'x'.repeat(1_000)}`)).toThrow(/^expected a transaction number, found "\[2Jx{1,80}…"$/)
  })
})

describe('parseRelpResponse', () => {
  test('reads code, text and offers of an answer to open', () => {
    const { code, text, offers } = parseRelpResponse(Buffer.from('200 OK\nrelp_version=0\ncommands=syslog'))
    expect([code, text, [...offers]]).toEqual([
      200,
      '"OK"',
      [
        ['relp_version', '0'],
        ['commands', 'syslog'],
      ],
    ])
  })

  test('reads a refusal as librelp writes it', () =>
    expect(parseRelpResponse(Buffer.from('500 required command not supported by client'))).toMatchObject({
      code: 500,
      text: '"required command not supported by client"',
    }))

  test('takes a code without text, and no data at all, which is how librelp answers close', () => {
    expect(parseRelpResponse(Buffer.from('200')).code).toBe(200)
    expect(parseRelpResponse(Buffer.alloc(0)).code).toBeUndefined()
  })

  test.each(['OK', '20 OK', '2000 OK', '200OK', ' 200 OK', '\n200 OK'])('refuses %j', (data) =>
    expect(() => parseRelpResponse(Buffer.from(data))).toThrow(RelpError),
  )
})
