import { describe, expect, test } from 'vitest'
import { until } from '../conformance/harness.ts'
import { ManualClock } from '../testing/manual-clock.ts'
import { hourMs, input, memory, numbers, output, range, readAll, readNumbers } from '../testing/records.ts'
import { TemporaryLog } from '../testing/temporary-log.ts'
import type { SqliteBus } from './open.ts'
import type { SqliteBusEvent } from './options.ts'

const limits = { batchRecordsMax: 100, batchBytesMax: 1_000_000 }

/** Values that do not compress. */
function noise(bytes: number, seed: number): string {
  let state = seed + 1
  let text = ''
  while (text.length < bytes) {
    state = Math.imul(state, 1664525) + 1013904223
    text += (state >>> 0).toString(36)
  }
  return text
}

async function append(bus: SqliteBus, first: number, count: number, paddingBytes = 0): Promise<void> {
  await using writer = await bus.writer('test')
  await writer.commit({ records: numbers(first, count, noise(paddingBytes, first)) })
}

/** A worker that passes everything up to, not including, offset `end`. */
async function pass(bus: SqliteBus, group: string, end: number): Promise<void> {
  await using worker = bus.deliver({
    group,
    topics: [input],
    ...limits,
    open: (_assignment, acknowledger) => ({
      deliver: async () => acknowledger.acknowledge(0, end - 1),
      revoked: () => undefined,
    }),
  })
  await until('it is passed', async () => ((await bus.positions.of(group, [input]))[0]?.committed ?? 0) >= end)
  await worker.stop()
}

async function startOf(bus: SqliteBus): Promise<number | undefined> {
  return (await bus.positions.of('nobody', [input]))[0]?.start
}

describe('retention by age', () => {
  test('removes whole batches older than the topic keeps, and moves the start', async () => {
    using log = new TemporaryLog()
    const clock = new ManualClock()
    const events: SqliteBusEvent[] = []
    await using bus = await log.open({ clock, onEvent: (event) => events.push(event) })
    await bus.ensureTopics([input])
    for (const batch of range(40)) await append(bus, batch * 10, 10)
    clock.advance(hourMs / 2)
    await append(bus, 400, 10)
    clock.advance(hourMs / 2 + 60_000)
    await until('the start moved', async () => (await startOf(bus)) === 400)
    expect(await readNumbers(bus, input)).toEqual(range(10, 400))
    await until('it is told', () => events.length === 1)
    expect(events).toMatchObject([
      { kind: 'retention-removed', topic: 'input', records: 400, start: 400, reason: 'age' },
    ])
    expect(await bus.positions.offsetAt(input, 0, 0)).toBe(400)
    expect(bus.stats.recordsRemoved).toBe(400)
  })

  test('never removes what a group that ran since the start has not passed', async () => {
    using log = new TemporaryLog()
    const clock = new ManualClock()
    await using bus = await log.open({ clock })
    await bus.ensureTopics([input])
    for (const batch of range(5)) await append(bus, batch * 10, 10)
    await pass(bus, 'slow', 25)
    clock.advance(3 * hourMs)
    await until('the passed batches are gone', async () => (await startOf(bus)) === 20)
    clock.advance(3 * hourMs)
    expect(await startOf(bus)).toBe(20)
    await bus.positions.forget('slow')
    clock.advance(60_000)
    await until('the forgotten group holds nothing', async () => (await startOf(bus)) === 50)
  })

  test('an emptied partition goes on with its offsets after a restart', async () => {
    using log = new TemporaryLog()
    const clock = new ManualClock()
    {
      await using bus = await log.open({ clock })
      await bus.ensureTopics([input])
      await append(bus, 0, 30)
      clock.advance(2 * hourMs)
      await until('all is gone', async () => (await startOf(bus)) === 30)
    }
    await using bus = await log.open({ clock })
    await append(bus, 30, 1)
    expect((await readAll(bus, input)).map((one) => one.offset)).toEqual([30])
  })

  test('a group that comes back after its records expired is told how many, and goes on at the start', async () => {
    using log = new TemporaryLog()
    const clock = new ManualClock()
    {
      await using bus = await log.open({ clock })
      await bus.ensureTopics([input])
      await append(bus, 0, 30)
      await pass(bus, 'away', 10)
    }
    const events: SqliteBusEvent[] = []
    await using bus = await log.open({ clock, onEvent: (event) => events.push(event) })
    clock.advance(2 * hourMs)
    await until('all is gone', async () => (await startOf(bus)) === 30)
    await append(bus, 30, 1)
    await pass(bus, 'away', 31)
    expect(events).toContainEqual({ kind: 'records-expired', group: 'away', topic: 'input', partition: 0, records: 20 })
  })
})

describe('retention by size', () => {
  const bytesMax = 3_200_000

  test('removes the oldest delivered batches down to the cap', async () => {
    using log = new TemporaryLog()
    const clock = new ManualClock()
    const events: SqliteBusEvent[] = []
    await using bus = await log.open({ clock, retention: { bytesMax }, onEvent: (event) => events.push(event) })
    await bus.ensureTopics([input])
    for (const n of range(12)) await append(bus, n, 1, 500_000)
    clock.advance(60_000)
    await until('the sweep is through', () => events.length === 1)
    const kept = await readNumbers(bus, input)
    expect(kept).toEqual(range(kept.length, 12 - kept.length))
    // A batch takes 335 to 400 KB after compression, the empty tables about 600 KB.
    expect(kept.length).toBeLessThanOrEqual(9)
    expect(kept.length).toBeGreaterThanOrEqual(4)
    expect(events).toMatchObject([{ kind: 'retention-removed', reason: 'size', start: 12 - kept.length }])
    expect(bus.intake().open).toBe(true)
  })

  test('takes delivered records before those no group reads, however old these are', async () => {
    using log = new TemporaryLog()
    const clock = new ManualClock()
    const events: SqliteBusEvent[] = []
    await using bus = await log.open({ clock, retention: { bytesMax }, onEvent: (event) => events.push(event) })
    await bus.ensureTopics([input, output])
    await using writer = await bus.writer('unread')
    for (const n of range(3)) {
      await writer.commit({
        records: [{ topic: output.name, key: 'k', value: Buffer.from(noise(500_000, n)), headers: {} }],
      })
    }
    clock.advance(1000)
    for (const n of range(9)) await append(bus, n, 1, 500_000)
    await pass(bus, 'sender', 9)
    clock.advance(60_000)
    await until('the sweep is through', () => events.length > 0)
    expect(events).toMatchObject([{ kind: 'retention-removed', topic: 'input', reason: 'size' }])
    expect(await readAll(bus, output)).toHaveLength(3)
  })

  test('closes the intake when everything left is undelivered, and opens it once something is', async () => {
    using log = new TemporaryLog()
    const clock = new ManualClock()
    await using bus = await log.open({ clock, retention: { bytesMax } })
    await bus.ensureTopics([input])
    await pass(bus, 'sender', 0)
    for (const n of range(12)) await append(bus, n, 1, 500_000)
    clock.advance(60_000)
    await until('the intake is closed', () => !bus.intake().open)
    expect(await startOf(bus)).toBe(0)
    await expect(append(bus, 12, 1)).rejects.toMatchObject({ code: 'RELAY_LOG_FULL', disposition: 'retry' })
    await pass(bus, 'sender', 12)
    clock.advance(60_000)
    await until('the intake is open', () => bus.intake().open)
    await append(bus, 12, 1)
  })
})

describe('intake', () => {
  const mark = 1_000_000_000

  test('closes below the low-water mark and opens a tenth above it', async () => {
    using log = new TemporaryLog()
    const clock = new ManualClock()
    const events: SqliteBusEvent[] = []
    let freeBytes = mark
    await using bus = await log.open({
      clock,
      freeBytesMin: mark,
      diskSpace: () => ({ freeBytes, totalBytes: 10 * mark }),
      onEvent: (event) => events.push(event),
    })
    await bus.ensureTopics([input, output, memory])
    const look = (free: number): boolean => {
      freeBytes = free
      clock.advance(1000)
      return bus.intake().open
    }
    expect(look(mark)).toBe(true)
    expect(look(mark - 1_000_000)).toBe(false)
    expect(look(mark * 1.05)).toBe(false)
    expect(look(mark * 1.1)).toBe(true)
    expect(look(mark)).toBe(true)
    expect(events.map((event) => event.kind)).toEqual(['intake-closed', 'intake-opened'])
  })

  test('while closed refuses records of writers only: state, acknowledgements and stages go on', async () => {
    using log = new TemporaryLog()
    const clock = new ManualClock()
    let freeBytes = mark
    await using bus = await log.open({ clock, freeBytesMin: mark, diskSpace: () => ({ freeBytes, totalBytes: mark }) })
    await bus.ensureTopics([input, output, memory])
    const writer = await bus.writer('owner', memory)
    await writer.commit({ records: numbers(0, 5) })
    freeBytes = 0
    clock.advance(1000)
    await expect(writer.commit({ records: numbers(5, 1) })).rejects.toMatchObject({ code: 'RELAY_LOG_FULL' })
    await writer.commit({ state: [{ key: 'k', value: Buffer.from('v') }] })
    await using _worker = bus.stage({
      group: 'copier',
      inputs: [input],
      ...limits,
      open: () => ({
        process: (batch) => ({ records: batch.map((one) => ({ ...one, topic: output.name })) }),
      }),
    })
    await until('the stage is through', async () => (await readAll(bus, output)).length === 5)
    await pass(bus, 'sender', 5)
  })

  test('by default needs 512 MB or a tenth of the disk', async () => {
    using log = new TemporaryLog()
    const clock = new ManualClock()
    let disk = { freeBytes: 0, totalBytes: 0 }
    await using bus = await log.open({
      clock,
      diskSpace: () => disk,
      // Left out on purpose: the default is what is tested.
      freeBytesMin: undefined as never,
    })
    const look = (freeBytes: number, totalBytes: number): boolean => {
      disk = { freeBytes, totalBytes }
      clock.advance(1000)
      return bus.intake().open
    }
    expect(look(800e6, 5e9)).toBe(true)
    expect(look(500e6, 5e9)).toBe(false)
    expect(look(20e9, 100e9)).toBe(true)
    expect(look(9e9, 100e9)).toBe(false)
  })
})

describe('a full disk', () => {
  test('refuses the commit, keeps what was committed, closes the intake for a moment, and loses no offset', async () => {
    using log = new TemporaryLog()
    const clock = new ManualClock()
    let written = 0
    {
      await using bus = await log.open({ clock, pagesMax: 60 })
      await bus.ensureTopics([input, memory])
      const writer = await bus.writer('owner', memory)
      const fill = async (): Promise<void> => {
        for (;;) {
          const state = [{ key: 'next', value: Buffer.from(String(written + 1)) }]
          await writer.commit({ records: numbers(written, 1, noise(100_000, written)), state })
          written++
        }
      }
      await expect(fill()).rejects.toMatchObject({ code: 'RELAY_LOG_FULL', disposition: 'retry' })
      expect(written).toBeGreaterThan(3)
      expect(bus.intake()).toMatchObject({ open: false })
      clock.advance(1000)
      expect(bus.intake()).toEqual({ open: true })
      await expect(fill()).rejects.toMatchObject({ code: 'RELAY_LOG_FULL' })
      expect((await bus.positions.of('x', [input]))[0]?.end).toBe(written)
      expect(bus.stats.transactionsFailed).toBe(2)
    }
    await using bus = await log.open({ clock })
    const writer = await bus.writer('owner', memory)
    expect(Number(writer.state.get('next')?.toString())).toBe(written)
    await writer.commit({ records: numbers(written, 1) })
    expect(await readNumbers(bus, input)).toEqual(range(written + 1))
  })

  test('a stage waits and goes on by itself once there is space', async () => {
    using log = new TemporaryLog()
    const clock = new ManualClock()
    const old = { ...input, name: 'old' }
    await using bus = await log.open({ clock, pagesMax: 100 })
    await bus.ensureTopics([input, output, old])
    await append(bus, 0, 5, 100_000)
    await using writer = await bus.writer('filler')
    const fill = async (): Promise<never> => {
      for (let n = 0; ; n++) {
        const value = Buffer.from(noise(100_000, n))
        await writer.commit({ records: [{ topic: old.name, key: 'k', value, headers: {} }] })
      }
    }
    await expect(fill()).rejects.toMatchObject({ code: 'RELAY_LOG_FULL' })
    const errors: unknown[] = []
    await using _worker = bus.stage({
      group: 'copier',
      inputs: [input],
      ...limits,
      onError: (error) => errors.push(error),
      open: () => ({ process: (batch) => ({ records: batch.map((one) => ({ ...one, topic: output.name })) }) }),
    })
    await until('it met the full disk twice', () => {
      clock.advance(100)
      return errors.length >= 2
    })
    expect(errors).toMatchObject(errors.map(() => ({ code: 'RELAY_LOG_FULL' })))
    // Age frees the filler's pages.
    clock.advance(2 * hourMs)
    await until('it is through', async () => {
      clock.advance(100)
      return (await readAll(bus, output)).length === 5
    })
    expect(await readNumbers(bus, output)).toEqual(range(5))
  })
})
