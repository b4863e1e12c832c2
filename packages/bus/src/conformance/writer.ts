/** One owner's transactions: all or nothing, and only by the newest holder. */
import { describe, expect, test } from 'vitest'
import { type MakeHarness, memory, numbered, readTexts, record, single, triple, withLog } from './harness.ts'

const fenced = { code: 'RELAY_BUS_FENCED' }
const bytes = (text: string): Buffer => Buffer.from(text)

export function describeWriter(make: MakeHarness): void {
  describe('writer', () => {
    test('an older owner cannot commit after a newer claim: no record, no state', () =>
      withLog(make, async (open) => {
        await using bus = await open()
        const older = await bus.writer('owner', memory)
        await older.commit({ records: [record(single, 'k', 'older')], state: [{ key: 'by', value: bytes('older') }] })
        const newer = await bus.writer('owner', memory)
        await expect(
          older.commit({ records: [record(single, 'k', 'zombie')], state: [{ key: 'by', value: bytes('zombie') }] }),
        ).rejects.toMatchObject(fenced)
        await newer.commit({ records: [record(single, 'k', 'newer')] })
        expect(await readTexts(bus, single)).toEqual(['older', 'newer'])
        expect((await bus.writer('owner', memory)).state.get('by')?.toString()).toBe('older')
      }))

    test('an older owner cannot set state alone after a newer claim', () =>
      withLog(make, async (open) => {
        await using bus = await open()
        const older = await bus.writer('owner', memory)
        const newer = await bus.writer('owner', memory)
        await expect(older.commit({ state: [{ key: 'by', value: bytes('zombie') }] })).rejects.toMatchObject(fenced)
        await newer.commit({ state: [{ key: 'by', value: bytes('newer') }] })
        expect((await bus.writer('owner', memory)).state.get('by')?.toString()).toBe('newer')
      }))

    test('a claim fences no other owner', () =>
      withLog(make, async (open) => {
        await using bus = await open()
        const one = await bus.writer('one')
        await bus.writer('two')
        await one.commit({ records: [record(single, 'k', 'v')] })
        expect(await readTexts(bus, single)).toEqual(['v'])
      }))

    test('records of several topics and partitions commit together', () =>
      withLog(make, async (open) => {
        {
          await using bus = await open()
          const writer = await bus.writer('owner')
          await writer.commit({ records: [...numbered(triple, 20), ...numbered(single, 5)] })
        }
        await using bus = await open()
        expect([(await readTexts(bus, triple)).length, (await readTexts(bus, single)).length]).toEqual([20, 5])
      }))

    test('state survives a restart: the latest value, deleted keys gone, an empty value kept', () =>
      withLog(make, async (open) => {
        {
          await using bus = await open()
          const writer = await bus.writer('owner', memory)
          await writer.commit({ state: ['a', 'b', 'c'].map((key) => ({ key, value: bytes(`first ${key}`) })) })
          await writer.commit({
            state: [
              { key: 'a', value: bytes('second a') },
              { key: 'b', value: null },
              { key: 'empty', value: bytes('') },
            ],
          })
        }
        await using bus = await open()
        const { state } = await bus.writer('owner', memory)
        expect(new Map([...state].map(([key, value]) => [key, value.toString()]))).toEqual(
          new Map([
            ['a', 'second a'],
            ['c', 'first c'],
            ['empty', ''],
          ]),
        )
      }))

    test('a key set twice in one commit keeps the later value', () =>
      withLog(make, async (open) => {
        await using bus = await open()
        const writer = await bus.writer('owner', memory)
        const change = (value: string): { key: string; value: Buffer } => ({ key: 'k', value: bytes(value) })
        await writer.commit({ state: [change('one'), change('two')] })
        expect((await bus.writer('owner', memory)).state.get('k')?.toString()).toBe('two')
      }))

    test('a bus that closed takes no commit', () =>
      withLog(make, async (open) => {
        const bus = await open()
        const writer = await bus.writer('owner')
        await bus[Symbol.asyncDispose]()
        await expect(writer.commit({ records: [record(single, 'k', 'late')] })).rejects.toMatchObject({
          code: 'RELAY_BUS_CLOSED',
        })
        await using again = await open()
        expect(await readTexts(again, single)).toEqual([])
      }))
  })
}
