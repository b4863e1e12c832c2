import { describe, expect, test } from 'vitest'
import type { Alert } from '../events.ts'
import { compileFilter } from './compile.ts'
import { alertOf, entity } from './samples.ts'
import type { FilterDefinition } from './schema.ts'

const matches = (definition: FilterDefinition, parts: Partial<Alert> = {}) =>
  compileFilter('alert', definition).matches(alertOf(parts), 1_677_900_000_000)

/** Expected by hand from "Alerts API", Filters, and the values of the sample alert. */
const cases: readonly [passes: boolean, definition: FilterDefinition][] = [
  [true, { 'entity.entity': { eq: [{ id: 'a7b1c2d3-0000-4000-8000-000000000001', saas: 11161, inst: 0 }] } }],
  [false, { 'entity.entity': { eq: [{ id: 'a7b1c2d3-0000-4000-8000-000000000001', saas: 10489, inst: 0 }] } }],
  [false, { 'entity.entity': { eq: [{ id: 'a7b1c2d3-0000-4000-8000-000000000001', inst: 7 }] } }],
  [true, { 'entity.entity': { eq: 'file-1' } }],
  [false, { 'entity.entity': { neq: ['file-1'] } }],
  [true, { 'entity.ip': { eq: ['192.0.2.1', '10.0.0.7'] } }],
  [false, { 'entity.ip': { neq: ['10.0.0.7'] } }],
  [true, { 'entity.ip': { startswith: '10.' } }],
  [true, { 'entity.service': { eq: [11161] } }],
  [true, { 'entity.service': { eq: '11161' } }],
  [false, { 'entity.service': { neq: [11161] } }],
  [true, { 'entity.instance': { eq: [1059065] } }],
  [false, { 'entity.instance': { eq: [42] } }],
  [true, { 'entity.policy': { eq: ['5f0c'] } }],
  [false, { 'entity.policy': { eq: ['5F0C'] } }],
  [true, { 'entity.file': { eq: ['file-1'] } }],
  [false, { 'entity.file': { eq: ['11161'] } }],
  [true, { 'entity.user': { eq: 'meganb@CONTOSO.com' } }],
  [true, { 'entity.user': { eq: 'Megan Bowen' } }],
  [false, { 'entity.user': { neq: 'megan@contoso.com' } }],
  [true, { alertOpen: { eq: true } }],
  [false, { alertOpen: { eq: false } }],
  [true, { severity: { eq: [1, 2] } }],
  [false, { severity: { neq: [1, 2] } }],
  [true, { severity: { eq: '2' } }],
  [true, { resolutionStatus: { eq: 0 } }],
  [true, { resolutionStatus: { neq: [3, 4] } }],
  [true, { read: { eq: true } }],
  [false, { read: { eq: [false] } }],
  [true, { date: { gte: 1_677_791_402_022 } }],
  [false, { date: { lte: 1_677_791_402_021 } }],
  [true, { resolutionDate: { range: [{ start: 1_677_800_000_000, end: 1_677_800_000_001 }] } }],
  [true, { risk: { eq: [7] } }],
  [true, { risk: { neq: [8] } }],
  [true, { alertType: { eq: 15_728_641 } }],
  [true, { alertType: { eq: 'ALERT_CABINET_EVENT_MATCH_AUDIT' } }],
  [false, { alertType: { neq: ['15728641'] } }],
  [true, { id: { eq: '603f704aaf7417985bbf3b22' } }],
  [false, { ID: { neq: ['603f704aaf7417985bbf3b22'] } }],
  [true, { source: { eq: 'policy' } }],
  [false, { source: { eq: 'built-in' } }],
]

describe('alert fields', () => {
  test.each(cases)('%s: %j', (passes, definition) => expect(matches(definition)).toBe(passes))

  test('alertOpen false passes any resolution but open', () =>
    expect(matches({ alertOpen: { eq: false } }, { resolution: 5 })).toBe(true))
  test('alertOpen passes neither way when the record does not say', () => {
    expect(matches({ alertOpen: { eq: false } }, { resolution: undefined })).toBe(false)
    expect(matches({ alertOpen: { eq: true } }, { resolution: undefined })).toBe(false)
  })
  test('an archived alert counts as read', () => expect(matches({ read: { eq: true } }, { status: 2 })).toBe(true))
  test('an app or instance the record lacks is not compared', () => {
    const entities = [entity({ type: 'account', id: 'x' })]
    expect(matches({ 'entity.entity': { eq: [{ id: 'x', saas: 11161, inst: 0 }] } }, { entities })).toBe(true)
  })
  test('a risk score that is no number is absent', () => {
    expect(matches({ risk: { eq: [0] } }, { riskScore: '' })).toBe(false)
    expect(matches({ risk: { neq: [0] } }, { riskScore: 'high' })).toBe(true)
  })
})
