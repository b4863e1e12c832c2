/** At-least-once to the outside: only the contiguous acknowledged prefix of a partition is committed. */
import type { TopicSpec } from '@siem-relay/common'
import { describe, expect, test } from 'vitest'
import type { Acknowledger, Bus, BusRecord, DeliverSpec, Worker } from '../port.ts'
import {
  append,
  letters,
  type MakeHarness,
  numbered,
  readAll,
  record,
  single,
  triple,
  until,
  withLog,
} from './harness.ts'

/** A receiver driven by the test: takes batches, answers when told. */
class Receiver {
  readonly batches: BusRecord[][] = []
  readonly acknowledgers = new Map<number, Acknowledger>()
  readonly revoked: number[] = []
  readonly errors: unknown[] = []
  answer: (batch: readonly BusRecord[]) => Promise<void> = async () => undefined

  start(bus: Bus, spec: Partial<DeliverSpec> = {}): Worker {
    return bus.deliver({
      group: 'conformance.delivery',
      topics: [single],
      batchRecordsMax: 5,
      batchBytesMax: 100_000,
      onError: (error) => this.errors.push(error),
      open: ({ partition }, acknowledger) => {
        this.acknowledgers.set(partition, acknowledger)
        return {
          deliver: async (batch) => {
            this.batches.push([...batch])
            await this.answer(batch)
          },
          revoked: () => void this.revoked.push(partition),
        }
      },
      ...spec,
    })
  }

  get records(): BusRecord[] {
    return this.batches.flat()
  }

  get keys(): string[] {
    return this.records.map((one) => one.key)
  }

  async took(count: number): Promise<BusRecord[]> {
    await until(`${count} records are delivered`, () => this.records.length >= count)
    return this.records
  }

  acknowledge(...records: readonly (BusRecord | undefined)[]): void {
    for (const one of records) {
      if (one !== undefined) this.acknowledgers.get(one.partition)?.acknowledge(one.offset, one.offset)
    }
  }
}

/** What a worker gets that starts now. */
async function remaining(bus: Bus, count: number): Promise<string[]> {
  const receiver = new Receiver()
  await using _worker = receiver.start(bus)
  await receiver.took(count)
  return receiver.keys
}

const never = new Promise<void>(() => undefined)

/** Where a dead letter is found and what it holds: as it was handed in, unless the log writes letters of its own. */
export interface LettersKept {
  readonly topic: TopicSpec
  readonly value: string
}

export function describeDelivery(make: MakeHarness, kept: LettersKept = { topic: letters, value: 'poison' }): void {
  describe('delivery', () => {
    test('hands out records in order, and those that arrive while it runs', () =>
      withLog(make, async (open) => {
        await using bus = await open()
        const receiver = new Receiver()
        await append(bus, numbered(single, 12, 'a'))
        await using _worker = receiver.start(bus)
        await receiver.took(12)
        await append(bus, numbered(single, 3, 'b'))
        await receiver.took(15)
        expect(receiver.keys).toEqual([...numbered(single, 12, 'a'), ...numbered(single, 3, 'b')].map((one) => one.key))
        expect(Math.max(...receiver.batches.map((batch) => batch.length))).toBeLessThanOrEqual(5)
      }))

    test('commits the acknowledged prefix only: a hole holds back what lies behind it', () =>
      withLog(make, async (open) => {
        {
          await using bus = await open()
          const receiver = new Receiver()
          await append(bus, numbered(single, 10))
          await using worker = receiver.start(bus)
          const records = await receiver.took(10)
          receiver.acknowledge(records[9], records[4], records[1], records[0], records[5])
          await worker.stop()
        }
        await using bus = await open()
        expect(await remaining(bus, 8)).toEqual(['r2', 'r3', 'r4', 'r5', 'r6', 'r7', 'r8', 'r9'])
      }))

    test('acknowledgements out of order commit all once the hole is closed; ranges and repeats are fine', () =>
      withLog(make, async (open) => {
        {
          await using bus = await open()
          const receiver = new Receiver()
          await append(bus, numbered(single, 10))
          await using worker = receiver.start(bus)
          const records = await receiver.took(10)
          const acknowledger = receiver.acknowledgers.get(0)
          acknowledger?.acknowledge(records[3]?.offset ?? 0, records[7]?.offset ?? 0)
          acknowledger?.acknowledge(records[5]?.offset ?? 0, records[8]?.offset ?? 0)
          acknowledger?.acknowledge(0, records[2]?.offset ?? 0)
          acknowledger?.acknowledge(0, records[2]?.offset ?? 0)
          await worker.stop()
        }
        await using bus = await open()
        expect(await remaining(bus, 1)).toEqual(['r9'])
      }))

    test('what is acknowledged commits while it runs, without a stop', () =>
      withLog(make, async (open) => {
        await using bus = await open()
        const receiver = new Receiver()
        await append(bus, numbered(single, 5))
        await using _worker = receiver.start(bus)
        const records = await receiver.took(5)
        receiver.acknowledge(...records.slice(0, 3))
        await until('the prefix is committed', async () => {
          const [position] = await bus.positions.of('conformance.delivery', [single])
          return (position?.committed ?? -1) > (records[2]?.offset ?? 0)
        })
      }))

    test('unacknowledged records come again after a restart', () =>
      withLog(make, async (open) => {
        for (let life = 0; life < 2; life++) {
          await using bus = await open()
          if (life === 0) await append(bus, numbered(single, 4))
          expect(await remaining(bus, 4)).toEqual(['r0', 'r1', 'r2', 'r3'])
        }
      }))

    test('no further batch comes before the promise of the last one resolves', () =>
      withLog(make, async (open) => {
        await using bus = await open()
        const receiver = new Receiver()
        const gate = Promise.withResolvers<void>()
        receiver.answer = () => gate.promise
        await append(bus, numbered(single, 20))
        await using _worker = receiver.start(bus)
        await until('the first batch is out', () => receiver.batches.length === 1)
        await append(bus, numbered(single, 1, 'more'))
        await readAll(bus, single)
        expect(receiver.batches).toHaveLength(1)
        gate.resolve()
        await receiver.took(21)
      }))

    test('a blocked partition does not block another', () =>
      withLog(make, async (open) => {
        await using bus = await open()
        const receiver = new Receiver()
        await append(bus, numbered(triple, 60))
        const counts = [0, 0, 0]
        for (const one of await readAll(bus, triple)) counts[one.partition] = (counts[one.partition] ?? 0) + 1
        receiver.answer = (batch) => (batch[0]?.partition === 1 ? never : Promise.resolve())
        await using _worker = receiver.start(bus, { topics: [triple] })
        const free = (counts[0] ?? 0) + (counts[2] ?? 0)
        await until('the other partitions are through', () => {
          return receiver.records.filter((one) => one.partition !== 1).length === free
        })
      }))

    test('a dead letter commits with the offset that passes its record', () =>
      withLog(make, async (open) => {
        {
          await using bus = await open()
          const receiver = new Receiver()
          await append(bus, numbered(single, 5))
          await using worker = receiver.start(bus)
          const records = await receiver.took(5)
          const poison = records[1]
          if (poison === undefined) throw new Error('no record')
          receiver.acknowledgers.get(0)?.deadLetter(poison, record(letters, poison.key, 'poison'))
          await append(bus, numbered(single, 1, 'more'))
          await receiver.took(6)
          // Its record is not passed yet: the letter would come again with it.
          expect(await readAll(bus, kept.topic)).toEqual([])
          receiver.acknowledge(records[0])
          await until('the letter is there', async () => (await readAll(bus, kept.topic)).length === 1)
          await worker.stop()
        }
        await using bus = await open()
        expect(await remaining(bus, 4)).toEqual(['r2', 'r3', 'r4', 'more0'])
        const found = (await readAll(bus, kept.topic)).map((one) => [one.key, one.value.toString()])
        expect(found).toEqual([['r1', kept.value]])
      }))

    test('a delivery that throws gets its records again, from the committed offset, after it was revoked', () =>
      withLog(make, async (open) => {
        await using bus = await open()
        const receiver = new Receiver()
        await append(bus, numbered(single, 10))
        receiver.answer = async (batch) => {
          receiver.acknowledge(batch[0], batch[1])
          if (receiver.errors.length === 0) throw new Error('connection lost')
        }
        await using _worker = receiver.start(bus)
        await until('it went on after the error', () => receiver.errors.length === 1 && receiver.records.length >= 13)
        expect(receiver.revoked).toEqual([0])
        expect(receiver.keys.slice(0, 5)).toEqual(['r0', 'r1', 'r2', 'r3', 'r4'])
        expect(receiver.keys.slice(5, 10)).toEqual(['r2', 'r3', 'r4', 'r5', 'r6'])
      }))

    test('a stop revokes every partition, even one whose promise never resolves', () =>
      withLog(make, async (open) => {
        await using bus = await open()
        const receiver = new Receiver()
        await append(bus, numbered(triple, 30))
        receiver.answer = () => never
        const worker = receiver.start(bus, { topics: [triple] })
        await until('all partitions have records', () => receiver.batches.length === 3)
        await worker.stop()
        await worker.stop()
        expect(receiver.revoked.sort()).toEqual([0, 1, 2])
      }))

    test('acknowledgements after the stop have no effect', () =>
      withLog(make, async (open) => {
        await using bus = await open()
        const receiver = new Receiver()
        await append(bus, numbered(single, 3))
        const worker = receiver.start(bus)
        const records = await receiver.took(3)
        await worker.stop()
        receiver.acknowledge(...records)
        const poison = records[0]
        if (poison !== undefined) receiver.acknowledgers.get(0)?.deadLetter(poison, record(letters, 'late', 'late'))
        expect(await remaining(bus, 3)).toEqual(['r0', 'r1', 'r2'])
        expect(await readAll(bus, kept.topic)).toEqual([])
      }))

    test('a new group starts with the first record appended at or after its start time', () =>
      withLog(make, async (open) => {
        await using bus = await open()
        await append(bus, [record(single, 'early', '')])
        const earlyMs = (await readAll(bus, single))[0]?.appendedMs ?? 0
        await until('the clock has moved on', () => Date.now() > earlyMs + 1)
        await append(bus, [record(single, 'late', '')])
        const lateMs = (await readAll(bus, single))[1]?.appendedMs ?? 0
        const receiver = new Receiver()
        await using _worker = receiver.start(bus, { startAtMs: lateMs })
        await receiver.took(1)
        expect(receiver.keys).toEqual(['late'])
      }))
  })
}
