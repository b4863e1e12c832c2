import { describe, expect, test } from 'vitest'
import { piecesOfJson, piecesOfLine, piecesOfRecord } from './marks.ts'

const record = {
  _id: '603f704a',
  user: { userName: 'adele=admin@contoso.com' },
  timestamp: 1_677_791_402_022,
  description: 'Log on',
}
const line =
  '2023-03-02T21:10:02.022Z CEF:0|MCAS|SIEM_Agent|1.0|EVENT_CATEGORY_LOGIN|Log on|0|externalId=603f704a rt=1677791402022 msg=Log on suser=adele\\=admin@contoso.com cs4='

describe('piecesOfLine', () => {
  const pieces = piecesOfLine(line, record)

  test('loses nothing of the line', () => expect(pieces.map(({ text }) => text).join('')).toBe(line))

  test("marks values that are the record's own, escaped ones too", () => {
    expect(pieces.filter(({ kind }) => kind === 'kept').map(({ text }) => text)).toEqual([
      'Log on',
      '603f704a',
      '1677791402022',
      'Log on',
      'adele\\=admin@contoso.com',
    ])
  })

  test('takes no key from inside a value: an escaped = is none', () => {
    expect(pieces.filter(({ kind }) => kind === 'key').map(({ text }) => text.trim())).toEqual([
      'externalId=',
      'rt=',
      'msg=',
      'suser=',
      'cs4=',
    ])
  })

  test('a bar that is escaped does not end the head', () => {
    const odd = 'CEF:0|a|b|c|d|na\\|me|3|x=1'
    expect(piecesOfLine(odd, {}).filter(({ kind }) => kind === 'key')).toEqual([{ text: 'x=', kind: 'key' }])
  })
})

test('piecesOfRecord marks in the record what the line took over', () => {
  const kept = piecesOfRecord(record, line).filter(({ kind }) => kind === 'kept')
  expect(kept.map(({ text }) => text)).toEqual(['"603f704a"', '"adele=admin@contoso.com"', '1677791402022', '"Log on"'])
})

test('piecesOfJson loses nothing, whatever stands in the text', () => {
  const text = JSON.stringify({ 'a"b': '<img onerror=alert(1)>', c: [1, -2.5e3, null, true], d: 'x\\' }, null, 2)
  expect(
    piecesOfJson(text, () => false)
      .map((piece) => piece.text)
      .join(''),
  ).toBe(text)
})
