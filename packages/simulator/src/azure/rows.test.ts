import { describe, expect, test } from 'vitest'
import { keepRow } from './rows.ts'
import { type ColumnType, columnTypes, readRules, type Stream } from './rules.ts'
import { receivedMs, ruleId } from './testing/client.ts'

const name = 'Custom-Test'
const streamOf = (columns: readonly { name: string; type: ColumnType }[] | 'any'): Stream =>
  readRules([{ immutableId: ruleId, streams: { [name]: { columns } } }])
    .get(ruleId)
    ?.get(name) as Stream

const typed = streamOf([
  { name: 'TimeGenerated', type: 'datetime' },
  ...columnTypes.map((type) => ({ name: `a_${type}`, type })),
])
const keep = (row: Record<string, unknown>, stream = typed) => keepRow(row, stream, receivedMs)
const hoursFromReceipt = (hours: number): string => new Date(receivedMs + hours * 3_600_000).toISOString()

describe('columns', () => {
  test('that the stream declares are kept as they came', () => {
    const row = {
      TimeGenerated: '2026-11-24T10:00:00Z',
      a_string: 'größer 東京',
      a_int: -2_147_483_648,
      a_long: 9_007_199_254_740_991,
      a_real: 1.5,
      a_boolean: false,
      a_datetime: '2026-11-24T10:00:00.1234567+02:00',
      a_dynamic: { tags: ['x', { y: null }] },
      a_guid: '0F8FAD5B-D9CB-469F-A165-70867728950E',
    }
    expect(keep(row)).toEqual({
      row,
      droppedColumns: [],
      nulledColumns: [],
      truncatedColumns: [],
      isTimeClamped: false,
    })
  })

  test('that it does not declare are gone, also when only their case differs', () => {
    const outcome = keep({ a_string: 'x', A_String: 'y', Other: 1, constructor: 2 })
    expect(outcome.droppedColumns).toEqual(['A_String', 'Other', 'constructor'])
    expect(Object.keys(outcome.row)).toEqual(['a_string', 'TimeGenerated'])
  })

  test('null is a value of every type', () => {
    const row = Object.fromEntries(columnTypes.map((type) => [`a_${type}`, null]))
    expect(keep(row)).toMatchObject({ row, nulledColumns: [] })
  })

  test.each<readonly [ColumnType, unknown]>([
    ['string', 5],
    ['string', { text: 'x' }],
    ['string', true],
    ['int', '5'],
    ['int', 1.5],
    ['int', 2_147_483_648],
    ['int', true],
    ['long', '5'],
    ['long', 0.5],
    ['long', 1e19],
    ['real', '1.5'],
    ['boolean', 'true'],
    ['boolean', 1],
    ['datetime', receivedMs],
    ['datetime', 'yesterday'],
    ['datetime', '24/11/2026'],
    ['datetime', '2026-13-01T00:00:00Z'],
    ['guid', 'none'],
  ])('a value that is no %s becomes null: %j', (type, value) => {
    const outcome = keep({ [`a_${type}`]: value })
    expect(outcome.row).toMatchObject({ [`a_${type}`]: null })
    expect(outcome.nulledColumns).toEqual([`a_${type}`])
  })

  test('a stream of any columns takes every name a column can have', () => {
    const outcome = keep(JSON.parse('{"Free":[1],"__proto__":{"x":1},"not a name":2}'), streamOf('any'))
    expect(outcome.row).toMatchObject({ Free: [1] })
    expect(outcome.droppedColumns).toEqual(['__proto__', 'not a name'])
  })
})

describe('64 KB', () => {
  test('is kept whole', () => {
    const text = 'é'.repeat(32_768)
    expect(keep({ a_string: text })).toMatchObject({ row: { a_string: text }, truncatedColumns: [] })
  })

  test('is what is left of a longer text, cut between characters', () => {
    const outcome = keep({ a_string: `${'x'.repeat(65_534)}東京` })
    expect(outcome.row.a_string).toBe('x'.repeat(65_534))
    expect(outcome.truncatedColumns).toEqual(['a_string'])
    expect(keep({ a_string: 'y'.repeat(65_537) }).row.a_string).toBe('y'.repeat(65_536))
    expect(keep({ a_string: '😀'.repeat(16_385) }).row.a_string).toBe('😀'.repeat(16_384))
  })

  test('is what is left of a longer dynamic value, which is text from then on', () => {
    const outcome = keep({ a_dynamic: ['x'.repeat(70_000)] })
    expect(outcome.row.a_dynamic).toBe(`["${'x'.repeat(65_534)}`)
    expect(outcome.truncatedColumns).toEqual(['a_dynamic'])
  })
})

describe('TimeGenerated', () => {
  const receivedAt = hoursFromReceipt(0)

  test.each([-48, 0, 24])('is kept %d hours from receipt', (hours) => {
    const TimeGenerated = hoursFromReceipt(hours)
    expect(keep({ TimeGenerated })).toMatchObject({ row: { TimeGenerated }, isTimeClamped: false })
  })

  test.each([-48.001, 24.001])('becomes the time of receipt %d hours from it, and the row stays', (hours) => {
    const outcome = keep({ a_string: 'x', TimeGenerated: hoursFromReceipt(hours) })
    expect(outcome.row).toEqual({ a_string: 'x', TimeGenerated: receivedAt })
    expect(outcome.isTimeClamped).toBe(true)
  })

  test.each([{}, { TimeGenerated: null }])('is the time of receipt where there is none: %j', (row) => {
    expect(keep(row)).toMatchObject({ row: { TimeGenerated: receivedAt }, isTimeClamped: false })
  })

  test('is the time of receipt where it is none, or not declared', () => {
    expect(keep({ TimeGenerated: 1 })).toMatchObject({
      row: { TimeGenerated: receivedAt },
      nulledColumns: ['TimeGenerated'],
    })
    const without = streamOf([{ name: 'a', type: 'string' }])
    expect(keep({ TimeGenerated: receivedAt }, without)).toMatchObject({
      row: { TimeGenerated: receivedAt },
      droppedColumns: ['TimeGenerated'],
    })
  })
})
