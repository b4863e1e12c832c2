import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { csvCells } from './csv.ts'
import { type ReadRow, type RowFormat, RowReader } from './reader.ts'

const row = { TimeGenerated: '2026-11-24T10:00:00.000Z', AppName: 'Box' }
const line = (n: number): string => JSON.stringify({ ...row, TotalEvents: n })

/** What comes of the bytes, cut into chunks of a size. */
function read(format: RowFormat, content: string | Buffer, chunkBytes = 65_536, rowBytesMax = 1_000): ReadRow[] {
  const reader = new RowReader(format, rowBytesMax)
  const bytes = Buffer.from(content)
  const rows: ReadRow[] = []
  for (let i = 0; i < bytes.length; i += chunkBytes) rows.push(...reader.push(bytes.subarray(i, i + chunkBytes)))
  return [...rows, ...reader.end()]
}
const valuesOf = (rows: readonly ReadRow[]) =>
  rows.map((one) => ('id' in one ? JSON.parse(one.value.toString()) : one.problems))
const numbersOf = (rows: readonly ReadRow[]) =>
  valuesOf(rows).map((value) => (Array.isArray(value) ? value : Number(value.TotalEvents)))
const problemsOf = (rows: readonly ReadRow[]) =>
  rows.flatMap((one) => ('id' in one ? [] : [[one.place, one.reason, ...one.problems]]))

describe('rows', () => {
  const ndjson = `${line(1)}\r\n\n${line(2)}\n${line(3)}`
  const list = `\n[${line(1)} ,\n${line(2)},${line(3)}] \n`
  const csv =
    'TimeGenerated,AppName,TotalEvents\r\n2026-11-24T10:00:00Z,Box,1\r\n2026-11-24T10:00:00Z,Box,2\n2026-11-24T10:00:00Z,Box,"3"'

  test.each([
    ['ndjson', ndjson],
    ['json', list],
    ['csv', csv],
  ] as const)('of %s are the same in any chunks, with a byte order mark or without', (format, content) => {
    for (const mark of ['', '\ufeff'])
      for (const chunkBytes of [1, 2, 7, 65_536])
        expect(numbersOf(read(format, mark + content, chunkBytes))).toEqual([1, 2, 3])
  })

  test('of every format are known by the same ids', () => {
    const idsOf = (rows: readonly ReadRow[]) => rows.map((one) => ('id' in one ? one.id : undefined))
    expect(idsOf(read('json', list))).toEqual(idsOf(read('ndjson', ndjson)))
    expect(idsOf(read('csv', csv))).toEqual(idsOf(read('ndjson', ndjson)))
  })

  test.each(['ndjson', 'json', 'csv'] as const)('of %s keep characters that chunks cut in two', (format) => {
    const name = 'Größe 山🙂'
    const content =
      format === 'csv'
        ? `TimeGenerated,AppName,UserName\n${row.TimeGenerated},Box,${name}\n`
        : JSON.stringify({ ...row, UserName: name })
    for (const chunkBytes of [1, 2, 3]) expect(valuesOf(read(format, content, chunkBytes))[0].UserName).toBe(name)
  })

  test('that come as JSON are kept as they came', () => {
    const text = `{ "AppName":"Box",  "TimeGenerated":"2026-11-24T10:00:00Z", "more": 1e2 }`
    for (const [format, content] of [
      ['ndjson', text],
      ['json', `[${text}]`],
      ['json', text],
    ] as const) {
      const [one] = read(format, content)
      expect(one !== undefined && 'id' in one ? one.value.toString() : one).toBe(text)
    }
  })

  test.each(['ndjson', 'json', 'csv'] as const)(
    'of %s that are too long are named and not kept, and the next one is read',
    (format) => {
      const long = 'x'.repeat(5_000)
      const contents = {
        ndjson: `${line(1)}\n"${long}"\n${line(3)}\n`,
        json: `[${line(1)},["${long}"],${line(3)}]`,
        csv: `TimeGenerated,AppName,TotalEvents\n${row.TimeGenerated},a,1\n${row.TimeGenerated},${long},2\n${row.TimeGenerated},a,3\n`,
      }
      const rows = read(format, contents[format], 100)
      expect(numbersOf(rows)).toEqual([1, ['the row is longer than 1000 bytes'], 3])
      expect(rows[1]).toMatchObject({ reason: 'too_long', bytes: undefined })
    },
  )

  test('that are not UTF-8 are named, alone', () => {
    const bytes = Buffer.concat([
      Buffer.from(`${line(1)}\n{"AppName":"`),
      Buffer.from([0xff]),
      Buffer.from(`"}\n${line(3)}`),
    ])
    expect(problemsOf(read('ndjson', bytes))).toEqual([[2, 'not_utf8', 'the row is not UTF-8']])
  })

  test('with wrong columns are named with their problems, at most five', () => {
    const columns = {
      AppScore: 11,
      TotalEvents: -1,
      TotalBytes: -1,
      UploadedBytes: -1,
      DownloadedBytes: -1,
      BlockedEvents: -1,
    }
    const [[place, reason, ...problems] = []] = problemsOf(read('json', `[${JSON.stringify({ ...row, ...columns })}]`))
    expect([place, reason, problems.length]).toEqual([0, 'columns', 5])
    expect(problems[0]).toBe('AppScore: expected a whole number from 0 to 10, not 11')
  })

  test.each(['ndjson', 'csv', 'json'] as const)('of %s in UTF-16 are refused as a whole', (format) =>
    expect(() => read(format, Buffer.from('\ufeff{}', 'utf16le'))).toThrow('it is UTF-16: write it as UTF-8'),
  )
})

describe('NDJSON', () => {
  test('lines that are not JSON are named, without a piece of them', () => {
    const rows = read('ndjson', `secret\n${line(2)}\n{"AppName":"secret"`)
    expect(problemsOf(rows)).toEqual([
      [1, 'malformed', 'the line is not JSON'],
      [3, 'malformed', expect.stringMatching(/^the line is not JSON \(at character 19\)$/)],
    ])
  })

  test('a list where one object a line is expected is an answer', () =>
    expect(problemsOf(read('ndjson', '[]'))).toEqual([[1, 'columns', 'the row is not an object of columns']]))

  test('nothing at all holds no rows', () => expect(read('ndjson', ' \n\n')).toEqual([]))
})

describe('a JSON list', () => {
  test.each([
    ['[]', []],
    [' [ ] ', []],
    ['[1, "a]", null,[2,{"b":"]"}]]', [0, 1, 2, 3]],
    ['[7]', [0]],
  ])('%s has elements at %j', (content, places) => {
    for (const chunkBytes of [1, 100])
      expect(read('json', content, chunkBytes).map(({ place }) => place)).toEqual(places)
  })

  test.each([
    ['', 'it is empty: a list of rows or one row is expected'],
    ['hello', 'it begins with neither [ nor {'],
    [`[${line(1)}`, 'it ends in the middle, at the row with index 1'],
    [`[${line(1)},`, 'it ends in the middle, at the row with index 1'],
    ['{"AppName":"Box"', 'it ends in the middle, at the row with index 0'],
    [`[${line(1)}${line(2)}]`, 'a comma or ] is missing before the row with index 1'],
    [`[${line(1)},]`, 'the row with index 1 is missing'],
    ['[,]', 'the row with index 0 is missing'],
    ['[}', 'the row with index 0 is missing'],
    ['[{"a":]}]', /^the row with index 0 is not JSON|^a comma or \] is missing before the row with index 1/],
    ['[{"a":1]', /^the row with index 0 is not JSON/],
    ['[1] 2', 'something follows the list'],
    ['{}\n{}', 'something follows the object: several rows are a list, or one object a line (NDJSON)'],
  ])('%s is refused: %s', (content, problem) => {
    for (const chunkBytes of [1, 100]) expect(() => read('json', content, chunkBytes)).toThrow(problem)
  })

  test('any list is cut as JSON.parse cuts it', () =>
    fc.assert(
      fc.property(
        fc.array(fc.jsonValue()),
        fc.integer({ min: 1, max: 20 }),
        fc.boolean(),
        (values, chunkBytes, isWide) => {
          const rows = read('json', JSON.stringify(values, null, isWide ? 2 : 0), chunkBytes, 100_000)
          const bytes = rows.map((one) => ('id' in one ? one.value : (one.bytes ?? Buffer.alloc(0))))
          expect(bytes.map((each) => JSON.stringify(JSON.parse(each.toString())))).toEqual(
            values.map((each) => JSON.stringify(each)),
          )
        },
      ),
    ))
})

describe('CSV', () => {
  const head = 'TimeGenerated,AppName,UserName,AppTags'

  test('quoted cells hold commas, quotes and line breaks; lines are counted as a text editor does', () => {
    const content = `${head}\r\n${row.TimeGenerated},"a ""b"", c\r\nd",,"[""x"",""y""]"\r\n\r\n${row.TimeGenerated},Box\r\n`
    for (const chunkBytes of [1, 3, 1_000]) {
      const rows = read('csv', content, chunkBytes)
      expect(valuesOf(rows)[0]).toEqual({
        TimeGenerated: row.TimeGenerated,
        AppName: 'a "b", c\r\nd',
        AppTags: '["x","y"]',
      })
      expect(problemsOf(rows)).toEqual([[5, 'malformed', 'the row has 2 cells and the header 4']])
    }
  })

  test('columns are found by the header, whatever its order, case and further columns', () => {
    const content = 'extra,APPID,timegenerated [UTC]\n=cmd(),7,2026-11-24T10:00:00Z\n'
    expect(valuesOf(read('csv', content))).toEqual([
      { extra: '=cmd()', APPID: '7', 'timegenerated [UTC]': '2026-11-24T10:00:00Z' },
    ])
  })

  test('a cell after a closed quote is named', () =>
    expect(problemsOf(read('csv', `${head}\n${row.TimeGenerated},"a"b,c,\n`))).toEqual([
      [2, 'malformed', 'something follows a closing quote before the next comma'],
    ]))

  test.each([
    ['', 'it is empty: a header line is expected'],
    ['\r\n\n', 'it is empty: a header line is expected'],
    ['a;b\n', /^line 1: a header line is expected/],
    ['TimeGenerated;AppName\n', /^line 1: a header line is expected, column names separated by commas/],
    [`${row.TimeGenerated},Box\n`, /^line 1: a header line is expected/],
    ['TimeGenerated,UserName\n', /AppName or AppId$/],
    ['"TimeGenerated"x,AppName\n', /^line 1: a header line/],
    ['TimeGenerated,AppName,appname\n', 'line 1: the header names AppName twice'],
    [
      `${head}\n${row.TimeGenerated},a,b,c\n${row.TimeGenerated},"a,b\n,c\n`,
      'line 3: the quote opened here is never closed',
    ],
    [`TimeGenerated,AppName,${'x'.repeat(2_000)}\n`, /^line 1: a header line is expected/],
  ])('%j is refused: %s', (content, problem) => expect(() => read('csv', content)).toThrow(problem))

  test('cells come back as they were written (RFC 4180)', () =>
    fc.assert(
      fc.property(fc.array(fc.string({ unit: 'binary' }), { minLength: 1 }), (cells) => {
        const text = cells.map((cell) => `"${cell.replaceAll('"', '""')}"`).join(',')
        expect(csvCells(text)).toEqual(cells)
      }),
    ))

  test.each([
    ['a,b', ['a', 'b']],
    ['', ['']],
    [',', ['', '']],
    ['"",a"b,', ['', 'a"b', '']],
    ['"a', undefined],
  ])('%s has the cells %j', (text, cells) => expect(csvCells(text)).toEqual(cells))
})
