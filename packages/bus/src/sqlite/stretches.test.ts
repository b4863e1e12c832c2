import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { describe, expect, test } from 'vitest'
import { until } from '../conformance/harness.ts'
import { countRecords } from '../count-records.ts'
import type { Bus, Stretch, Worker } from '../port.ts'
import { ManualClock } from '../testing/manual-clock.ts'
import { hourMs, input, memory, numbers, output, readAll } from '../testing/records.ts'
import { TemporaryLog } from '../testing/temporary-log.ts'

const group = 'replay'
const stretch = (from: number, end: number): Stretch => ({ topic: input.name, partition: 0, from, until: end })

function deliver(bus: Bus, stretches: readonly Stretch[], keys: string[] = []): Worker {
  return bus.deliver({
    group,
    topics: [input],
    stretches,
    batchRecordsMax: 10,
    batchBytesMax: 100_000,
    open: (_, acknowledger) => ({
      async deliver(batch) {
        keys.push(...batch.map((one) => one.key))
        acknowledger.acknowledge(batch[0]?.offset ?? 0, batch.at(-1)?.offset ?? -1)
      },
      revoked: () => undefined,
    }),
  })
}

const isDone = async (bus: Bus, end: number): Promise<boolean> =>
  (await bus.positions.of(group, [input]))[0]?.committed === end

describe('a stretch of the embedded log', () => {
  test.each([
    ['of a topic that is not read', { ...stretch(0, 1), topic: output.name }],
    ['that ends before it begins', stretch(3, 2)],
    ['of a partition that is not there', { ...stretch(0, 1), partition: 7 }],
  ])('%s is refused', async (_, wrong) => {
    using log = new TemporaryLog()
    await using bus = await log.open()
    await bus.ensureTopics([input, output])
    expect(() => deliver(bus, [wrong])).toThrow(expect.objectContaining({ name: 'RelayError' }))
    expect(() => deliver(bus, [stretch(0, 1), stretch(1, 2)])).toThrow(/another stretch/)
  })

  test('that ends in the middle of damage passes it up to its end, and the records behind it are read on', async () => {
    using log = new TemporaryLog()
    await using bus = await log.open()
    await bus.ensureTopics([input])
    const writer = await bus.writer('test')
    for (let batch = 0; batch < 3; batch++) await writer.commit({ records: numbers(batch * 10, 10) })
    {
      using db = new DatabaseSync(join(log.path, 'log.db'), { timeout: 5000 })
      db.exec("UPDATE batches SET body = x'00' WHERE id = (SELECT id FROM batches ORDER BY id LIMIT 1 OFFSET 1)")
    }
    const keys: string[] = []
    await using _worker = deliver(bus, [stretch(8, 15)], keys)
    await until('it is done', () => isDone(bus, 15))
    expect(keys).toEqual(['8', '9'])
    expect((await readAll(bus, input)).map((one) => one.key)).toHaveLength(20)
  })

  test('that retention reached keeps what is left, and holds retention back until it is passed', async () => {
    using log = new TemporaryLog()
    const clock = new ManualClock()
    await using bus = await log.open({ clock, retention: { sweepSeconds: 1 } })
    await bus.ensureTopics([input])
    const writer = await bus.writer('test')
    await writer.commit({ records: numbers(0, 10) })
    clock.advance(hourMs / 2)
    await writer.commit({ records: numbers(10, 10) })
    clock.advance(hourMs / 2 + 1_000)
    await until('the old records are gone', async () => (await bus.positions.of(group, [input]))[0]?.start === 10)
    const keys: string[] = []
    await using _worker = deliver(bus, [stretch(5, 15)], keys)
    await until('it is done', () => isDone(bus, 15))
    expect(keys).toEqual(['10', '11', '12', '13', '14'])
    clock.advance(hourMs)
    await until('retention goes on', async () => (await bus.positions.of(group, [input]))[0]?.start === 20)
    expect(await countRecords(bus, [input], [stretch(0, 30)])).toBe(0)
  })

  test('is counted by its records', async () => {
    using log = new TemporaryLog()
    await using bus = await log.open()
    await bus.ensureTopics([input])
    await (await bus.writer('test')).commit({ records: numbers(0, 30) })
    expect(await countRecords(bus, [input], [stretch(5, 12)])).toBe(7)
    expect(await countRecords(bus, [input], [stretch(25, 99)])).toBe(5)
    expect(await countRecords(bus, [input], [stretch(5, 5)])).toBe(0)
    expect(await countRecords(bus, [output], [stretch(5, 12)])).toBe(0)
  })
})

describe('deleting topics of the embedded log', () => {
  test('is refused while a group reads one of them, and then leaves all', async () => {
    using log = new TemporaryLog()
    await using bus = await log.open()
    await bus.ensureTopics([input, output])
    await (await bus.writer('test')).commit({ records: numbers(0, 30) })
    const worker = deliver(bus, [stretch(0, 99)])
    await expect(bus.deleteTopics([output.name, input.name])).rejects.toMatchObject({ code: 'RELAY_USAGE' })
    expect(await readAll(bus, input)).toHaveLength(30)
    await worker.stop()
    await bus.deleteTopics([output.name, input.name])
  })

  test('takes the offsets of groups: a topic made anew begins at its first record for everyone, after a restart too', async () => {
    using log = new TemporaryLog()
    {
      await using bus = await log.open()
      await bus.ensureTopics([input, memory])
      await (await bus.writer('test')).commit({ records: numbers(0, 30) })
      await using worker = deliver(bus, [stretch(0, 30)])
      await until('it is done', () => isDone(bus, 30))
      await worker.stop()
      await bus.deleteTopics([input.name])
      await bus.ensureTopics([input])
      expect((await bus.positions.of(group, [input]))[0]).toMatchObject({ committed: undefined, start: 0, end: 0 })
    }
    await using bus = await log.open()
    expect((await bus.positions.of(group, [input]))[0]).toMatchObject({ committed: undefined, start: 0, end: 0 })
  })
})
