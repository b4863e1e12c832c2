/** Random histories of commits, fencing claims, restarts and reads, checked against the simplest model there is: a list per
 *  partition and a map per owner. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { partitionOf } from '../partitioner.ts'
import type { Bus, Writer } from '../port.ts'
import { type MakeHarness, memory, readAll, record, single, triple, withLog } from './harness.ts'

const owners = ['left', 'right'] as const
const topics = [single, triple]

type Step =
  | {
      readonly kind: 'commit'
      readonly owner: number
      readonly topic: number
      readonly texts: string[]
      readonly keys: string[]
    }
  /** An older holder tries after a newer claim. */
  | { readonly kind: 'zombie'; readonly owner: number; readonly text: string }
  | { readonly kind: 'restart' }
  | { readonly kind: 'read' }

const owner = fc.nat({ max: owners.length - 1 })
const word = fc.string({ maxLength: 6 })
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constant('commit' as const),
      owner,
      topic: fc.nat({ max: 1 }),
      texts: fc.array(word, { maxLength: 12 }),
      keys: fc.array(fc.constantFrom('a', 'b', 'c', '-a', '-b'), { maxLength: 3 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('zombie' as const), owner, text: word }) },
  { weight: 1, arbitrary: fc.constant({ kind: 'restart' as const }) },
  { weight: 1, arbitrary: fc.constant({ kind: 'read' as const }) },
)

class Model {
  readonly partitions = new Map<string, string[]>()
  readonly states = owners.map(() => new Map<string, string>())

  append(topic: (typeof topics)[number], text: string): void {
    const name = `${topic.name}/${partitionOf(text, topic.partitions)}`
    this.partitions.set(name, [...(this.partitions.get(name) ?? []), text])
  }
}

async function checkRecords(bus: Bus, model: Model): Promise<void> {
  const found = new Map<string, string[]>()
  for (const topic of topics) {
    for (const one of await readAll(bus, topic)) {
      const name = `${one.topic}/${one.partition}`
      found.set(name, [...(found.get(name) ?? []), one.value.toString()])
    }
  }
  expect(found).toEqual(model.partitions)
}

async function claimAll(bus: Bus, model: Model): Promise<Writer[]> {
  const writers: Writer[] = []
  for (const [index, id] of owners.entries()) {
    const writer = await bus.writer(id, { ...memory, name: `${memory.name}.${id}` })
    expect(new Map([...writer.state].map(([key, value]) => [key, value.toString()]))).toEqual(model.states[index])
    writers.push(writer)
  }
  return writers
}

export function describeModel(make: MakeHarness, runs: number): void {
  describe('any history', () => {
    test('reads as its committed transactions, in order, and restores the state they left', async () => {
      const history = fc.array(step, { minLength: 1, maxLength: 12 })
      await fc.assert(
        fc.asyncProperty(history, (steps) => withLog(make, (open) => replay(steps, open))),
        { numRuns: runs },
      )
    })
  })
}

async function replay(steps: readonly Step[], open: () => Promise<Bus>): Promise<void> {
  const model = new Model()
  let bus = await open()
  try {
    let writers = await claimAll(bus, model)
    for (const one of steps) {
      if (one.kind === 'commit') await commit(one, writers, model)
      else if (one.kind === 'read') await checkRecords(bus, model)
      else if (one.kind === 'zombie') {
        const older = writers[one.owner]
        writers = await claimAll(bus, model)
        const attempt = older?.commit({
          records: [record(single, one.text, one.text)],
          state: [{ key: 'zombie', value: Buffer.from('') }],
        })
        await expect(attempt).rejects.toMatchObject({ code: 'RELAY_BUS_FENCED' })
      } else {
        await bus[Symbol.asyncDispose]()
        bus = await open()
        writers = await claimAll(bus, model)
      }
    }
    await checkRecords(bus, model)
    await claimAll(bus, model)
  } finally {
    await bus[Symbol.asyncDispose]()
  }
}

async function commit(one: Step & { kind: 'commit' }, writers: readonly Writer[], model: Model): Promise<void> {
  const topic = topics[one.topic] ?? single
  const state = one.keys.map((key, n) =>
    key.startsWith('-') ? { key: key.slice(1), value: null } : { key, value: Buffer.from(`${one.texts.length}.${n}`) },
  )
  await writers[one.owner]?.commit({ records: one.texts.map((text) => record(topic, text, text)), state })
  for (const text of one.texts) model.append(topic, text)
  for (const { key, value } of state) {
    if (value === null) model.states[one.owner]?.delete(key)
    else model.states[one.owner]?.set(key, value.toString())
  }
}
