import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { FilterField } from '../../src/contract/records.ts'
import { clausesOf, filterOf, meaningOf, operatorText, parseFilter, readValue } from './model.ts'

const severity: FilterField = {
  field: 'severity',
  aliases: [],
  operators: ['eq', 'neq'],
  addedOperators: [],
  type: 'number',
  values: [{ value: 2, meaning: 'high' }],
  note: '',
}

test('a filter becomes clauses and the same filter again', () => {
  const name = fc.string({ minLength: 1 }).filter((text) => text !== '__proto__')
  const filters = fc.dictionary(name, fc.dictionary(name, fc.jsonValue(), { minKeys: 1, maxKeys: 3 }), { maxKeys: 5 })
  fc.assert(
    fc.property(filters, (filter) => {
      expect(filterOf(clausesOf(filter))).toEqual({ ...filter })
    }),
  )
})

test('a field may be named like something every object has', () => {
  const filter = { toString: { eq: [1], neq: [2] } }
  expect(Object.entries(filterOf(clausesOf(filter as never)))).toEqual(Object.entries(filter))
})

test('filterOf leaves out a clause whose field is not chosen yet', () => {
  expect(filterOf([{ field: '', operator: 'eq', value: [] }])).toEqual({})
})

describe('readValue', () => {
  test('reads numbers for a field of numbers, and leaves other text to the relay', () => {
    expect(readValue(' 2 ', severity)).toBe(2)
    expect(readValue('high', severity)).toBe('high')
  })

  test('keeps digits as text for a field of ids', () =>
    expect(readValue('007', { ...severity, type: 'id' })).toBe('007'))

  test('reads entities written as JSON', () => {
    expect(readValue('{"id":"a","saas":11161}', { ...severity, type: 'entity' })).toEqual({ id: 'a', saas: 11161 })
  })

  test('null asks for records without a value', () => expect(readValue('null', severity)).toBeNull())
})

test('values are shown with their meaning, operators of times as before and after', () => {
  expect(meaningOf(2, severity)).toBe('high (2)')
  expect(meaningOf(7, severity)).toBe('7')
  expect(operatorText('gt', { ...severity, type: 'time' })).toBe('is after')
  expect(operatorText('gt', severity)).toBe('is above')
})

describe('parseFilter', () => {
  test('takes a filter, and nothing as the empty one', () => {
    expect(parseFilter('{"severity":{"eq":[2]}}')).toEqual({ filter: { severity: { eq: [2] } } })
    expect(parseFilter('  ')).toEqual({ filter: {} })
  })

  test('says what is missing', () => {
    expect(parseFilter('[1]').error).toContain('is an object')
    expect(parseFilter('{"severity":2}').error).toContain('severity needs an operator')
    expect(parseFilter('{').error).toContain('not JSON')
  })
})
