import { describe, expect, test } from 'vitest'
import { parseHttpDate, parseRetryAfter } from './retry-after.ts'

const dateMs = Date.UTC(1994, 10, 6, 8, 49, 37)

describe('parseRetryAfter', () => {
  test.each([
    ['120', 120_000],
    ['0', 0],
    ['1.5', 1_500],
    [' 7 ', 7_000],
    ['9e9', undefined],
    ['99999999999', 900_000],
    ['-5', undefined],
    ['soon', undefined],
    ['', undefined],
    [undefined, undefined],
  ])('%s', (header, ms) => expect(parseRetryAfter(header, undefined, 0)).toBe(ms))

  test('a date is relative to the date of the answer, not to the local clock', () => {
    expect(parseRetryAfter('Sun, 06 Nov 1994 08:50:37 GMT', dateMs, dateMs + 5_000_000)).toBe(60_000)
    expect(parseRetryAfter('Sun, 06 Nov 1994 08:48:37 GMT', dateMs, 0)).toBe(0)
    expect(parseRetryAfter('Sun, 06 Nov 1994 09:50:37 GMT', dateMs, 0)).toBe(900_000)
  })

  test('without a date in the answer the local clock has to do', () => {
    expect(parseRetryAfter('Sun, 06 Nov 1994 08:50:37 GMT', undefined, dateMs)).toBe(60_000)
  })
})

describe('parseHttpDate', () => {
  // RFC 9110 §5.6.7
  test.each(['Sun, 06 Nov 1994 08:49:37 GMT', 'Sunday, 06-Nov-94 08:49:37 GMT', 'Sun Nov  6 08:49:37 1994'])(
    '%s',
    (text) => expect(parseHttpDate(text)).toBe(dateMs),
  )

  test.each([undefined, '', '5', 'yesterday', 'Sun, 99 Nov 1994 08:49:37 GMT', '2020'])('%s is none', (text) =>
    expect(parseHttpDate(text)).toBeUndefined(),
  )
})
