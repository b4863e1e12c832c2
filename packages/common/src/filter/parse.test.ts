import { describe, expect, test } from 'vitest'
import { checkFilter } from './compile.ts'
import { type FilterDefinition, filterSchema } from './schema.ts'

const alertProblems = (definition: unknown) =>
  checkFilter('alert', definition as FilterDefinition).map(({ path, message }) => `${path.join('/')}: ${message}`)
const activityProblems = (definition: unknown) =>
  checkFilter('activity', definition as FilterDefinition).map(({ path, message }) => `${path.join('/')}: ${message}`)

describe('operators a filter cannot use', () => {
  test('there is no `in`', () =>
    expect(alertProblems({ severity: { in: [1] } })).toEqual(['severity/in: there is no `in`; eq takes a list']))
  test('an operator the field lacks names those it has', () =>
    expect(alertProblems({ severity: { contains: 'high' } })).toEqual([
      'severity/contains: severity has no operator contains; it has eq, neq',
    ]))
  test('a misspelt operator is corrected', () =>
    expect(activityProblems({ 'user.username': { startwith: 'a' } })[0]).toContain('(did you mean startswith?)'))
  test('cabinetmatchedrulesequals is for files', () =>
    expect(activityProblems({ policy: { cabinetmatchedrulesequals: ['x'] } })[0]).toContain('belongs to file filters'))
  test.each(['descendantof', 'ndescendantof'])('%s needs a hierarchy no record holds', (operator) =>
    expect(activityProblems({ 'user.tags': { [operator]: ['x'] } })[0]).toContain('hierarchy'),
  )
  test('prototype names are no operators and no fields', () => {
    const definition: unknown = JSON.parse(
      '{"severity":{"__proto__":1,"constructor":2},"__proto__":{"eq":1},"toString":{}}',
    )
    expect(alertProblems(definition)).toHaveLength(4)
  })
})

describe('fields a filter cannot use', () => {
  test('a misspelt field is corrected', () => {
    expect(alertProblems({ sevrity: { eq: 1 } })).toEqual([
      'sevrity: there is no field sevrity; did you mean severity?',
    ])
    expect(alertProblems({ Severity: { eq: 1 } })[0]).toContain('did you mean severity?')
    expect(activityProblems({ 'user.userName': { eq: 'a' } })[0]).toContain('did you mean user.username?')
  })
  test('a field of the other kind is named as such', () =>
    expect(activityProblems({ severity: { eq: 1 } })).toEqual([
      'severity: is a field of alerts; activities do not have it',
    ]))
  test('a field like nothing known lists the fields', () =>
    expect(alertProblems({ qqqqqqqqqqqq: { eq: 1 } })[0]).toContain('alerts have entity.entity, entity.ip'))
  test.each([
    'user.orgUnit',
    'activity.alertId',
    'fileSelector',
    'fileLabels',
    'office365url',
    'activity.azureSubscriptions',
  ])('%s is refused, not passed silently', (field) =>
    expect(activityProblems({ [field]: { eq: 'x' } })[0]).toContain(
      'cannot be evaluated from the records the API returns',
    ),
  )
})

describe('values a filter cannot use', () => {
  test.each([
    [{ severity: { eq: [1, 4] } }, 'severity/eq/1: takes 0 (low), 1 (medium), 2 (high), 3 (informational), not 4'],
    [{ severity: { eq: 'high' } }, 'severity/eq: takes 0 (low), 1 (medium), 2 (high), 3 (informational), not "high"'],
    [
      { severity: { eq: { $gt: '' } } },
      'severity/eq: takes 0 (low), 1 (medium), 2 (high), 3 (informational), not an object',
    ],
    [{ severity: { eq: [] } }, 'severity/eq: eq has an empty list; name at least one value'],
    [{ severity: 2 }, 'severity: takes an object of operators, for example {"eq": …}'],
    [{ severity: {} }, 'severity: has no operator and would pass everything; remove it, or write {"eq": …}'],
    [{ read: { eq: 1 } }, 'read/eq: takes true or false, not 1'],
    [{ id: { eq: [2 ** 53] } }, 'id/eq/0: takes ids as text or whole numbers, not 9007199254740992'],
    [{ id: { eq: '' } }, 'id/eq: eq has an empty text; eq null asks for records without a value'],
    [{ id: { eq: 'x'.repeat(1025) } }, 'id/eq: is longer than 1024 characters'],
    [
      { date: { gte: '2023-03-02T21:10:02.022Z' } },
      'date/gte: takes milliseconds since 1970-01-01, not "2023-03-02T21:10:02.022Z"; write 1677791402022',
    ],
    [
      { date: { gte: 1_677_791_402 } },
      'date/gte: takes milliseconds; 1677791402 looks like seconds: write 1677791402000',
    ],
    [{ date: { gte: [1] } }, 'date/gte: takes milliseconds since 1970-01-01, not a list'],
    [{ date: { gte: Number.POSITIVE_INFINITY } }, 'date/gte: takes milliseconds since 1970-01-01, not Infinity'],
    [{ date: { gte_ndays: -1 } }, 'date/gte_ndays: gte_ndays takes a number of days from 0 to 36500, not -1'],
    [
      { date: { range: [{ start: 2, end: 1 }] } },
      'date/range/0: start is after end, so that nothing can pass; exchange them',
    ],
    [
      { date: { range: [{ start: 2 }] } },
      'date/range/0: range takes objects {"start": …, "end": …} in milliseconds, not an object',
    ],
    [
      { 'entity.entity': { eq: [{ saas: 1 }] } },
      'entity.entity/eq/0: takes entities as {"id": …, "saas": …, "inst": …} or their ids; the id is missing',
    ],
    [
      { 'entity.entity': { eq: [{ id: 'a', role: 3 }] } },
      'entity.entity/eq/0: takes entities as {"id": …, "saas": …, "inst": …} or their ids; it cannot compare role',
    ],
    [{ 'entity.entity': { eq: [{ id: 'a', inst: {} }] } }, 'entity.entity/eq/0/inst: takes an id, not an object'],
    [[], ': a filter is an object {"<field>": {"<operator>": value}}'],
  ])('%j', (definition, problem) => expect(alertProblems(definition)).toEqual([problem]))
  test('isset takes a truth value', () =>
    expect(activityProblems({ policy: { isset: 'yes' } })).toEqual([
      'policy/isset: isset takes true or false, not "yes"',
    ]))
  test('text takes one text', () =>
    expect(activityProblems({ text: { text: ['a'] } })).toEqual(['text/text: text takes one text, not a list']))
  test('contains cannot look for null', () =>
    expect(activityProblems({ 'userAgent.userAgent': { contains: [null] } })[0]).toContain('cannot look for null'))
})

describe('bounds', () => {
  test('at most 50 fields', () => {
    const definition = Object.fromEntries(Array.from({ length: 51 }, (_, index) => [`field${index}`, { eq: 1 }]))
    expect(alertProblems(definition)).toEqual([': a filter has at most 50 fields, not 51'])
  })
  test('1,000 values in a list pass, 1,001 do not', () => {
    const values = (count: number) => Array.from({ length: count }, (_, index) => `id-${index}`)
    expect(alertProblems({ id: { eq: values(1000) } })).toEqual([])
    expect(alertProblems({ id: { eq: values(1001) } })).toEqual([
      'id/eq: eq lists 1001 values; at most 1000 are allowed',
    ])
  })
  test('at most 100 problems are reported', () =>
    expect(alertProblems({ severity: { eq: Array.from({ length: 1000 }, () => 9) } })).toHaveLength(100))
  test('a value nested 10,000 deep is refused without walking it', () => {
    let value: unknown = 1
    for (let depth = 0; depth < 10_000; depth++) value = [value]
    expect(alertProblems({ severity: { eq: value } })[0]).toContain('not a list')
  })
  test('control and reordering characters do not reach a message', () => {
    const [problem] = alertProblems({ '\u001b[31m\u202eqqqqqqqqqqqqqq': { eq: 1 } }).map(
      (line) => line.split('field ')[1],
    )
    expect(problem).not.toMatch(/[\u001b\u202e]/)
  })
})

test('the filters of the documentation are accepted', () => {
  const alerts = {
    severity: { eq: [1, 2] },
    'entity.service': { neq: [11161] },
    date: { gte_ndays: 1 },
    ID: { eq: ['a'] },
  }
  const activities = {
    entity: { eq: [{ id: 'entity-id', saas: 11161, inst: 0 }] },
    date: { range: [{ start: 1, end: 2 }] },
    'ip.category': { neq: [1] },
  }
  expect(alertProblems(filterSchema.parse(alerts))).toEqual([])
  expect(activityProblems(filterSchema.parse(activities))).toEqual([])
})
