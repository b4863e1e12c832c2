/** Stages that hold records back until their time has come. */
import { describe, expect, test } from 'vitest'
import type { Bus, BusRecord, PartitionStage, StageSpec, State } from '../port.ts'
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
  until,
  withLog,
} from './harness.ts'

const spec: Omit<StageSpec, 'open'> = {
  group: 'conformance.held-back',
  inputs: [single],
  stateTopic: memory,
  batchRecordsMax: 10,
  batchBytesMax: 100_000,
}

interface Watch {
  processed(batch: readonly BusRecord[]): void
  idle(untilMs: number): void
  committed(): void
  ended(): void
}

/** Holds every record for `holdMs` after it was appended, in its state. */
function holding(state: State, holdMs: number, watch: Partial<Watch> = {}): PartitionStage {
  const held = new Map<string, number>()
  for (const [key, value] of state) held.set(key, Number(value.toString()))
  return {
    process(batch) {
      for (const { key, appendedMs } of batch) held.set(key, appendedMs + holdMs)
      watch.processed?.(batch)
      return {
        records: [],
        state: batch.map(({ key }) => ({ key, value: Buffer.from(String(held.get(key))) })),
      }
    },
    dueMs: () => (held.size === 0 ? undefined : Math.min(...held.values())),
    idle(untilMs) {
      watch.idle?.(untilMs)
      const keys = [...held].filter(([, dueMs]) => dueMs <= untilMs).map(([key]) => key)
      for (const key of keys) held.delete(key)
      return {
        records: keys.map((key) => record(output, key, key)),
        state: keys.map((key) => ({ key, value: null })),
      }
    },
    committed: () => watch.committed?.(),
    ended: () => watch.ended?.(),
  }
}

async function outputs(bus: Bus, count: number): Promise<string[]> {
  await until(`${count} records are in the output`, async () => (await readAll(bus, output)).length >= count)
  return (await readTexts(bus, output)).sort()
}

const texts = (count: number): string[] =>
  numbered(single, count)
    .map(({ key }) => key)
    .sort()

export function describeHeldBack(make: MakeHarness): void {
  describe('what a stage holds back', () => {
    test('leaves once it is due, though no record comes, and is told as durable', () =>
      withLog(make, async (open) => {
        await using bus = await open()
        let commits = 0
        await using _worker = bus.stage({
          ...spec,
          open: ({ state }) => holding(state, 20, { committed: () => void commits++ }),
        })
        await append(bus, numbered(single, 3))
        expect(await outputs(bus, 3)).toEqual(texts(3))
        await until('the batch and what it held back are told', () => commits >= 2)
      }))

    test('is never asked for before everything of its time is processed', () =>
      withLog(make, async (open) => {
        await using bus = await open()
        const seenMs: number[] = []
        const asked: { untilMs: number; seen: number }[] = []
        await using _worker = bus.stage({
          ...spec,
          open: ({ state }) =>
            holding(state, 0, {
              processed: (batch) => seenMs.push(...batch.map(({ appendedMs }) => appendedMs)),
              idle: (untilMs) => asked.push({ untilMs, seen: seenMs.length }),
            }),
        })
        for (let round = 0; round < 5; round++) await append(bus, numbered(single, 20, `round${round}-`))
        await outputs(bus, 100)
        const appendedMs = (await readAll(bus, single)).map((one) => one.appendedMs)
        expect(asked.length).toBeGreaterThan(0)
        for (const { untilMs, seen } of asked)
          expect(appendedMs.filter((ms) => ms < untilMs).length).toBeLessThanOrEqual(seen)
      }))

    test('is not asked for while nothing is held', () =>
      withLog(make, async (open) => {
        await using bus = await open()
        let asked = 0
        await using _worker = bus.stage({
          ...spec,
          open: () => ({
            process: (batch) => ({ records: batch.map((one) => record(output, one.key, one.key)) }),
            dueMs: () => undefined,
            idle: () => {
              asked++
              return { records: [] }
            },
          }),
        })
        await append(bus, numbered(single, 5))
        expect(await outputs(bus, 5)).toEqual(texts(5))
        expect(asked).toBe(0)
      }))

    test('leaves after a restart, and once', () =>
      withLog(make, async (open) => {
        {
          await using bus = await open()
          let commits = 0
          await using _worker = bus.stage({
            ...spec,
            open: ({ state }) => holding(state, 60_000, { committed: () => void commits++ }),
          })
          await append(bus, numbered(single, 4))
          await until('they are held', () => commits > 0)
        }
        await using bus = await open()
        const opened: string[][] = []
        await using worker = bus.stage({
          ...spec,
          open: ({ state }) => {
            opened.push([...state.keys()].sort())
            // Their time has come meanwhile.
            return holding(new Map([...state].map(([key]) => [key, Buffer.from('0')])), 0)
          },
        })
        expect(await outputs(bus, 4)).toEqual(texts(4))
        await worker.stop()
        await using _next = bus.stage({
          ...spec,
          open: ({ state }) => {
            opened.push([...state.keys()].sort())
            return holding(state, 0)
          },
        })
        await until('the next worker has it', () => opened.length === 2)
        expect(opened).toEqual([texts(4), []])
      }))

    test('stays held when letting it go fails, and is tried again from committed state', () =>
      withLog(make, async (open) => {
        await using bus = await open()
        const errors: unknown[] = []
        await using _worker = bus.stage({
          ...spec,
          onError: (error) => errors.push(error),
          open: ({ state }) =>
            holding(state, 0, {
              idle: () => {
                if (errors.length === 0) throw new Error('bad day')
              },
            }),
        })
        await append(bus, numbered(single, 3))
        expect(await outputs(bus, 3)).toEqual(texts(3))
        expect(errors).toHaveLength(1)
      }))

    test('is told to be over once for every stage: after a failure, and at the stop', () =>
      withLog(make, async (open) => {
        await using bus = await open()
        let opened = 0
        let ended = 0
        const worker = bus.stage({
          ...spec,
          open: ({ state }) => {
            opened++
            const fails = (): void => {
              if (opened === 1) throw new Error('bad day')
            }
            return holding(state, 0, { processed: fails, ended: () => void ended++ })
          },
        })
        await append(bus, numbered(single, 3))
        await outputs(bus, 3)
        expect({ opened, ended }).toEqual({ opened: 2, ended: 1 })
        await worker.stop()
        expect({ opened, ended }).toEqual({ opened: 2, ended: 2 })
      }))

    test('leaves with the last batch of a stretch, in the same commit', () =>
      withLog(make, async (open) => {
        await using bus = await open()
        await append(bus, numbered(single, 7))
        const [position] = await bus.positions.of(spec.group, [single])
        const asked: number[] = []
        await using _worker = bus.stage({
          ...spec,
          batchRecordsMax: 3,
          stretches: [{ topic: single.name, partition: 0, from: 0, until: position?.end ?? 0 }],
          open: ({ state }) => holding(state, 3_600_000, { idle: (untilMs) => asked.push(untilMs) }),
        })
        expect(await outputs(bus, 7)).toEqual(texts(7))
        expect(asked).toEqual([Number.POSITIVE_INFINITY])
        await until('the stretch is done', async () => {
          const [now] = await bus.positions.of(spec.group, [single])
          return now?.committed === position?.end
        })
      }))
  })
}
