/** Reading parts of partitions, and deleting topics: what a replay is made of. */
import { describe, expect, test } from 'vitest'
import type { Acknowledger, Bus, BusRecord, Stretch, Worker } from '../port.ts'
import {
  append,
  type MakeHarness,
  memory,
  numbered,
  output,
  readAll,
  readTexts,
  record,
  single,
  triple,
  until,
  withLog,
} from './harness.ts'

const group = 'conformance.stretches'

/** From one record up to, not including, another; to the end without one. */
async function stretchOf(bus: Bus, from: number, to?: number): Promise<Stretch> {
  const records = await readAll(bus, single)
  const [position] = await bus.positions.of(group, [single])
  const offset = (index: number | undefined): number =>
    (index === undefined ? undefined : records[index]?.offset) ?? position?.end ?? 0
  return { topic: single.name, partition: 0, from: offset(from), until: offset(to) }
}

interface Taking {
  readonly worker: Worker
  readonly records: BusRecord[]
  readonly acknowledgers: Acknowledger[]
}

/** A delivery that keeps what it gets and, unless told otherwise, acknowledges it. */
function take(bus: Bus, stretches: readonly Stretch[], { acknowledges = true, topics = [single] } = {}): Taking {
  const records: BusRecord[] = []
  const acknowledgers: Acknowledger[] = []
  const worker = bus.deliver({
    group,
    topics,
    stretches,
    batchRecordsMax: 3,
    batchBytesMax: 100_000,
    open: (_, acknowledger) => {
      acknowledgers.push(acknowledger)
      return {
        async deliver(batch) {
          records.push(...batch)
          if (acknowledges) acknowledger.acknowledge(batch[0]?.offset ?? 0, batch.at(-1)?.offset ?? -1)
        },
        revoked: () => undefined,
      }
    },
  })
  return { worker, records, acknowledgers }
}

async function done(bus: Bus, stretches: readonly Stretch[], topics = [single]): Promise<void> {
  await until('every stretch is passed', async () => {
    const positions = await bus.positions.of(group, topics)
    return stretches.every(
      ({ topic, partition, until: end }) =>
        positions.find((one) => one.topic === topic && one.partition === partition)?.committed === end,
    )
  })
}

const keys = (records: readonly BusRecord[]): string[] => records.map((one) => one.key)

export function describeStretches(make: MakeHarness): void {
  describe('a stretch', () => {
    test('is delivered and nothing around it; then its end is committed', () =>
      withLog(make, async (open) => {
        await using bus = await open()
        await append(bus, numbered(single, 20))
        const stretch = await stretchOf(bus, 5, 12)
        const { worker, records } = take(bus, [stretch])
        await done(bus, [stretch])
        await append(bus, numbered(single, 5, 'later'))
        await worker.stop()
        expect(keys(records)).toEqual(['r5', 'r6', 'r7', 'r8', 'r9', 'r10', 'r11'])
        await done(bus, [stretch])
      }))

    test('that reaches to the end of the log ends there: what comes later is not its own', () =>
      withLog(make, async (open) => {
        await using bus = await open()
        await append(bus, numbered(single, 8))
        const stretch = await stretchOf(bus, 6)
        await append(bus, numbered(single, 5, 'later'))
        const { worker, records } = take(bus, [stretch])
        await done(bus, [stretch])
        await worker.stop()
        expect(keys(records)).toEqual(['r6', 'r7'])
      }))

    test('without records is done at once', () =>
      withLog(make, async (open) => {
        await using bus = await open()
        await append(bus, numbered(single, 8))
        const stretch = await stretchOf(bus, 3, 3)
        const { worker, records } = take(bus, [stretch])
        await done(bus, [stretch])
        await worker.stop()
        expect(records).toEqual([])
      }))

    test('is not done before all of it is acknowledged', () =>
      withLog(make, async (open) => {
        await using bus = await open()
        await append(bus, numbered(single, 10))
        const stretch = await stretchOf(bus, 2, 8)
        const taking = take(bus, [stretch], { acknowledges: false })
        await until('all is delivered', () => taking.records.length === 6)
        const offsets = taking.records.map((one) => one.offset)
        taking.acknowledgers[0]?.acknowledge(offsets[1] ?? 0, offsets[5] ?? 0)
        const committed = async (): Promise<number | undefined> =>
          (await bus.positions.of(group, [single]))[0]?.committed
        expect(await committed()).not.toBe(stretch.until)
        taking.acknowledgers[0]?.acknowledge(offsets[0] ?? 0, offsets[0] ?? 0)
        await done(bus, [stretch])
        await taking.worker.stop()
      }))

    test('goes on after a restart where it was, and a passed one delivers nothing again', () =>
      withLog(make, async (open) => {
        let stretch: Stretch
        {
          await using bus = await open()
          await append(bus, numbered(single, 12))
          stretch = await stretchOf(bus, 4, 10)
          const { worker, records, acknowledgers } = take(bus, [stretch], { acknowledges: false })
          await until('all is delivered', () => records.length === 6)
          acknowledgers[0]?.acknowledge(records[0]?.offset ?? 0, records[1]?.offset ?? 0)
          await worker.stop()
        }
        await using bus = await open()
        const second = take(bus, [stretch])
        await done(bus, [stretch])
        await second.worker.stop()
        expect(keys(second.records)).toEqual(['r6', 'r7', 'r8', 'r9'])
        const third = take(bus, [stretch])
        await append(bus, numbered(single, 3, 'later'))
        await third.worker.stop()
        expect(third.records).toEqual([])
      }))

    test('of one partition leaves the others alone, and another group is not moved', () =>
      withLog(make, async (open) => {
        await using bus = await open()
        await append(bus, numbered(triple, 30))
        const all = (await readAll(bus, triple)).filter((one) => one.partition === 1)
        const last = (await bus.positions.of(group, [triple])).find((one) => one.partition === 1)
        const stretch = { topic: triple.name, partition: 1, from: all[0]?.offset ?? 0, until: last?.end ?? 0 }
        const { worker, records } = take(bus, [stretch], { topics: [triple] })
        await done(bus, [stretch], [triple])
        await worker.stop()
        expect(keys(records)).toEqual(keys(all))
        const committed = async (name: string): Promise<(number | undefined)[]> =>
          (await bus.positions.of(name, [triple])).map((one) => one.committed)
        expect(await committed(group)).toEqual([undefined, stretch.until, undefined])
        expect(await committed('conformance.other')).toEqual([undefined, undefined, undefined])
      }))

    test('is a stage’s input too: outputs of the stretch alone, once, over a restart', () =>
      withLog(make, async (open) => {
        let stretch: Stretch | undefined
        for (let life = 0; life < 2; life++) {
          await using bus = await open()
          if (stretch === undefined) {
            await append(bus, numbered(single, 40))
            stretch = await stretchOf(bus, 10, 30)
          }
          const stretches = [stretch]
          const worker = bus.stage({
            group,
            inputs: [single],
            stretches,
            stateTopic: memory,
            batchRecordsMax: 4,
            batchBytesMax: 100_000,
            open: () => ({
              process: (batch) => ({ records: batch.map((one) => record(output, one.key, one.value.toString())) }),
            }),
          })
          if (life === 0) await until('something is through', async () => (await readAll(bus, output)).length > 0)
          else await done(bus, stretches)
          await worker.stop()
        }
        await using bus = await open()
        const expected = numbered(single, 40).slice(10, 30)
        expect((await readTexts(bus, output)).sort()).toEqual(expected.map((one) => one.key).sort())
      }))
  })

  describe('deleting topics', () => {
    test('takes their records; made anew, a topic is empty and takes new ones', () =>
      withLog(make, async (open) => {
        await using bus = await open()
        await append(bus, [...numbered(triple, 30), ...numbered(single, 3)])
        await bus.deleteTopics([triple.name])
        await bus.ensureTopics([triple])
        expect(await readAll(bus, triple)).toEqual([])
        expect(await readTexts(bus, single)).toEqual(['r0', 'r1', 'r2'])
        await append(bus, numbered(triple, 5, 'new'))
        expect((await readTexts(bus, triple)).sort()).toEqual(['new0', 'new1', 'new2', 'new3', 'new4'])
      }))

    test('takes the state that lives in them', () =>
      withLog(make, async (open) => {
        await using bus = await open()
        {
          await using writer = await bus.writer('keeper', memory)
          await writer.commit({ state: [{ key: 'k', value: Buffer.from('v') }] })
        }
        await bus.deleteTopics([memory.name])
        await bus.ensureTopics([memory])
        await using writer = await bus.writer('keeper', memory)
        expect([...writer.state]).toEqual([])
      }))

    test('leaves out what is not there, and deletes the rest', () =>
      withLog(make, async (open) => {
        await using bus = await open()
        await append(bus, numbered(single, 3))
        await bus.deleteTopics(['nobody-made-this', single.name, single.name])
        await bus.deleteTopics([])
        await bus.deleteTopics(['nobody-made-this'])
        await bus.ensureTopics([single])
        expect(await readAll(bus, single)).toEqual([])
      }))
  })
}
