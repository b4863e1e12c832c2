import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { printable, printableJson } from './printable.ts'

const any = fc.string({ unit: 'binary' })
const steering = /[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069\u200b-\u200f\ufeff]/u

describe('printable', () => {
  test('shows where a terminal would have been steered', () =>
    expect(printable('a\u001b[2J\r\n\u009b1mb\u202etxt\ud800')).toBe('a\ufffd[2J\ufffd\ufffd\ufffd1mb\ufffdtxt\ufffd'))

  test('leaves every language alone', () =>
    expect(printable('Zürich, 東京, Ελλάδα, 😀 → …')).toBe('Zürich, 東京, Ελλάδα, 😀 → …'))

  test('holds for any text', () => fc.assert(fc.property(any, (text) => !steering.test(printable(text)))))
})

describe('printableJson', () => {
  test('writes what JSON would leave in as it is', () =>
    expect(printableJson({ a: '\u009b\u202e\u007f\n' })).toBe('{"a":"\\u009b\\u202e\\u007f\\n"}'))

  test('reads back as the value and steers nothing, for any text', () =>
    fc.assert(
      fc.property(any, (text) => {
        const json = printableJson([text])
        return !steering.test(json) && JSON.stringify(JSON.parse(json)) === JSON.stringify([text])
      }),
    ))
})
