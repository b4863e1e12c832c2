import { describe, expect, test } from 'vitest'
import type { Alert } from '../events.ts'
import { explainFilter } from './explain.ts'
import { FilterError } from './problems.ts'
import { activityOf, alertOf } from './samples.ts'
import type { FilterDefinition } from './schema.ts'

const NOW_MS = 1_677_844_800_000 // 2023-03-03T12:00:00Z
const alertSentence = (definition: FilterDefinition, parts: Partial<Alert> = {}) =>
  explainFilter('alert', definition, alertOf(parts), NOW_MS).clauses[0]?.sentence
const activitySentence = (definition: FilterDefinition) =>
  explainFilter('activity', definition, activityOf(), NOW_MS).clauses[0]?.sentence

describe('explainFilter', () => {
  test('names field, value and wish of each clause and marks the one that decides', () => {
    const definition = { read: { eq: true }, severity: { eq: [1, 2] }, source: { eq: 'built-in' } }
    expect(explainFilter('alert', definition, alertOf({ severity: 0 }), NOW_MS)).toEqual({
      matches: false,
      clauses: [
        {
          field: 'read',
          operator: 'eq',
          wanted: true,
          actual: [true],
          passed: true,
          decides: false,
          sentence: 'read is true; wanted true',
        },
        {
          field: 'severity',
          operator: 'eq',
          wanted: [1, 2],
          actual: [0],
          passed: false,
          decides: true,
          sentence: 'severity is 0 (low); wanted one of 1 (medium), 2 (high)',
        },
        {
          field: 'source',
          operator: 'eq',
          wanted: 'built-in',
          actual: ['policy'],
          passed: false,
          decides: false,
          sentence: 'source is "policy" (a policy of the customer); wanted "built-in" (a built-in detection)',
        },
      ],
    })
  })
  test('an empty filter passes without clauses', () =>
    expect(explainFilter('alert', {}, alertOf(), NOW_MS)).toEqual({ matches: true, clauses: [] }))
  test('no clause decides when all passed', () => {
    const { matches, clauses } = explainFilter('alert', { severity: { eq: 2 } }, alertOf(), NOW_MS)
    expect([matches, clauses.map((clause) => clause.decides)]).toEqual([true, [false]])
  })
  test.each([
    [{ severity: { neq: [2] } }, 'severity is 2 (high); wanted anything but 2 (high)'],
    [{ severity: { neq: [2, 1] } }, 'severity is 2 (high); wanted none of 2 (high), 1 (medium)'],
    [{ 'entity.service': { deq: [11161] } }, 'entity.service is "11161"; wanted a value other than "11161"'],
    [
      { 'entity.entity': { eq: [{ id: 'x', saas: 1, inst: 2 }] } },
      'entity.entity is "a7b1c2d3-0000-4000-8000-000000000001", "11161", "5f0c", "file-1", "10.0.0.7"; wanted "x" of app 1 in instance 2',
    ],
    [
      { date: { gte: 1_677_844_800_000 } },
      'date is 2023-03-02T21:10:02.022Z; wanted at or after 2023-03-03T12:00:00.000Z',
    ],
    [
      { date: { gte_ndays: 1 } },
      'date is 2023-03-02T21:10:02.022Z; wanted within the last 1 day, at or after 2023-03-02T12:00:00.000Z',
    ],
    [
      { date: { lte_ndays: 2 } },
      'date is 2023-03-02T21:10:02.022Z; wanted 2 days ago or earlier, at or before 2023-03-01T12:00:00.000Z',
    ],
    [
      { date: { range: [{ start: 0, end: 1 }] } },
      'date is 2023-03-02T21:10:02.022Z; wanted between 1970-01-01T00:00:00.000Z and 1970-01-01T00:00:00.001Z',
    ],
    [
      { id: { eq: ['1', '2', '3', '4', '5', '6', '7'] } },
      'id is "603f704aaf7417985bbf3b22"; wanted one of "1", "2", "3", "4", "5" and 2 more',
    ],
  ])('alert %j', (definition, sentence) => expect(alertSentence(definition)).toBe(sentence))
  test.each([
    [
      { 'ip.address': { doesnotstartwith: ['10.', '203.'] } },
      'ip.address is "203.0.113.9"; wanted no text that starts with "10." or "203."',
    ],
    [
      { 'userAgent.userAgent': { contains: 'curl' } },
      'userAgent.userAgent is "Mozilla/5.0 (Windows NT 10.0; Win64; x64) Edg/110"; wanted text that contains "curl"',
    ],
    [{ 'user.tags': { isnotset: true } }, 'user.tags is "5c0a", "5c0b"; wanted no value'],
    [{ 'device.type': { eq: [null] } }, 'device.type is "DESKTOP" (PC); wanted no value'],
  ])('activity %j', (definition, sentence) => expect(activitySentence(definition)).toBe(sentence))
  test('a missing value is said', () =>
    expect(alertSentence({ severity: { eq: 1 } }, { severity: undefined })).toBe(
      'severity has no value; wanted 1 (medium)',
    ))
  test('text of a record is cut and cannot steer a terminal', () => {
    const accounts = [
      { ...alertOf().accounts[0]!, upn: `\u001b[2J\u202e${'x'.repeat(2000)}`, email: '', label: '', id: '' },
    ]
    const { clauses } = explainFilter('alert', { 'entity.user': { eq: 'a' } }, alertOf({ accounts }), NOW_MS)
    expect(clauses[0]?.actual[0]).toHaveLength(257)
    expect(clauses[0]?.sentence).toHaveLength('entity.user is ""; wanted "a"'.length + 81)
    expect(JSON.stringify(clauses)).not.toMatch(/\\u001b|\u202e/)
  })
  test('at most 20 values of a record are listed', () => {
    const ips = Array.from({ length: 10_000 }, (_, index) => `ip-${index}`)
    const { clauses } = explainFilter('alert', { 'entity.ip': { eq: 'a' } }, alertOf({ ips }), NOW_MS)
    expect(clauses[0]?.actual).toHaveLength(20)
    expect(clauses[0]?.sentence).toContain('"ip-4" and 9995 more')
  })
  test('a clause that throws lets the record pass and says so', () => {
    const broken = { ...alertOf({ severity: 0 }), ips: undefined } as unknown as Alert
    const definition = { 'entity.ip': { eq: 'a' }, severity: { eq: 2 } }
    const { matches, clauses, error } = explainFilter('alert', definition, broken, NOW_MS)
    expect(matches).toBe(true)
    expect(error).toContain('entity.ip could not be evaluated')
    expect(clauses.map((clause) => clause.decides)).toEqual([true, false])
  })
  test('a clause that fails before another throws keeps the record out', () => {
    const broken = { ...alertOf({ severity: 0 }), ips: undefined } as unknown as Alert
    const definition = { severity: { eq: 2 }, 'entity.ip': { eq: 'a' } }
    const { matches, error } = explainFilter('alert', definition, broken, NOW_MS)
    expect([matches, error]).toEqual([false, undefined])
  })
  test('an event of another kind passes with the reason', () => {
    const { matches, error } = explainFilter('alert', { severity: { eq: 2 } }, activityOf(), NOW_MS)
    expect([matches, error]).toEqual([true, 'a filter for alert events was given an event of kind activity'])
  })
  test('throws the problems of a filter that cannot be used', () =>
    expect(() => explainFilter('alert', { severity: { in: [1] } }, alertOf(), NOW_MS)).toThrow(FilterError))
})
