/** Consume-transform-produce: outputs, state and input offset are one. */
import { describe, expect, test } from 'vitest'
import type { Bus, BusRecord, PartitionStage, StageSpec, State } from '../port.ts'
import {
  append,
  letters,
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

const spec: Omit<StageSpec, 'open'> = {
  group: 'conformance.stage',
  inputs: [single],
  stateTopic: memory,
  batchRecordsMax: 10,
  batchBytesMax: 100_000,
}

/** Copies records and counts them in its state: the count tells whether state and outputs agree. */
function counting(state: State, before: (batch: readonly BusRecord[]) => void = () => undefined): PartitionStage {
  let count = Number(state.get('count')?.toString() ?? 0)
  return {
    process(batch) {
      count += batch.length
      before(batch)
      return {
        records: batch.map((one) => record(output, one.key, one.value.toString())),
        state: [{ key: 'count', value: Buffer.from(String(count)) }],
      }
    },
  }
}

async function outputs(bus: Bus, count: number): Promise<string[]> {
  await until(`${count} records are in the output`, async () => (await readAll(bus, output)).length >= count)
  return readTexts(bus, output)
}

const texts = (count: number, prefix = 'r'): string[] => numbered(single, count, prefix).map((one) => one.key)

export function describeStage(make: MakeHarness): void {
  describe('stage', () => {
    test('puts every input record into the output once, within its batch limit', () =>
      withLog(make, async (open) => {
        await using bus = await open()
        await append(bus, numbered(single, 35))
        const sizes: number[] = []
        await using _worker = bus.stage({
          ...spec,
          open: ({ state }) => counting(state, (batch) => sizes.push(batch.length)),
        })
        expect((await outputs(bus, 35)).sort()).toEqual(texts(35).sort())
        expect(Math.max(...sizes)).toBeLessThanOrEqual(10)
      }))

    test('takes records that arrive while it runs', () =>
      withLog(make, async (open) => {
        await using bus = await open()
        await using _worker = bus.stage({ ...spec, open: ({ state }) => counting(state) })
        for (let round = 0; round < 5; round++) await append(bus, numbered(single, 3, `round${round}-`))
        expect(await outputs(bus, 15)).toHaveLength(15)
      }))

    test('a batch that throws leaves no output, no state and no offset, and is tried again from committed state', () =>
      withLog(make, async (open) => {
        await using bus = await open()
        await append(bus, numbered(single, 30))
        const errors: unknown[] = []
        const opened: (string | undefined)[] = []
        await using worker = bus.stage({
          ...spec,
          onError: (error) => errors.push(error),
          open: ({ state }) => {
            opened.push(state.get('count')?.toString())
            return counting(state, (batch) => {
              if (batch.some((one) => one.key === 'r15') && errors.length < 2) throw new Error('bad day')
            })
          },
        })
        expect((await outputs(bus, 30)).sort()).toEqual(texts(30).sort())
        expect(errors).toHaveLength(2)
        await worker.stop()
        // What was counted in memory before the throw is forgotten: each life begins with what was committed.
        expect(opened).toHaveLength(3)
        expect(opened[0]).toBeUndefined()
        expect(Number(opened[1] ?? 0)).toBeLessThanOrEqual(15)
        expect(opened[2]).toBe(opened[1])
        expect(await finalCounts(bus)).toEqual({ 'single/0': '30' })
      }))

    test('an open that throws is tried again', () =>
      withLog(make, async (open) => {
        await using bus = await open()
        await append(bus, numbered(single, 3))
        let attempts = 0
        await using _worker = bus.stage({
          ...spec,
          open: ({ state }) => {
            if (attempts++ === 0) throw new Error('not yet')
            return counting(state)
          },
        })
        expect(await outputs(bus, 3)).toHaveLength(3)
      }))

    test('goes on where it stopped after a restart: nothing twice, nothing missing', () =>
      withLog(make, async (open) => {
        for (let life = 0; life < 3; life++) {
          await using bus = await open()
          await append(bus, numbered(single, 25, `life${life}-`))
          await using worker = bus.stage({ ...spec, open: ({ state }) => counting(state) })
          // Stopped anywhere: some of its batches are through.
          if (life < 2) await until('something is through', async () => (await readAll(bus, output)).length > life * 25)
          else await outputs(bus, 75)
          await worker.stop()
        }
        await using bus = await open()
        const expected = [0, 1, 2].flatMap((life) => texts(25, `life${life}-`))
        expect((await readTexts(bus, output)).sort()).toEqual(expected.sort())
        expect(await finalCounts(bus)).toEqual({ 'single/0': '75' })
      }))

    test('keeps the state of input partitions apart, across topics too', () =>
      withLog(make, async (open) => {
        await using bus = await open()
        const inputs = [single, triple]
        await append(bus, [...numbered(single, 7), ...numbered(triple, 40)])
        const perPartition: Record<string, string> = {}
        for (const one of [...(await readAll(bus, single)), ...(await readAll(bus, triple))]) {
          const name = `${one.topic}/${one.partition}`
          perPartition[name] = String(Number(perPartition[name] ?? 0) + 1)
        }
        {
          await using _worker = bus.stage({ ...spec, inputs, open: ({ state }) => counting(state) })
          await outputs(bus, 47)
        }
        expect(Object.keys(perPartition)).toHaveLength(4)
        expect(await finalCounts(bus, inputs)).toEqual(perPartition)
      }))

    test('tells what is durable, after it is', () =>
      withLog(make, async (open) => {
        await using bus = await open()
        await append(bus, numbered(single, 20))
        let processed = 0
        let committed = 0
        const ahead: number[] = []
        await using _worker = bus.stage({
          ...spec,
          open: ({ state }) => {
            const stage = counting(state, () => ahead.push(processed++ - committed))
            return { ...stage, committed: () => void committed++ }
          },
        })
        await outputs(bus, 20)
        await until('every batch is told', () => committed === processed)
        expect(new Set(ahead)).toEqual(new Set([0]))
      }))

    test('a new group starts with the first record appended at or after its start time', () =>
      withLog(make, async (open) => {
        await using bus = await open()
        await append(bus, [record(single, 'early', 'early')])
        const earlyMs = (await readAll(bus, single))[0]?.appendedMs ?? 0
        await until('the clock has moved on', () => Date.now() > earlyMs + 1)
        await append(bus, [record(single, 'late', 'late')])
        const lateMs = (await readAll(bus, single))[1]?.appendedMs ?? 0
        await using _worker = bus.stage({ ...spec, startAtMs: lateMs, open: ({ state }) => counting(state) })
        await append(bus, [record(single, 'live', 'live')])
        expect((await outputs(bus, 2)).sort()).toEqual(['late', 'live'])
      }))

    test('a second worker of the group takes over when the first stops: nothing twice, nothing missing', () =>
      withLog(make, async (open) => {
        await using bus = await open()
        const first = bus.stage({ ...spec, open: ({ state }) => counting(state) })
        await append(bus, numbered(single, 20, 'a'))
        await outputs(bus, 20)
        await using _second = bus.stage({ ...spec, open: ({ state }) => counting(state) })
        await append(bus, numbered(single, 20, 'b'))
        await outputs(bus, 40)
        await first.stop()
        await append(bus, numbered(single, 20, 'c'))
        const expected = [...texts(20, 'a'), ...texts(20, 'b'), ...texts(20, 'c')]
        expect((await outputs(bus, 60)).sort()).toEqual(expected.sort())
      }))

    test('groups work apart: each sees every record', () =>
      withLog(make, async (open) => {
        await using bus = await open()
        await append(bus, numbered(single, 10))
        const copyTo = (topic: typeof output): PartitionStage => ({
          process: (batch) => ({ records: batch.map((one) => record(topic, one.key, one.value.toString())) }),
        })
        await using _one = bus.stage({ ...spec, group: 'one', open: () => copyTo(output) })
        await using _two = bus.stage({ ...spec, group: 'two', open: () => copyTo(letters) })
        await outputs(bus, 10)
        await until('the other group is through', async () => (await readAll(bus, letters)).length === 10)
      }))

    test('stop is idempotent and lets nothing through afterwards', () =>
      withLog(make, async (open) => {
        await using bus = await open()
        const worker = bus.stage({ ...spec, open: ({ state }) => counting(state) })
        await append(bus, numbered(single, 5))
        await outputs(bus, 5)
        await worker.stop()
        await worker.stop()
        await append(bus, numbered(single, 5, 'later'))
        expect(await outputs(bus, 5)).toHaveLength(5)
      }))
  })
}

/** The committed count of each input partition: what the next worker of the group is given. */
async function finalCounts(bus: Bus, inputs = [single]): Promise<Record<string, string | undefined>> {
  const counts: Record<string, string | undefined> = {}
  await using _worker = bus.stage({
    ...spec,
    inputs,
    open: ({ topic, partition, state }) => {
      counts[`${topic}/${partition}`] = state.get('count')?.toString()
      return counting(state)
    },
  })
  const partitions = inputs.reduce((sum, topic) => sum + topic.partitions, 0)
  await until('every partition is assigned', () => Object.keys(counts).length === partitions)
  return counts
}
