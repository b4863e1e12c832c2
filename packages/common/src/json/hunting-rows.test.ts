import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { splitHuntingRows } from './hunting-rows.ts'

const split = (text: string) =>
  splitHuntingRows(Buffer.from(text)).map(({ table, bytes }) => [table, bytes?.toString()])

describe('splitHuntingRows', () => {
  test('gives every row of a message with its table, and its bytes as received', () => {
    const message =
      '{"records": [ {"time":"t","category":"AdvancedHunting-CloudAppEvents","properties": {"n":-640236721980338696, "x" : [1]} },' +
      '{"properties":{"AlertId":"a"},"category":"AdvancedHunting-AlertInfo"}], "more": {"records": 1}}'
    expect(split(message)).toEqual([
      ['CloudAppEvents', '{"n":-640236721980338696, "x" : [1]}'],
      ['AlertInfo', '{"AlertId":"a"}'],
    ])
  })

  test('a row without a category or without an object says so', () => {
    expect(split('{"records":[{},{"category":7,"properties":null},{"category":"Other","properties":[]}]}')).toEqual([
      ['', undefined],
      ['', undefined],
      ['Other', undefined],
    ])
  })

  test('a message may have no rows, and may begin with a byte order mark', () => {
    expect(split('\ufeff{"records":[]}')).toEqual([])
    expect(split(' { "records" : [ ] } ')).toEqual([])
  })

  test.each([
    ['nothing', ''],
    ['words', 'hello'],
    ['a list', '[]'],
    ['an object without records', '{}'],
    ['records that are no list', '{"records":{}}'],
    ['a record that is no object', '{"records":[1]}'],
    ['a message that was cut', '{"records":[{"category":"x","properties":{"a":1}}'],
    ['something behind it', '{"records":[]} {}'],
    ['a nesting bomb', `{"records":[${'['.repeat(300)}${']'.repeat(300)}]}`],
  ])('refuses %s', (_, text) =>
    expect(() => split(text)).toThrow(expect.objectContaining({ code: 'RELAY_SOURCE_RESPONSE' })),
  )

  test('reads what JSON.parse reads', () => {
    const rows = fc.array(fc.record({ category: fc.string(), properties: fc.dictionary(fc.string(), fc.jsonValue()) }))
    fc.assert(
      fc.property(rows, (records) => {
        const text = JSON.stringify({ records })
        const parsed = JSON.parse(text) as { records: { properties: unknown }[] }
        const found = splitHuntingRows(Buffer.from(text)).map(({ bytes }) => JSON.parse(String(bytes)) as unknown)
        expect(found).toEqual(parsed.records.map(({ properties }) => properties))
      }),
    )
  })
})
