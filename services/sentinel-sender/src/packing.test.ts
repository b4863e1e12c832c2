import { gunzipSync } from 'node:zlib'
import { createGenerator } from '@siem-relay/simulator'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Entry } from './entry.ts'
import { type Packed, packAll, packRaw, packWire } from './packing.ts'
import { RowQueue } from './queue.ts'
import { entriesOf } from './testing/entries.ts'

type Pack = typeof packRaw

function queueOf(rows: readonly (string | Buffer)[]): RowQueue {
  const queue = new RowQueue()
  for (const entry of entriesOf(rows)) queue.push(entry)
  return queue
}

async function packEverything(pack: Pack, rows: readonly (string | Buffer)[], bytesMax: number): Promise<Packed[]> {
  const queue = queueOf(rows)
  const requests: Packed[] = []
  for (let packed = await pack(queue, bytesMax); packed !== undefined; packed = await pack(queue, bytesMax))
    requests.push(packed)
  return requests
}

const unpacked = ({ body }: Packed): Buffer => gunzipSync(body)
const rowsOf = (entries: readonly Entry[]): string[] => entries.map(({ row }) => row.toString())

function discoveryRows(count: number): string[] {
  const generator = createGenerator(7)
  return Array.from({ length: count }, (_, index) => JSON.stringify(generator.discovery(1_767_225_600_000 + index)))
}

/** Rows that hardly compress. */
function noise(count: number, length: number): string[] {
  let seed = 1
  const next = (): string => {
    seed = (seed * 48_271) % 2_147_483_647
    return seed.toString(36)
  }
  return Array.from({ length: count }, () => {
    let text = ''
    while (text.length < length) text += next()
    return JSON.stringify({ x: text.slice(0, length) })
  })
}

describe.each([
  ['raw', packRaw],
  ['wire', packWire],
] as const)('packing: %s', (_, pack) => {
  test('every row is in one request, in order, in an array', async () => {
    const rows = discoveryRows(3_000)
    const requests = await packEverything(pack, rows, 100_000)
    expect(requests.length).toBeGreaterThan(1)
    expect(requests.flatMap(({ entries }) => rowsOf(entries))).toEqual(rows)
    for (const request of requests) {
      const text = unpacked(request)
      expect(text.length).toBe(request.rawBytes)
      expect(JSON.parse(text.toString())).toEqual(rowsOf(request.entries).map((row) => JSON.parse(row)))
    }
  })

  test('rows of many bytes a character count by their bytes', async () => {
    const rows = Array.from({ length: 50 }, (_, index) => JSON.stringify({ x: '山🏴‍☠️é'.repeat(40 + index) }))
    const requests = await packEverything(pack, rows, 4_096)
    expect(requests.flatMap(({ entries }) => rowsOf(entries))).toEqual(rows)
  })

  test('a row that is too large alone is left where it is', async () => {
    const queue = queueOf([...noise(1, 9_000), '{"x":1}'])
    expect(await pack(queue, 4_096)).toBeUndefined()
    expect(queue.isEmpty).toBe(false)
  })

  test('nothing gives nothing', async () => expect(await pack(queueOf([]), 4_096)).toBeUndefined())
})

describe('raw', () => {
  test('no body is above the limit, and none could have taken one row more', () =>
    fc.assert(
      fc.asyncProperty(
        fc.array(fc.string({ unit: 'grapheme', maxLength: 200 }), { minLength: 1, maxLength: 80 }),
        fc.integer({ min: 1_000, max: 5_000 }),
        async (texts, bytesMax) => {
          const rows = texts.map((text) => JSON.stringify({ text }))
          const requests = await packEverything(packRaw, rows, bytesMax)
          expect(requests.flatMap(({ entries }) => rowsOf(entries))).toEqual(rows)
          for (const [index, { rawBytes }] of requests.entries()) {
            expect(rawBytes).toBeLessThanOrEqual(bytesMax)
            const following = requests[index + 1]?.entries[0]?.row.length
            if (following !== undefined) expect(rawBytes + 1 + following).toBeGreaterThan(bytesMax)
          }
        },
      ),
      { numRuns: 50 },
    ))

  test('a body may be as long as the limit to the byte', async () => {
    const row = JSON.stringify({ x: 'a'.repeat(92) })
    expect(row.length).toBe(100)
    // [ + 3 rows + 2 commas + ]
    expect((await packRaw(queueOf([row, row, row]), 304))?.entries).toHaveLength(3)
    expect((await packRaw(queueOf([row, row, row]), 303))?.entries).toHaveLength(2)
  })
})

describe('wire', () => {
  test.each([
    ['discovery rows', discoveryRows(40_000), 262_144],
    ['rows that hardly compress', noise(3_000, 500), 262_144],
    ['one row over and over', Array.from({ length: 60_000 }, () => '{"x":"the same"}'), 16_384],
  ])('%s: no body is above the limit, and full ones are within 2 %% of it', async (_, rows, bytesMax) => {
    const requests = await packEverything(packWire, rows, bytesMax)
    for (const [index, { body }] of requests.entries()) {
      expect(body.length).toBeLessThanOrEqual(bytesMax)
      // One row may be left over; a body that reached the bound on raw bytes is not full.
      if (index < requests.length - 1) expect(body.length).toBeGreaterThan(bytesMax * 0.98 - 600)
    }
  })

  test('takes several times more rows than raw', async () => {
    const rows = discoveryRows(20_000)
    const raw = await packRaw(queueOf(rows), 1_000_000)
    const wire = await packWire(queueOf(rows), 1_000_000)
    expect(wire?.entries.length ?? 0).toBeGreaterThan((raw?.entries.length ?? 0) * 3)
  })
})

test('packAll takes exactly the rows it is given', async () => {
  const entries = entriesOf(['{"a":1}', '{"b":2}'])
  const packed = await packAll(entries)
  expect(unpacked(packed).toString()).toBe('[{"a":1},{"b":2}]')
  expect(packed.rawBytes).toBe(17)
  expect(unpacked(await packAll([])).toString()).toBe('[]')
})
