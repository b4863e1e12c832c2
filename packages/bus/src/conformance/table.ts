/** The latest value per key of a compacted topic. */
import { describe, expect, test } from 'vitest'
import type { Table } from '../port.ts'
import { append, type MakeHarness, memory, output, record, single, until, values, withLog } from './harness.ts'

const content = (table: Table): Record<string, string> =>
  Object.fromEntries([...table.entries()].map(([key, value]) => [key, value.toString()]))

const deletion = (key: string) => ({ topic: values.name, key, value: null, headers: {} })

export function describeTable(make: MakeHarness): void {
  describe('table', () => {
    test('has the latest value of each key, without the deleted ones, also after a restart', () =>
      withLog(make, async (open) => {
        {
          await using bus = await open()
          await append(bus, [record(values, 'a', '1'), record(values, 'b', '1'), record(values, 'c', '1')])
          await append(bus, [record(values, 'a', '2'), deletion('b'), record(values, 'empty', '')])
          await using table = await bus.table(values)
          expect(content(table)).toEqual({ a: '2', c: '1', empty: '' })
        }
        await using bus = await open()
        await using table = await bus.table(values)
        expect(content(table)).toEqual({ a: '2', c: '1', empty: '' })
        expect([table.get('a')?.toString(), table.get('b')]).toEqual(['2', undefined])
      }))

    test('follows every committed change of a key in order', () =>
      withLog(make, async (open) => {
        await using bus = await open()
        await append(bus, [record(values, 'k', 'before')])
        await using table = await bus.table(values)
        const seen: (string | undefined)[] = []
        const end = table.onChange((key, value) => {
          if (key === 'k') seen.push(value?.toString())
        })
        await append(bus, [record(values, 'k', '1'), record(values, 'k', '2')])
        await append(bus, [deletion('k')])
        await append(bus, [record(values, 'k', '3')])
        await until('all changes are seen', () => seen.length === 4)
        expect(seen).toEqual(['1', '2', undefined, '3'])
        expect(table.get('k')?.toString()).toBe('3')
        end()
        await append(bus, [record(values, 'k', '4')])
        await until('the table has the next value', () => table.get('k')?.toString() === '4')
        expect(seen).toHaveLength(4)
      }))

    test('has what a stage puts into it', () =>
      withLog(make, async (open) => {
        await using bus = await open()
        await using table = await bus.table(values)
        await using _worker = bus.stage({
          group: 'conformance.table',
          inputs: [single],
          batchRecordsMax: 10,
          batchBytesMax: 100_000,
          open: () => ({ process: (batch) => ({ records: batch.map((one) => record(values, one.key, 'staged')) }) }),
        })
        await append(bus, [record(single, 'x', '')])
        await until('the value is there', () => table.get('x')?.toString() === 'staged')
      }))

    test('sees nothing of a transaction that failed', () =>
      withLog(make, async (open) => {
        await using bus = await open()
        const older = await bus.writer('owner', memory)
        const newer = await bus.writer('owner', memory)
        await expect(older.commit({ records: [record(values, 'k', 'zombie')] })).rejects.toMatchObject({
          code: 'RELAY_BUS_FENCED',
        })
        await using table = await bus.table(values)
        const seen: string[] = []
        table.onChange((key) => seen.push(key))
        await newer.commit({ records: [record(values, 'other', 'v'), record(output, 'o', 'v')] })
        await until('the committed value is there', () => table.get('other') !== undefined)
        expect([table.get('k'), seen]).toEqual([undefined, ['other']])
      }))

    test('keeps the value it was given when the giver reuses its bytes', () =>
      withLog(make, async (open) => {
        await using bus = await open()
        await using table = await bus.table(values)
        const bytes = Buffer.from('given')
        await append(bus, [{ topic: values.name, key: 'k', value: bytes, headers: {} }])
        bytes.fill(0)
        await until('the value is there', () => table.get('k') !== undefined)
        expect(table.get('k')?.toString()).toBe('given')
      }))
  })
}
