import { RelpDecoder } from '@siem-relay/common'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Feed, Segment } from '../../segment.ts'
import { encodeSyslogFrames } from './frames.ts'

const feed: Feed = { acknowledger: { acknowledge() {}, deadLetter() {} }, revoked: false }

function segmentOf(messages: readonly Buffer[]): Segment {
  let end = 0
  return {
    feed,
    bytes: Buffer.concat(messages),
    ends: Uint32Array.from(messages, ({ length }) => (end += length)),
    records: messages.map((value, offset) => ({
      topic: 'out.siem',
      partition: 0,
      offset,
      key: '',
      value,
      headers: {},
      appendedMs: 0,
    })),
    eventTimesMs: new Float64Array(messages.length),
    handed: 0,
    confirmed: 0,
  }
}

test('one frame a message, numbered in order over parts of several segments', () => {
  const first = segmentOf(['a', 'bc', 'é'].map((text) => Buffer.from(text)))
  const second = segmentOf(['0123456789'].map((text) => Buffer.from(text)))
  const parts = [
    { segment: first, from: 1, to: 3 },
    { segment: second, from: 0, to: 1 },
  ]
  const { bytes, nextTxnr } = encodeSyslogFrames(parts, 9)
  expect(bytes.toString()).toBe('9 syslog 2 bc\n10 syslog 2 é\n11 syslog 10 0123456789\n')
  expect(nextTxnr).toBe(12)
})

test('any messages come out of the frames as they went in, over the end of the numbers too', () => {
  const message = fc.uint8Array({ minLength: 1, maxLength: 1_200 }).map((bytes) => Buffer.from(bytes))
  const firstTxnr = fc.constantFrom(1, 2, 99, 999_998, 999_999_990, 999_999_999)
  fc.assert(
    fc.property(fc.array(message, { minLength: 1, maxLength: 20 }), firstTxnr, (messages, first) => {
      const segment = segmentOf(messages)
      const { bytes, nextTxnr } = encodeSyslogFrames([{ segment, from: 0, to: messages.length }], first)
      const frames = new RelpDecoder().push(bytes)
      expect(frames.map(({ data }) => data)).toEqual(messages)
      const numbers = messages.map((_, index) => ((first - 1 + index) % 999_999_999) + 1)
      expect(frames.map(({ txnr, command }) => [txnr, command])).toEqual(numbers.map((number) => [number, 'syslog']))
      expect(nextTxnr).toBe(((first - 1 + messages.length) % 999_999_999) + 1)
    }),
  )
})
