import { describe, expect, test } from 'vitest'
import { discoveryColumns } from '../discovery/row.ts'
import type { DiscoveryRecord } from '../events.ts'
import { checkFilter, compileFilter } from './compile.ts'
import { explainFilter } from './explain.ts'
import { filterReference } from './reference.ts'
import { alertOf } from './samples.ts'
import type { FilterDefinition } from './schema.ts'

const record: DiscoveryRecord = {
  kind: 'discovery',
  tenant: 'contoso',
  source: 'contoso',
  id: 'r1',
  timestampMs: 1_563_879_635_858,
  row: {
    TimeGenerated: '2019-07-23T11:00:35.858Z',
    StreamName: 'Marketing Department',
    TotalEvents: 122,
    BlockedEvents: 0,
    UploadedBytes: 1_514_874,
    UserName: 'Raegan@contoso.com',
    AppName: 'Microsoft OneDrive for Business',
    AppId: 15_600,
    AppCategory: 'Cloud storage',
    AppTags: ['sanctioned', 'Finance'],
    AppScore: 10,
  },
}

/** Expected by hand. */
const cases: readonly [passes: boolean, definition: FilterDefinition][] = [
  [true, { streamName: { eq: ['marketing department', 'Köln'] } }],
  [true, { StreamName: { eq: 'Marketing Department' } }],
  [false, { streamName: { neq: ['Marketing Department'] } }],
  [true, { appId: { eq: [15600] } }],
  [true, { appId: { eq: '15600' } }],
  [false, { appId: { neq: 15600 } }],
  [true, { appName: { contains: 'onedrive' } }],
  [true, { appTags: { eq: ['finance'] } }],
  [false, { appTags: { neq: ['sanctioned'] } }],
  [true, { appTags: { isset: true } }],
  [true, { appScore: { gte: 10 } }],
  [false, { appScore: { lt: 10 } }],
  [false, { appScore: { gt: 10 } }],
  [true, { appScore: { lte: '10' } }],
  [true, { uploadedBytes: { gt: 1_000_000 }, blockedEvents: { eq: 0 } }],
  [false, { downloadedBytes: { gte: 0 } }],
  [true, { downloadedBytes: { isnotset: true } }],
  [true, { userName: { endswith: '@contoso.com' } }],
  [true, { enrichedUserName: { isset: false } }],
  [true, { ipAddress: { eq: null } }],
  [true, { date: { gte: 1_563_879_635_858 } }],
  [false, { TimeGenerated: { gt: 1_563_879_635_858 } }],
]

describe('a discovery filter', () => {
  test.each(cases)('%s: %j', (passes, definition) => {
    expect(compileFilter('discovery', definition).matches(record, 0)).toBe(passes)
    expect(explainFilter('discovery', definition, record, 0)).toMatchObject({ matches: passes })
  })

  test('can name every column that says something', () => {
    const names = new Set(filterReference('discovery').flatMap(({ field, aliases }) => [field, ...aliases]))
    const silent = ['TenantId', 'SourceSystem', 'Type']
    expect(discoveryColumns.filter((column) => !names.has(column))).toEqual(silent)
  })

  test.each([
    [{ appScore: { gte: 'high' } }, 'gte takes one number, not "high"'],
    [{ appScore: { gte: [1] } }, 'gte takes one number, not a list'],
    [{ severity: { eq: 1 } }, 'is a field of alerts; discovery records do not have it'],
    [{ appname: { eq: 'x' } }, 'there is no field appname; did you mean appName?'],
  ])('%j is refused: %s', (definition, message) =>
    expect(checkFilter('discovery', definition as FilterDefinition).map((problem) => problem.message)).toEqual([
      message,
    ]),
  )

  test('says what a bound wanted in numbers', () =>
    expect(explainFilter('discovery', { appScore: { lt: 4 } }, record, 0).clauses[0]?.sentence).toBe(
      'appScore is 10; wanted less than 4',
    ))

  test('does not judge events of another kind', () =>
    expect(() => compileFilter('discovery', { appId: { eq: 1 } }).matches(alertOf(), 0)).toThrow(TypeError))
})
