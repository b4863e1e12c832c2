import { describe, expect, test } from 'vitest'
import { until } from '../conformance/harness.ts'
import { ManualClock } from '../testing/manual-clock.ts'
import { hourMs, input, memory, numbers, range, readNumbers } from '../testing/records.ts'
import { TemporaryLog } from '../testing/temporary-log.ts'

describe('group commit', () => {
  test('writes the transactions of many owners with one commit, in their order', async () => {
    using log = new TemporaryLog()
    await using bus = await log.open()
    await bus.ensureTopics([input])
    const writers = await Promise.all(range(20).map((n) => bus.writer(`owner${n}`)))
    const before = bus.stats.commits
    await Promise.all(writers.map((writer, n) => writer.commit({ records: numbers(n * 3, 3) })))
    expect(bus.stats.commits - before).toBe(1)
    expect(await readNumbers(bus, input)).toEqual(range(60))
  })

  test('a fenced transaction in a group rejects alone', async () => {
    using log = new TemporaryLog()
    await using bus = await log.open()
    await bus.ensureTopics([input])
    const older = await bus.writer('contested')
    const newer = await bus.writer('contested')
    const other = await bus.writer('other')
    const results = await Promise.allSettled([
      other.commit({ records: numbers(0, 1) }),
      older.commit({ records: numbers(100, 1) }),
      newer.commit({ records: numbers(1, 1) }),
    ])
    expect(results.map((result) => result.status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
    expect(await readNumbers(bus, input)).toEqual([0, 1])
  })

  test('what an older owner has queued when a newer one claims is refused', async () => {
    using log = new TemporaryLog()
    await using bus = await log.open()
    await bus.ensureTopics([input])
    const older = await bus.writer('contested', memory)
    const queued = older.commit({ state: [{ key: 'k', value: Buffer.from('late') }] })
    const newer = await bus.writer('contested', memory)
    await expect(queued).rejects.toMatchObject({ code: 'RELAY_BUS_FENCED' })
    expect(newer.state.size).toBe(0)
  })

  test('a transaction the database cannot take does not hold up the others of its group', async () => {
    using log = new TemporaryLog()
    await using bus = await log.open()
    await bus.ensureTopics([input])
    const [good, bad, last] = await Promise.all(['good', 'bad', 'last'].map((id) => bus.writer(id)))
    const broken = { topic: input.name, key: 'k', value: Buffer.from(''), headers: { name: 7 as unknown as string } }
    const results = await Promise.allSettled([
      good?.commit({ records: numbers(0, 1) }),
      bad?.commit({ records: [broken] }),
      last?.commit({ records: numbers(1, 1) }),
    ])
    expect(results.map((result) => result.status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
    expect(await readNumbers(bus, input)).toEqual([0, 1])
  })

  test('refuses a record without a value, an unknown topic and a record beyond the bound before anything is written', async () => {
    using log = new TemporaryLog()
    await using bus = await log.open()
    await bus.ensureTopics([input])
    const writer = await bus.writer('owner')
    const record = { topic: input.name, key: 'k', value: Buffer.from('v'), headers: {} }
    const attempt = (change: object): Promise<void> => writer.commit({ records: [record, { ...record, ...change }] })
    await expect(attempt({ value: null })).rejects.toMatchObject({ code: 'RELAY_BUS_TOPIC' })
    await expect(attempt({ topic: 'unknown' })).rejects.toMatchObject({ code: 'RELAY_BUS_TOPIC' })
    await expect(attempt({ value: Buffer.alloc(64 * 1024 * 1024) })).rejects.toMatchObject({
      code: 'RELAY_RECORD_INVALID',
    })
    await expect(writer.commit({ state: [{ key: 'k', value: null }] })).rejects.toMatchObject({
      code: 'RELAY_BUS_TOPIC',
    })
    expect(await readNumbers(bus, input)).toEqual([])
  })
})

describe('offsets by time', () => {
  test('are right however the clock jumps', async () => {
    using log = new TemporaryLog()
    const clock = new ManualClock()
    await using bus = await log.open({ clock, retention: { sweepSeconds: 1e9 } })
    await bus.ensureTopics([input])
    const writer = await bus.writer('owner')
    const times: number[] = []
    const jumps = [0, 1000, 59_000, 1, 10 * hourMs, 5, -72 * hourMs, 10, 30_000, -1, hourMs, 0, 0, 90 * hourMs]
    for (const [n, jump] of jumps.entries()) {
      clock.advance(jump)
      times.push(clock.nowMs())
      await writer.commit({ records: numbers(n, 1) })
    }
    const wanted = times.flatMap((time) => [time - 1, time, time + 1])
    for (const time of wanted) {
      const first = times.findIndex((appended) => appended >= time)
      expect(await bus.positions.offsetAt(input, 0, time)).toBe(first === -1 ? times.length : first)
    }
  })
})

describe('a delivery that is never acknowledged', () => {
  test('gets 20,000 records of a partition and no more until some are', async () => {
    using log = new TemporaryLog()
    await using bus = await log.open()
    await bus.ensureTopics([input])
    const writer = await bus.writer('owner')
    for (const n of range(21)) await writer.commit({ records: numbers(n * 1000, 1000) })
    let delivered = 0
    let acknowledge = (_last: number): void => undefined
    await using _worker = bus.deliver({
      group: 'sender',
      topics: [input],
      batchRecordsMax: 1000,
      batchBytesMax: 10_000_000,
      open: (_assignment, acknowledger) => {
        acknowledge = (last) => acknowledger.acknowledge(0, last)
        return {
          async deliver(batch) {
            delivered += batch.length
          },
          revoked: () => undefined,
        }
      },
    })
    await until('the bound is reached', () => delivered >= 20_000)
    // A commit and a read of the same log take longer than the next batch would.
    await writer.commit({ records: numbers(21_000, 1) })
    await readNumbers(bus, input)
    expect(delivered).toBe(20_000)
    acknowledge(999)
    await until('it goes on', () => delivered === 21_000)
    acknowledge(20_999)
    await until('the rest is delivered', () => delivered === 21_001)
  })
})
