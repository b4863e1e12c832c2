import { describe, expect, test } from 'vitest'
import { discoveryColumnOf, discoveryColumns, readDiscoveryRow } from './row.ts'
import { discoveryRowId } from './row-id.ts'

/** The examples of Microsoft's table. */
const sampleRow = {
  TenantId: 'b459b4u5-912x-46d5-9cb1-p43069212nb4',
  SourceSystem: 'Azure',
  'TimeGenerated [UTC]': '2019-07-23T11:00:35.858Z',
  StreamName: 'Marketing Department',
  TotalEvents: 122,
  BlockedEvents: 0,
  UploadedBytes: '1,514,874',
  TotalBytes: '4,067,785',
  DownloadedBytes: '2,552,911',
  IpAddress: '127.0.0.0',
  UserName: 'Raegan@contoso.com',
  EnrichedUserName: 'Raegan@contoso.com',
  AppName: 'Microsoft OneDrive for Business',
  AppId: 15_600,
  AppCategory: 'Cloud storage',
  AppTags: '["sanctioned"]',
  AppScore: 10,
  Type: 'McasShadowItReporting',
}

const minimal = { TimeGenerated: '2026-11-24T10:00:00Z', AppName: 'Box' }
const rowOf = (value: unknown) => {
  const reading = readDiscoveryRow(value)
  if ('problems' in reading) throw new Error(reading.problems.join('; '))
  return reading.row
}
const problemsOf = (value: unknown) => {
  const reading = readDiscoveryRow(value)
  return 'problems' in reading ? reading.problems : []
}

describe('a discovery row', () => {
  test('as the specification writes it is read into 18 columns', () => {
    const row = rowOf(sampleRow)
    expect(Object.keys(row)).toEqual(discoveryColumns)
    expect(row).toMatchObject({
      TimeGenerated: '2019-07-23T11:00:35.858Z',
      UploadedBytes: 1_514_874,
      TotalBytes: 4_067_785,
      BlockedEvents: 0,
      AppTags: ['sanctioned'],
      AppScore: 10,
    })
  })

  test.each([
    ['2019-07-23 11:00:35', '2019-07-23T11:00:35.000Z'],
    ['2019-07-23T11:00:35', '2019-07-23T11:00:35.000Z'],
    ['2019-07-23T11:00:35.8581234Z', '2019-07-23T11:00:35.858Z'],
    ['2019-07-23T13:00:35+02:00', '2019-07-23T11:00:35.000Z'],
    ['7/23/2019, 11:00:35.858 PM', '2019-07-23T23:00:35.858Z'],
    ['7/3/2019, 12:00:35 AM', '2019-07-03T00:00:35.000Z'],
    [1_563_879_635_858, '2019-07-23T11:00:35.858Z'],
  ])('with the time %j happened at %s', (given, iso) =>
    expect(rowOf({ ...minimal, TimeGenerated: given }).TimeGenerated).toBe(iso),
  )

  test.each([
    ['["a","b"]', ['a', 'b']],
    ['a; b,', ['a', 'b']],
    [['a', ''], ['a']],
    [[], []],
  ])('with the tags %j has %j', (given, tags) => expect(rowOf({ ...minimal, AppTags: given }).AppTags).toEqual(tags))

  test('leaves null, empty and unknown columns out, and takes column names in any case', () =>
    expect(
      rowOf({ timegenerated: minimal.TimeGenerated, APPNAME: 'Box', UserName: null, IpAddress: '', MG: 'x' }),
    ).toEqual({
      TimeGenerated: '2026-11-24T10:00:00.000Z',
      AppName: 'Box',
    }))

  test.each([
    [{ TotalEvents: -1 }, 'TotalEvents: expected a whole number from 0 on, not -1'],
    [{ TotalEvents: '1,2' }, 'TotalEvents: expected a whole number from 0 on, not "1,2"'],
    [{ UploadedBytes: 1.5 }, 'UploadedBytes: expected a whole number from 0 on, not 1.5'],
    [{ DownloadedBytes: 1e300 }, 'DownloadedBytes: expected a whole number from 0 on, not 1e+300'],
    [{ AppScore: 11 }, 'AppScore: expected a whole number from 0 to 10, not 11'],
    [{ AppTags: 5 }, 'AppTags: expected a list of texts like ["sanctioned"], not 5'],
    [{ AppTags: [5] }, 'AppTags: expected a list of texts like ["sanctioned"], not [5]'],
    [{ UserName: { a: 1 } }, 'UserName: expected text, not {"a":1}'],
    [{ TimeGenerated: 'yesterday' }, 'TimeGenerated: expected a time like 2019-07-23T11:00:35.858Z, not "yesterday"'],
    [{ TimeGenerated: null }, 'TimeGenerated: the row has no time'],
    [{ AppName: '' }, 'AppName: the row names no app; AppName or AppId is needed'],
    [{ RecordId: 'a b' }, 'RecordId: expected 1 to 128 visible ASCII characters'],
  ])('with %j is refused with its reason', (columns, problem) =>
    expect(problemsOf({ ...minimal, ...columns })).toEqual([problem]),
  )

  test.each([[null], ['text'], [5], [[]], [undefined]])('is not %j', (value) =>
    expect(problemsOf(value)).toEqual(['the row is not an object of columns']),
  )

  test('shows no more than 40 characters of what is wrong with it', () => {
    const [problem = ''] = problemsOf({ ...minimal, TotalEvents: 'x'.repeat(5_000) })
    expect(problem.length).toBeLessThan(120)
  })

  test('takes nothing from a prototype', () =>
    expect(
      rowOf(JSON.parse('{"TimeGenerated":"2026-11-24T10:00:00Z","AppName":"Box","__proto__":{"UserName":"x"}}')),
    ).toEqual({
      TimeGenerated: '2026-11-24T10:00:00.000Z',
      AppName: 'Box',
    }))
})

test('a header means a column in any case, with or without the zone of its times', () =>
  expect(['timegenerated', 'TimeGenerated [UTC]', ' AppId ', 'MG', ''].map(discoveryColumnOf)).toEqual([
    'TimeGenerated',
    'TimeGenerated',
    'AppId',
    undefined,
    undefined,
  ]))

describe('the id of a row', () => {
  const idOf = (value: unknown) => {
    const reading = readDiscoveryRow(value)
    if ('problems' in reading) throw new Error(reading.problems.join('; '))
    return discoveryRowId(reading.row, reading.recordId)
  }

  test('is the same for the same content in another form', () => {
    const { 'TimeGenerated [UTC]': time, ...rest } = sampleRow
    const reordered = Object.fromEntries(Object.entries({ ...rest, UploadedBytes: 1_514_874 }).reverse())
    expect(idOf({ TimeGenerated: time, ...reordered })).toBe(idOf(sampleRow))
    expect(idOf(sampleRow)).toMatch(/^[0-9a-f]{32}$/)
  })

  test('does not depend on the workspace a row was stored in', () =>
    expect(idOf({ ...sampleRow, TenantId: 'another', Type: 'McasShadowItReporting_CL', SourceSystem: null })).toBe(
      idOf(sampleRow),
    ))

  test.each(discoveryColumns.filter((column) => !['TenantId', 'SourceSystem', 'Type'].includes(column)))(
    'changes with %s',
    (column) => {
      const other = { TimeGenerated: '2026-11-24T10:00:01Z', AppTags: ['x'] } as Record<string, unknown>
      expect(idOf({ ...minimal, [column]: other[column] ?? '7' })).not.toBe(idOf(minimal))
    },
  )

  test('is the one its maker gave', () => expect(idOf({ ...minimal, RecordId: 'row-1' })).toBe('row-1'))
})
