import { describe, expect, test } from 'vitest'
import { RelayError } from '../errors.ts'
import { checkFilter, compileFilter } from './compile.ts'
import { FilterError } from './problems.ts'
import { activityOf, alertOf } from './samples.ts'
import type { FilterDefinition } from './schema.ts'

const DAY_MS = 86_400_000
const NOW_MS = 1_700_000_000_000

describe('operators', () => {
  const tagged = (definition: FilterDefinition, userTags: readonly string[]) =>
    compileFilter('activity', definition).matches(activityOf({ userTags }), NOW_MS)
  const at = (definition: FilterDefinition, timestampMs: number | undefined) =>
    compileFilter('alert', definition).matches(alertOf({ timestampMs }), NOW_MS)

  test('eq passes when one of the values occurs', () => {
    expect(tagged({ 'user.tags': { eq: ['a', 'b'] } }, ['b', 'c'])).toBe(true)
    expect(tagged({ 'user.tags': { eq: ['a', 'b'] } }, ['c'])).toBe(false)
    expect(tagged({ 'user.tags': { eq: ['a', 'b'] } }, [])).toBe(false)
  })
  test('neq passes when none of the values occurs, an absent value included', () => {
    expect(tagged({ 'user.tags': { neq: ['a', 'b'] } }, ['b', 'c'])).toBe(false)
    expect(tagged({ 'user.tags': { neq: ['a', 'b'] } }, ['c'])).toBe(true)
    expect(tagged({ 'user.tags': { neq: ['a', 'b'] } }, [])).toBe(true)
  })
  test('deq passes when some value is outside the list', () => {
    expect(tagged({ 'user.tags': { deq: ['a', 'b'] } }, ['b', 'c'])).toBe(true)
    expect(tagged({ 'user.tags': { deq: ['a', 'b'] } }, ['a', 'b'])).toBe(false)
    expect(tagged({ 'user.tags': { deq: ['a', 'b'] } }, [])).toBe(false)
  })
  test('deq works on entities and addresses', () => {
    const alert = alertOf({ ips: ['10.0.0.7', '192.0.2.1'] })
    const passes = (definition: FilterDefinition) => compileFilter('alert', definition).matches(alert, NOW_MS)
    expect(passes({ 'entity.ip': { deq: '10.0.0.7' } })).toBe(true)
    expect(passes({ 'entity.ip': { deq: ['10.0.0.7', '192.0.2.1'] } })).toBe(false)
    expect(passes({ 'entity.entity': { deq: 'file-1' } })).toBe(true)
  })
  test('isset false asks for absence, isnotset false for presence', () => {
    expect(tagged({ 'user.tags': { isset: true } }, ['a'])).toBe(true)
    expect(tagged({ 'user.tags': { isset: false } }, ['a'])).toBe(false)
    expect(tagged({ 'user.tags': { isnotset: true } }, [])).toBe(true)
    expect(tagged({ 'user.tags': { isnotset: false } }, [])).toBe(false)
  })
  test('range is a list of spans, inclusive at both ends', () => {
    const date = {
      range: [
        { start: 10, end: 20 },
        { start: 30, end: 40 },
      ],
    }
    expect([9, 10, 20, 21, 30, 40, 41].map((time) => at({ date }, time))).toEqual([
      false,
      true,
      true,
      false,
      true,
      true,
      false,
    ])
  })
  test('a range may be one object instead of a list', () =>
    expect(at({ date: { range: { start: 10, end: 20 } } }, 15)).toBe(true))
  test('gt and lt exclude the bound, gte and lte include it', () => {
    expect(['gt', 'gte', 'lt', 'lte'].map((operator) => at({ date: { [operator]: 10 } }, 10))).toEqual([
      false,
      true,
      false,
      true,
    ])
  })
  test('gte_ndays passes the last N days, lte_ndays what is N days old or older', () => {
    expect(at({ date: { gte_ndays: 7 } }, NOW_MS - 7 * DAY_MS)).toBe(true)
    expect(at({ date: { gte_ndays: 7 } }, NOW_MS - 7 * DAY_MS - 1)).toBe(false)
    expect(at({ date: { lte_ndays: 7 } }, NOW_MS - 7 * DAY_MS)).toBe(true)
    expect(at({ date: { lte_ndays: 7 } }, NOW_MS - 7 * DAY_MS + 1)).toBe(false)
  })
  test('gte_ndays follows the time it is given', () => {
    const filter = compileFilter('alert', { date: { gte_ndays: 1 } })
    const alert = alertOf({ timestampMs: NOW_MS })
    expect([NOW_MS, NOW_MS + 2 * DAY_MS, NOW_MS].map((nowMs) => filter.matches(alert, nowMs))).toEqual([
      true,
      false,
      true,
    ])
  })
  test('a time that is missing passes no time operator', () => {
    for (const condition of [{ gte: 0 }, { lte: 10 }, { gte_ndays: 1 }, { lte_ndays: 1 }])
      expect(at({ date: condition }, undefined)).toBe(false)
  })
  test('text compares without case, ids exactly', () => {
    const activity = activityOf({ userName: 'ADELE@contoso.com', userTags: ['Tag'] })
    expect(compileFilter('activity', { 'user.username': { eq: 'adele@CONTOSO.com' } }).matches(activity, 0)).toBe(true)
    expect(compileFilter('activity', { 'user.tags': { eq: 'tag' } }).matches(activity, 0)).toBe(false)
  })
})

describe('compileFilter', () => {
  test('an empty filter passes everything', () =>
    expect(compileFilter('alert', {}).matches(alertOf(), NOW_MS)).toBe(true))
  test('fields and operators of one field are joined with AND', () => {
    const alert = alertOf({ timestampMs: 15 })
    const passes = (definition: FilterDefinition) => compileFilter('alert', definition).matches(alert, NOW_MS)
    expect(passes({ severity: { eq: [2] }, read: { eq: true } })).toBe(true)
    expect(passes({ severity: { eq: [2] }, read: { eq: false } })).toBe(false)
    expect(passes({ date: { gte: 10, lte: 20 } })).toBe(true)
    expect(passes({ date: { gte: 10, lte: 14 } })).toBe(false)
  })
  test('throws every problem with its path, as a configuration error', () => {
    const definition = { severity: { eq: [1, 7], in: [2] }, sevrity: { eq: [1] } }
    const error = catchError(() => compileFilter('alert', definition))
    expect(error).toBeInstanceOf(FilterError)
    expect(error).toBeInstanceOf(RelayError)
    const { code, problems, message } = error as FilterError
    expect(code).toBe('RELAY_CONFIG_INVALID')
    expect(problems.map((problem) => problem.path)).toEqual([['severity', 'eq', 1], ['severity', 'in'], ['sevrity']])
    expect(message).toContain('severity / in: there is no `in`; eq takes a list')
    expect(checkFilter('alert', definition)).toEqual(problems)
  })
  test('throws on an event of another kind, so that the caller counts it and lets it pass', () =>
    expect(() => compileFilter('alert', { severity: { eq: 2 } }).matches(activityOf(), NOW_MS)).toThrow(TypeError))
})

function catchError(work: () => unknown): unknown {
  try {
    work()
  } catch (error) {
    return error
  }
  return undefined
}
