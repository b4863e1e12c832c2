import { describe, expect, test } from 'vitest'
import { splitODataPage } from './odata-page.ts'

const split = (text: string) => splitODataPage(Buffer.from(text))

describe('splitODataPage', () => {
  test('gives each record its bytes, its fields and its id, and the link to the next page', () => {
    const page = split(
      ' {"@odata.context":"x","value":[ {"id":"a","n":1.0e2},\n{"id":7,"value":[{}]} ],"@odata.nextLink":"https://h/p?$skiptoken=1"} ',
    )
    expect(page.records.map(({ bytes }) => bytes.toString())).toEqual(['{"id":"a","n":1.0e2}', '{"id":7,"value":[{}]}'])
    expect(page.records.map(({ id }) => id)).toEqual(['a', '7'])
    expect(page.records[0]?.fields).toEqual({ id: 'a', n: 100 })
    expect(page.nextLink).toBe('https://h/p?$skiptoken=1')
  })

  test.each(['{"value":[]}', '{"value":[],"@odata.nextLink":null}', '{"@odata.nextLink":"","v\\u0061lue":[ ]}'])(
    'the last page may be empty: %s',
    (text) => expect(split(text)).toEqual({ records: [], nextLink: undefined }),
  )

  test.each(['{}', '{"id":null}', '{"id":""}', '{"id":{}}', `{"id":"${'a'.repeat(1_025)}"}`])(
    'a record without a usable id goes by its hash: %.20s',
    (record) => {
      const [first] = split(`{"value":[${record}]}`).records
      expect(first?.id).toMatch(/^sha256:[0-9a-f]{64}$/)
      expect(first?.bytes.toString()).toBe(record)
    },
  )

  test.each([
    '',
    '<html>',
    'null',
    '[]',
    '{}',
    '{"value":null}',
    '{"value":{}}',
    '{"value":[1]}',
    '{"value":[null]}',
    '{"value":[{} {}]}',
    '{"value":[{}]',
    '{"value":[{}]} {}',
    '{"value":[],}',
    '{"value":[{}],"@odata.nextLink":7}',
    '{"error":{"code":"x","message":"y"}}',
  ])('anything else is no page: %s', (text) => {
    expect(() => split(text)).toThrow(expect.objectContaining({ code: 'RELAY_SOURCE_RESPONSE' }))
  })

  test('a page cut short anywhere is refused', () => {
    const whole =
      '{"value":[{"id":"a","t":"\\u00e9 x"},{"id":"b","deep":[{"x":[1,2]}]}],"@odata.nextLink":"https://h/p"}'
    expect(split(whole).records).toHaveLength(2)
    for (let length = 0; length < whole.length; length++)
      expect(() => split(whole.slice(0, length)), `cut to ${length}`).toThrow(
        expect.objectContaining({ code: 'RELAY_SOURCE_RESPONSE' }),
      )
  })
})
