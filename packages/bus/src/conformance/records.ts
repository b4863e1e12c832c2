/** What is appended is what is read: bytes, keys, headers, order, partitions. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { partitionOf } from '../partitioner.ts'
import type { NewRecord } from '../port.ts'
import { append, type MakeHarness, numbered, readAll, readTexts, record, single, triple, withLog } from './harness.ts'

const text = (bounds: { minLength?: number; maxLength: number }): fc.Arbitrary<string> =>
  fc.string({ unit: 'binary', ...bounds })

const anyRecord: fc.Arbitrary<NewRecord> = fc.record({
  topic: fc.constant(single.name),
  key: text({ maxLength: 200 }),
  value: fc.uint8Array({ maxLength: 2000 }),
  headers: fc.dictionary(
    text({ minLength: 1, maxLength: 20 }).filter((name) => name !== '__proto__'),
    text({ maxLength: 300 }),
    { maxKeys: 5, noNullPrototype: true },
  ),
})

const content = ({ key, value, headers }: Pick<NewRecord, 'key' | 'value' | 'headers'>): unknown => ({
  key,
  value: Buffer.from(value ?? []).toString('hex'),
  headers: { ...headers },
})

export function describeRecords(make: MakeHarness): void {
  describe('records', () => {
    test('survive with any bytes as value and any text as key and headers', () =>
      withLog(make, async (open) => {
        const appended = fc.sample(anyRecord, { numRuns: 300, seed: 1 })
        {
          await using bus = await open()
          await append(bus, appended.slice(0, 200))
          for (const one of appended.slice(200)) await append(bus, [one])
        }
        await using bus = await open()
        expect((await readAll(bus, single)).map(content)).toEqual(appended.map(content))
      }))

    test('an empty value is a value', () =>
      withLog(make, async (open) => {
        await using bus = await open()
        await append(bus, [record(single, 'empty', '')])
        const found = await readAll(bus, single)
        expect(found.map((one) => [one.key, one.value.length])).toEqual([['empty', 0]])
      }))

    test('values of 1 MB survive', () =>
      withLog(make, async (open) => {
        await using bus = await open()
        const large = Buffer.alloc(1_000_000, 'large value ')
        large[999_999] = 1
        const headers = { name: 'value' }
        await append(bus, [record(single, 'before', 'b'), { topic: single.name, key: 'large', value: large, headers }])
        await append(bus, [record(single, 'after', 'a')])
        const found = await readAll(bus, single)
        expect(found.map((one) => one.key)).toEqual(['before', 'large', 'after'])
        expect(found[1]?.value.equals(large)).toBe(true)
      }))

    test('carry their topic, partition, ascending offset and time', () =>
      withLog(make, async (open) => {
        await using bus = await open()
        await append(bus, numbered(single, 5))
        await append(bus, numbered(single, 5, 'later'))
        const found = await readAll(bus, single)
        expect(found.every((one) => one.topic === single.name && one.partition === 0)).toBe(true)
        const offsets = found.map((one) => one.offset)
        expect(offsets).toEqual([...new Set(offsets)].sort((a, b) => a - b))
        expect(found.every((one) => Math.abs(one.appendedMs - Date.now()) < 600_000)).toBe(true)
      }))

    test('go to the partition of their key, as in every Kafka client', () =>
      withLog(make, async (open) => {
        await using bus = await open()
        const keys = [
          '21',
          'foobar',
          'a-little-bit-long-string',
          'abc',
          'é',
          '日本',
          '',
          ...numbered(triple, 50).map((r) => r.key),
        ]
        await append(
          bus,
          keys.map((key) => record(triple, key, key)),
        )
        const found = await readAll(bus, triple)
        expect(found).toHaveLength(keys.length)
        for (const one of found) expect([one.key, one.partition]).toEqual([one.key, partitionOf(one.key, 3)])
      }))

    test('keep their order within a partition', () =>
      withLog(make, async (open) => {
        await using bus = await open()
        for (let round = 0; round < 5; round++) {
          await append(
            bus,
            Array.from({ length: 300 }, (_, n) => record(triple, `k${n % 7}`, `${round * 300 + n}`)),
          )
        }
        for (let partition = 0; partition < 3; partition++) {
          const numbers: number[] = []
          for await (const one of bus.read(triple, partition, 0)) numbers.push(Number(one.value.toString()))
          expect(numbers).toEqual([...numbers].sort((a, b) => a - b))
        }
        expect(await readAll(bus, triple)).toHaveLength(1500)
      }))

    test('are read from a given offset up to the end at the time of the call', () =>
      withLog(make, async (open) => {
        await using bus = await open()
        await append(bus, numbered(single, 10))
        const all = await readAll(bus, single)
        const late = bus.read(single, 0, all[7]?.offset ?? 0)
        await append(bus, [record(single, 'after', 'after')])
        const found: string[] = []
        for await (const one of late) found.push(one.key)
        // A bus that learns the end over the network may see the later record; it never misses one of before.
        expect(found.slice(0, 3)).toEqual(['r7', 'r8', 'r9'])
        expect(await readTexts(bus, single)).toHaveLength(11)
      }))
  })
}
