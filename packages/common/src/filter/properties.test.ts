import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Activity, ActivityObject, Alert, AlertEntity, MdaSeverity } from '../events.ts'
import { compileFilter } from './compile.ts'
import { explainFilter } from './explain.ts'
import { FilterError } from './problems.ts'
import { filterReference } from './reference.ts'
import type { FilterDefinition } from './schema.ts'

/** Few distinct words, so that values of filters and events meet; some text as an attacker would write it. */
const word = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom('', 'a', 'A', 'b', 'ab', '1', '2', 'x@a', 'null', 'block', '__proto__') },
  { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 20 }) },
)
const words = fc.array(word, { maxLength: 3 })
const number = fc.option(fc.integer({ min: 0, max: 5 }), { nil: undefined })
const time = fc.option(fc.oneof(fc.integer({ min: 0, max: 9 }), fc.double()), { nil: undefined })

const entity: fc.Arbitrary<AlertEntity> = fc.record({
  type: fc.constantFrom('account', 'file', 'service', ''),
  id: word,
  label: word,
  instance: word,
  saas: word,
  role: word,
  upn: word,
  email: word,
  policyType: word,
  accountName: word,
  domain: word,
  sid: word,
})
const entities = fc.array(entity, { maxLength: 3 })
const alert: fc.Arbitrary<Alert> = fc.record({
  kind: fc.constant('alert'),
  tenant: word,
  source: word,
  product: fc.constantFrom('cloud-apps', 'identity', 'other'),
  id: word,
  timestampMs: time,
  startMs: time,
  endMs: time,
  alertType: word,
  alertTypeId: number,
  title: word,
  description: word,
  severity: fc.constantFrom<MdaSeverity | undefined>(0, 1, 2, 3, undefined),
  status: number,
  resolution: number,
  resolvedMs: time,
  riskScore: word,
  entities,
  accounts: entities,
  services: entities,
  policies: entities,
  devices: entities,
  ips: words,
  audits: words,
  url: word,
  isBuiltIn: fc.boolean(),
  stories: fc.array(fc.nat(9), { maxLength: 3 }),
})
const object: fc.Arbitrary<ActivityObject> = fc.record({
  id: word,
  name: word,
  type: word,
  role: fc.constantFrom(3, 4, undefined),
  instance: word,
  saas: word,
})
const activity: fc.Arbitrary<Activity> = fc.record({
  kind: fc.constant('activity'),
  tenant: word,
  source: word,
  id: word,
  timestampMs: time,
  createdMs: time,
  eventTypeName: word,
  eventTypeValue: word,
  actionType: word,
  prettyOperationName: word,
  rawOperationName: word,
  description: word,
  userName: word,
  userTags: words,
  appName: word,
  appId: word,
  instance: word,
  clientIP: word,
  ipCategory: number,
  ipTags: words,
  userAgent: word,
  userAgentTags: words,
  deviceType: word,
  deviceTags: words,
  countryCode: word,
  organization: word,
  objects: fc.array(object, { maxLength: 3 }),
  policyIds: words,
  isAdmin: fc.boolean(),
  isImpersonated: fc.boolean(),
  takenAction: word,
  origin: number,
})

const item = fc.oneof(
  fc.constantFrom<unknown>('a', 'A', 'ab', 'b', '1', 0, 1, 2, true, false, null, 'policy', 'x@a a'),
  fc.record({ id: fc.constantFrom('a', 1), saas: fc.constantFrom('a', 2) }, { requiredKeys: ['id'] }),
  fc.constant({ start: 1, end: 4 }),
)
const value = fc.oneof(item, fc.array(item, { minLength: 1, maxLength: 3 }))

/** Clauses that are usable by themselves, of which filters are put together. */
function usableFilter(kind: 'alert' | 'activity'): fc.Arbitrary<FilterDefinition> {
  const offered = filterReference(kind).flatMap(({ field, operators }) =>
    operators.map((operator) => [field, operator]),
  )
  const clause = fc
    .tuple(fc.constantFrom(...offered), value)
    .map(([[field = '', operator = ''] = [], wanted]) => ({ field, operator, wanted }))
    .filter(({ field, operator, wanted }) => isUsable(kind, { [field]: { [operator]: wanted } }))
  return fc.array(clause, { maxLength: 4 }).map((clauses) => {
    const definition: Record<string, Record<string, unknown>> = {}
    for (const { field, operator, wanted } of clauses) definition[field] = { ...definition[field], [operator]: wanted }
    return definition
  })
}

function isUsable(kind: 'alert' | 'activity', definition: FilterDefinition): boolean {
  try {
    compileFilter(kind, definition)
    return true
  } catch (error) {
    if (error instanceof FilterError && error.problems.length > 0) return false
    throw error
  }
}

const kinds = [
  { kind: 'alert', event: alert, filter: usableFilter('alert') },
  { kind: 'activity', event: activity, filter: usableFilter('activity') },
] as const

describe.each(kinds)('$kind filters', ({ kind, event, filter }) => {
  const passes = (definition: FilterDefinition, judged: Alert | Activity) =>
    compileFilter(kind, definition).matches(judged, 7)

  test('explain agrees with matches, clause by clause, and matches never throws', () => {
    fc.assert(
      fc.property(filter, event, (definition, judged) => {
        const { matches, clauses, error } = explainFilter(kind, definition, judged, 7)
        expect(error).toBeUndefined()
        expect(matches).toBe(passes(definition, judged))
        expect(matches).toBe(clauses.every((clause) => clause.passed))
        expect(clauses.filter((clause) => clause.decides)).toHaveLength(matches ? 0 : 1)
      }),
      { numRuns: 500 },
    )
  })
  test('a filter passes what each of its clauses passes', () => {
    fc.assert(
      fc.property(filter, event, (definition, judged) => {
        const each = Object.entries(definition).flatMap(([field, conditions]) =>
          Object.entries(conditions).map(([operator, wanted]) => passes({ [field]: { [operator]: wanted } }, judged)),
        )
        expect(passes(definition, judged)).toBe(each.every(Boolean))
      }),
      { numRuns: 300 },
    )
  })
  test('anything JSON can say is compiled or refused with problems', () => {
    const names = filterReference(kind).flatMap(({ field, aliases }) => [field, ...aliases])
    const operators = [...new Set(filterReference(kind).flatMap((field) => field.operators)), 'in', 'descendantof']
    const name = fc.oneof(fc.constantFrom(...names), fc.string({ maxLength: 10 }), fc.constant('__proto__'))
    const operator = fc.oneof(fc.constantFrom<string>(...operators), fc.string({ maxLength: 10 }))
    const anything = fc.oneof(value, fc.jsonValue({ maxDepth: 4 }))
    const nearMiss = fc.dictionary(name, fc.oneof(fc.dictionary(operator, anything, { maxKeys: 3 }), anything), {
      maxKeys: 3,
    })
    fc.assert(
      fc.property(fc.oneof(nearMiss, fc.jsonValue()), event, (definition, judged) => {
        const candidate = definition as FilterDefinition
        if (isUsable(kind, candidate)) expect(typeof passes(candidate, judged)).toBe('boolean')
      }),
      { numRuns: 500 },
    )
  })
  test('neq is the opposite of eq, and eq of a list is eq of one of its values', () => {
    const both = filterReference(kind).filter(({ operators }) => operators.includes('eq') && operators.includes('neq'))
    const field = fc.constantFrom(...both.map((entry) => entry.field))
    fc.assert(
      fc.property(field, fc.array(item, { minLength: 1, maxLength: 3 }), event, (name, values, judged) => {
        fc.pre(isUsable(kind, { [name]: { eq: values } }))
        const eq = passes({ [name]: { eq: values } }, judged)
        expect(passes({ [name]: { neq: values } }, judged)).toBe(!eq)
        expect(values.some((single) => passes({ [name]: { eq: single } }, judged))).toBe(eq)
      }),
      { numRuns: 300 },
    )
  })
  test('each negative operator is the opposite of its twin', () => {
    const twins = [
      ['contains', 'ncontains'],
      ['startswith', 'doesnotstartwith'],
      ['isset', 'isnotset'],
    ] as const
    const pairs = filterReference(kind).flatMap(({ field, operators }) =>
      twins
        .filter((twin) => twin.every((operator) => operators.includes(operator)))
        .map((twin) => [field, ...twin] as const),
    )
    fc.assert(
      fc.property(fc.constantFrom(...pairs), value, event, ([name, positive, negative], wanted, judged) => {
        fc.pre(isUsable(kind, { [name]: { [positive]: wanted } }))
        expect(passes({ [name]: { [negative]: wanted } }, judged)).toBe(
          !passes({ [name]: { [positive]: wanted } }, judged),
        )
      }),
      { numRuns: 200 },
    )
  })
})
