import { frame } from '@siem-relay/common'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { framingOfStart } from './framing.ts'

test.each([
  ['', undefined],
  ['1', undefined],
  ['123456789', undefined],
  ['83 <34>1 ', 'octet-counting'],
  ['7 <34>1 -', 'octet-counting'],
  ['999999999 ', 'octet-counting'],
  ['<34>1 - ', 'lf'],
  ['CEF:0|', 'lf'],
  // The SIEM agent's RFC 5424 time without PRI.
  ['2023-03-02T21:10:02.022Z ', 'lf'],
  ['07 is not MSG-LEN: it starts with zero', 'lf'],
  [' 12', 'lf'],
  ['1234567890 ', 'lf'],
  ['\n', 'lf'],
] as const)('%j is %s', (text, framing) => expect(framingOfStart(Buffer.from(text))).toBe(framing))

test('octet counting is recognised whatever the message', () => {
  fc.assert(
    fc.property(
      fc.uint8Array({ minLength: 1 }),
      (message) => framingOfStart(frame(Buffer.from(message), 'octet-counting')) === 'octet-counting',
    ),
  )
})

test('what was decided on a first part stays so when more arrives', () => {
  fc.assert(
    fc.property(fc.uint8Array(), fc.uint8Array(), (first, more) => {
      const framing = framingOfStart(first)
      return framing === undefined || framingOfStart(Buffer.concat([first, more])) === framing
    }),
  )
})
