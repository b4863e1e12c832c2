import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { RelayError } from '../errors.ts'
import { type Page, splitPage } from './page.ts'

const split = (text: string): Page => splitPage(Buffer.from(text))

function refusal(body: string | Buffer): string {
  try {
    splitPage(Buffer.from(body))
  } catch (error) {
    if (!(error instanceof RelayError)) throw error
    expect(error.code).toBe('RELAY_SOURCE_RESPONSE')
    return error.message
  }
  throw new Error(`accepted: ${body.toString().slice(0, 200)}`)
}

/** Whether JSON.parse takes the text. */
function parses(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}

const record = fc.dictionary(fc.string({ unit: 'binary' }), fc.jsonValue({ maxDepth: 6 })).chain((other) =>
  fc
    .oneof(
      fc.string({ unit: 'binary', minLength: 1, maxLength: 40 }).filter((id) => id.isWellFormed()),
      fc.integer(),
    )
    .map((id) => ({ ...other, _id: id, timestamp: other.timestamp ?? 5 })),
)

describe('a record without a usable _id', () => {
  test.each([
    ['none', '{"id":"b"}'],
    ['an empty record', '{}'],
    ['an empty _id', '{"_id":""}'],
    ['an _id that is an object', '{"_id":{"$oid":"a"}}'],
    ['an endless _id', `{"_id":"${'a'.repeat(2000)}"}`],
  ])('%s: goes on under the hash of its bytes, and the records around it are whole', (_, record) => {
    const { records } = split(`{"data":[{"_id":"a"},${record},{"_id":"c"}],"hasNext":false}`)
    expect(records.map(({ id }) => id)).toEqual([
      'a',
      `sha256:${createHash('sha256').update(record).digest('hex')}`,
      'c',
    ])
    expect(records[1]?.bytes.toString()).toBe(record)
  })
})

describe('splitPage', () => {
  test('gives each record its bytes, id and times', () => {
    const first = '{"_id": "a1","timestamp":1700000000000,"created":1700000000273,"x":{"_id":"no","created":1}}'
    const second = '{ "created" : null, "_id" : 42 }'
    const page = split(`{"data":[${first} , ${second}],"hasNext":true,"total":7,"max":100,"moreThanTotal":false}\n`)
    expect(page.records.map(({ bytes, ...rest }) => ({ ...rest, text: bytes.toString() }))).toEqual([
      { text: first, id: 'a1', timestampMs: 1_700_000_000_000, createdMs: 1_700_000_000_273 },
      { text: second, id: '42', timestampMs: undefined, createdMs: undefined },
    ])
    expect(page).toMatchObject({ hasNext: true, total: 7, nextQueryFilters: undefined, problem: undefined })
  })

  test('an empty page is a page', () => {
    expect(split('{"total":0,"hasNext":false,"data":[ ]}')).toMatchObject({ records: [], hasNext: false, total: 0 })
  })

  test('hands on the filters of the next page', () => {
    const page = split('{"data":[],"hasNext":true,"nextQueryFilters":{"created":{"gte":12,"data":[1]}}}')
    expect(page.nextQueryFilters).toEqual({ created: { gte: 12, data: [1] } })
  })

  test('keys written with escapes are the same keys', () => {
    const page = split('{"d\\u0061ta":[{"_\\u0069d":"x","\\u0063reated":3}],"hasNext":false}')
    expect(page.records[0]).toMatchObject({ id: 'x', createdMs: 3 })
  })

  test('ids are decoded: escapes, unicode', () => {
    const page = split('{"data":[{"_id":"a\\"b\\u00e9é"}],"hasNext":false}')
    expect(page.records[0]?.id).toBe('a"béé')
  })

  test('of repeated keys in a record the last one counts, as in JSON.parse', () => {
    expect(split('{"data":[{"_id":"a","_id":"b"}],"hasNext":false}').records[0]?.id).toBe('b')
  })

  test('only numbers are times', () => {
    const times = ['"5"', 'true', '-1', '1.5e3', '123456789012345680', '[1]', '1e999']
    const page = split(`{"data":[${times.map((t) => `{"_id":"a","timestamp":${t}}`).join(',')}],"hasNext":false}`)
    expect(page.records.map((r) => r.timestampMs)).toEqual([
      undefined,
      undefined,
      -1,
      1500,
      123456789012345680,
      undefined,
      undefined,
    ])
  })

  test('an error answer is a problem, not a page', () => {
    expect(split('{"filters":[{"error":"x is not valid","errorMessageCode":"C"}],"error":true}')).toMatchObject({
      problem: 'x is not valid',
      records: [],
      hasNext: false,
    })
    expect(split('{"error":true,"data":[{"_id":"a"}],"hasNext":false}')).toMatchObject({
      problem: 'error without a description',
      records: [],
    })
  })

  test.each([
    ['nothing', '', /empty/],
    ['white space', ' \n', /empty/],
    ['HTML', '<html><body>Sign in</body></html>', /HTML/],
    ['null', 'null', /no object/],
    ['an array', '[]', /no object/],
    ['an empty object', '{}', /`data` is missing/],
    ['a byte order mark', '\ufeff{"data":[],"hasNext":false}', /byte order mark/],
    ['data that is no list', '{"data":{},"hasNext":false}', /not a list/],
    ['data null', '{"data":null,"hasNext":false}', /not a list/],
    ['data twice', '{"data":[],"data":[],"hasNext":false}', /twice/],
    ['data twice, once with escapes', '{"data":[],"\\u0064ata":[],"hasNext":false}', /twice/],
    ['no hasNext', '{"data":[]}', /hasNext/],
    ['hasNext that is no boolean', '{"data":[],"hasNext":"true"}', /hasNext/],
    ['a record that is a number', '{"data":[1],"hasNext":false}', /not an object/],
    ['a record that is null', '{"data":[{"_id":"a"},null],"hasNext":false}', /not an object/],
    ['a record that is an array', '{"data":[[]],"hasNext":false}', /not an object/],
    ['a trailing comma', '{"data":[{"_id":"a"},],"hasNext":false}', /not an object/],
    ['two values without a comma', '{"data":[{"_id":"a"}{"_id":"b"}],"hasNext":false}', /comma/],
    ['crossed brackets', '{"data":[{"_id":"a","x":[}]],"hasNext":false}', /./],
    ['something behind it', '{"data":[],"hasNext":false}{"data":[]}', /something follows/],
    ['NaN', '{"data":[{"_id":"a","x":NaN}],"hasNext":false}', /misspelt/],
    ['an unknown escape', '{"data":[{"_id":"a","x":"\\x41"}],"hasNext":false}', /escape/],
    ['half a \\u escape', '{"data":[{"_id":"a","x":"\\u12"}],"hasNext":false}', /four hex digits/],
    ['a raw line feed in a string', '{"data":[{"_id":"a","x":"a\nb"}],"hasNext":false}', /control character/],
    ['a nesting bomb', `{"data":[{"_id":"a","x":${'['.repeat(100_000)}`, /nested deeper than 200/],
    ['a nesting bomb beside data', `{"data":[],"x":${'{"a":'.repeat(100_000)}`, /nested deeper than 200/],
  ])('refuses %s', (_, text, message) => {
    expect(refusal(text)).toMatch(message)
  })

  test('takes 200 levels and refuses 201', () => {
    const page = (levels: number): string =>
      `{"data":[{"_id":"a","x":${'['.repeat(levels - 3)}${']'.repeat(levels - 3)}}],"hasNext":false}`
    expect(split(page(200)).records).toHaveLength(1)
    expect(refusal(page(201))).toMatch(/nested deeper/)
  })

  test('a page cut anywhere is refused', () => {
    const whole = Buffer.from(
      JSON.stringify({
        total: 2,
        data: [
          { _id: 'a', timestamp: 1, text: 'é\\"\u2028 😀', list: [1, -2.5e-3, [], {}], flag: true },
          { _id: 'b', created: 2, none: null, deep: { deeper: [{ a: 'x'.repeat(40) }] } },
        ],
        hasNext: false,
      }),
    )
    expect(splitPage(whole).records).toHaveLength(2)
    for (let length = 0; length < whole.length; length++) refusal(whole.subarray(0, length))
  })

  test('a message names the place and never the content', () => {
    expect(refusal('{"data":[{"_id":"secret"')).toBe(
      'the answer is not the expected JSON: a record is not closed (it ends after 24 bytes)',
    )
  })

  test('agrees with JSON.parse on any page, at any address in memory', () => {
    fc.assert(
      fc.property(
        fc.array(record, { maxLength: 6 }),
        fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 4 })),
        fc.boolean(),
        fc.constantFrom(0, 1, 2, '\t'),
        fc.nat({ max: 7 }),
        (data, other, hasNext, indent, shift) => {
          const text = JSON.stringify({ ...other, error: undefined, data, hasNext }, null, indent)
          const body = Buffer.concat([Buffer.alloc(shift), Buffer.from(text)]).subarray(shift)
          const page = splitPage(body)
          expect(page.records.map((r) => JSON.parse(r.bytes.toString()))).toEqual(JSON.parse(text).data)
          expect(page.records.map((r) => r.id)).toEqual(
            JSON.parse(text).data.map((r: { _id: unknown }) => String(r._id)),
          )
          expect(page.hasNext).toBe(hasNext)
        },
      ),
      { numRuns: 300 },
    )
  })

  test('accepts a damaged page exactly when JSON.parse does', () => {
    const value = JSON.stringify({ s: 'a\\"\u00e9\n', n: [-0, 1.5e10, 0.1], t: true, f: false, z: null, o: { k: [] } })
    const head = '{"data":[{"_id":"a","x":'
    const tail = '}],"hasNext":false}'
    fc.assert(
      fc.property(
        fc.nat({ max: value.length }),
        fc.nat({ max: 3 }),
        fc.string({ unit: fc.constantFrom(...'{}[]",:\\/0123456789.-+eEu tfn\n\u0001é'), maxLength: 3 }),
        (at, removed, inserted) => {
          const text = head + value.slice(0, at) + inserted + value.slice(at + removed) + tail
          // `},{` at the right place makes a second record, without an id.
          const fits = parses(text) && JSON.parse(text).data.every((r: object) => '_id' in r)
          let accepted = true
          try {
            split(text)
          } catch {
            accepted = false
          }
          expect(accepted).toBe(fits)
        },
      ),
      { numRuns: 3_000 },
    )
  })
})
