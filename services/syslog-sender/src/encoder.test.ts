import type { BusRecord } from '@siem-relay/bus'
import { FrameSplitter } from '@siem-relay/common'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type EncoderSettings, encodeSegment } from './encoder.ts'
import { acknowledgeMessages, type Feed, type Segment } from './segment.ts'

const feed: Feed = { acknowledger: { acknowledge() {}, deadLetter() {} }, revoked: false }
const limits = { bytesMax: 65_536, messagesMax: 1_000 }

function settings(over: Partial<EncoderSettings> = {}): EncoderSettings {
  const header = (timeMs: number | undefined, severity: number) =>
    `<${severity}>${Number.isNaN(timeMs) ? '-' : timeMs} h `
  return { framing: 'lf', header, headerBytesMax: 40, messageBytesMax: 8_192, ...over }
}

function records(values: readonly (string | Buffer)[], headers: Record<string, string> = {}): BusRecord[] {
  return values.map((value, offset) => ({
    topic: 'out.siem',
    partition: 0,
    offset,
    key: String(offset),
    value: Buffer.from(value),
    headers,
    appendedMs: 0,
  }))
}

/** Encodes a whole batch: the segments, and the offsets of refused records. */
function encodeAll(batch: readonly BusRecord[], encoder: EncoderSettings, bounds = limits) {
  const segments: Segment[] = []
  const refused: number[] = []
  for (let next = 0; next < batch.length; ) {
    const encoded = encodeSegment(encoder, feed, batch, next, bounds)
    if (encoded.segment !== undefined) segments.push(encoded.segment)
    if (encoded.refused !== undefined) refused.push(encoded.refused.record.offset)
    next = encoded.next
  }
  return { segments, refused }
}

describe('encodeSegment', () => {
  test('puts header and value behind one another, framed', () => {
    const batch = records(['CEF:a', 'CEF:é'], { 'event-time-ms': '5', severity: '7' })
    const bytes = (framing: EncoderSettings['framing']) =>
      encodeAll(batch, settings({ framing }))
        .segments.map((segment) => segment.bytes.toString())
        .join('')
    expect(bytes('lf')).toBe('<7>5 h CEF:a\n<7>5 h CEF:é\n')
    expect(bytes('octet-counting')).toBe('12 <7>5 h CEF:a13 <7>5 h CEF:é')
    expect(bytes('none')).toBe('<7>5 h CEF:a<7>5 h CEF:é')
  })

  test('gives the header no time where the record has none', () => {
    expect(encodeAll(records(['CEF:a']), settings()).segments[0]?.bytes.toString()).toBe('<0>- h CEF:a\n')
  })

  test('ends a segment at its bytes or messages, and takes one record however small the limits', () => {
    const batch = records(['CEF:1', 'CEF:2', 'CEF:3'])
    const counts = (bounds: typeof limits) => encodeAll(batch, settings(), bounds).segments.map((s) => s.records.length)
    expect(counts({ bytesMax: 65_536, messagesMax: 2 })).toEqual([2, 1])
    expect(counts({ bytesMax: 100, messagesMax: 9 })).toEqual([2, 1])
    expect(counts({ bytesMax: 1, messagesMax: 0 })).toEqual([1, 1, 1])
  })

  test('takes JSON for a message where it is discovery, and nowhere else', () => {
    const values = ['{"AppName":"Box"}', 'CEF:0|x', '[]', '']
    expect(encodeAll(records(values, { kind: 'discovery' }), settings()).refused).toEqual([2, 3])
    expect(encodeAll(records(values, { kind: 'alert' }), settings()).refused).toEqual([0, 2, 3])
  })

  test('splits back into the same lines for any values, and refuses exactly those that are no single CEF line', () => {
    const value = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 300 }).map((text) => Buffer.from(`CEF:${text}`)),
      fc.uint8Array({ maxLength: 20 }).map((bytes) => Buffer.from(bytes)),
      fc.constantFrom('CEF:0|x', 'CEF:\n', 'CEF:a\r\nCEF:b', 'CEF:\0', 'cef:0|', '').map((text) => Buffer.from(text)),
    )
    const framing = fc.constantFrom('lf' as const, 'octet-counting' as const)
    fc.assert(
      fc.property(fc.array(value, { maxLength: 30 }), framing, fc.integer({ min: 1, max: 9 }), (values, form, most) => {
        const batch = records(values)
        const bounds = { bytesMax: 500, messagesMax: most }
        const { segments, refused } = encodeAll(batch, settings({ framing: form, header: () => '<1>h ' }), bounds)
        const isLine = ({ value: bytes }: BusRecord) =>
          bytes.subarray(0, 4).toString('latin1') === 'CEF:' && !/[\n\r\0]/.test(bytes.toString('latin1'))
        expect(refused).toEqual(batch.filter((record) => !isLine(record)).map(({ offset }) => offset))
        const splitter = new FrameSplitter(form)
        const lines = segments.flatMap(({ bytes }) => splitter.push(bytes))
        expect(lines.map((line) => line.toString('latin1'))).toEqual(
          batch.filter(isLine).map((record) => `<1>h ${record.value.toString('latin1')}`),
        )
        expect(splitter.rest.length).toBe(0)
        for (const { ends, records: taken, bytes } of segments) {
          expect(ends).toHaveLength(taken.length)
          expect(ends.at(-1)).toBe(bytes.length)
        }
      }),
    )
  })
})

describe('acknowledgeMessages', () => {
  test('leaves out what was refused, and everything of a revoked feed', () => {
    const ranges: string[] = []
    const ours: Feed = {
      acknowledger: { acknowledge: (first, last) => ranges.push(`${first}-${last}`), deadLetter() {} },
      revoked: false,
    }
    const { segment } = encodeSegment(
      settings(),
      ours,
      records(['CEF:0', 'CEF:1', 'CEF:2', 'CEF:3', 'CEF:4']),
      0,
      limits,
    )
    if (segment === undefined) throw new Error('nothing was encoded')
    acknowledgeMessages(segment, 0, segment.records.length)
    acknowledgeMessages({ ...segment, refused: new Set([0, 2, 4]) }, 0, segment.records.length)
    expect(ranges).toEqual(['0-4', '1-1', '3-3'])
    ours.revoked = true
    acknowledgeMessages(segment, 0, segment.records.length)
    expect(ranges).toHaveLength(3)
  })
})
