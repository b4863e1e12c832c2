/** Sharing out tasks: each topic has one holder at a time, and finds a new one when its holder is gone. */
import { describe, expect, test } from 'vitest'
import type { Bus, ShareSpec, Worker } from '../port.ts'
import { letters, type MakeHarness, output, single, triple, until, withLog } from './harness.ts'

const tasks = [single, triple, output, letters]
const names = tasks.map(({ name }) => name).sort()

/** A worker that keeps what it holds in view. */
class Holder {
  readonly held = new Set<string>()
  readonly errors: unknown[] = []
  releases = 0
  /** What a release waits for. */
  letGo: () => Promise<void> = async () => undefined

  start(bus: Bus, spec: Partial<ShareSpec> = {}): Worker {
    return bus.share({
      group: 'conformance.share',
      topics: tasks,
      onError: (error) => this.errors.push(error),
      hold: (topic) => this.hold(topic),
      ...spec,
    })
  }

  hold(topic: string): { released(): Promise<void> } {
    this.held.add(topic)
    return {
      released: async () => {
        this.releases++
        await this.letGo()
        this.held.delete(topic)
      },
    }
  }
}

const heldBy = (...holders: readonly Holder[]): readonly string[] => holders.flatMap(({ held }) => [...held]).sort()

/** Every topic is held by one, and none of them has two more than another. */
const isEven = (...holders: readonly Holder[]): boolean => {
  const counts = holders.map(({ held }) => held.size)
  return heldBy(...holders).join() === names.join() && Math.max(...counts) - Math.min(...counts) < 2
}

export function describeShare(make: MakeHarness): void {
  describe('share', () => {
    test('a worker alone holds every topic, whatever their kind, and releases all when it stops', () =>
      withLog(make, async (open) => {
        await using bus = await open()
        const holder = new Holder()
        const worker = holder.start(bus)
        await until('all is held', () => heldBy(holder).join() === names.join())
        await worker.stop()
        await worker.stop()
        expect([heldBy(holder), holder.releases]).toEqual([[], names.length])
      }))

    test('a second worker gets its half', () =>
      withLog(make, async (open) => {
        await using bus = await open()
        const [first, second] = [new Holder(), new Holder()]
        await using _first = first.start(bus)
        await until('all is held', () => heldBy(first).length === names.length)
        await using _second = second.start(bus)
        await until('both have their half', () => isEven(first, second))
      }))

    test('what a worker held finds a new holder when it stops', () =>
      withLog(make, async (open) => {
        await using bus = await open()
        const holders = [new Holder(), new Holder(), new Holder()] as const
        const workers = holders.map((holder) => holder.start(bus))
        await until('all have their share', () => isEven(...holders))
        await workers[1]?.stop()
        expect(heldBy(holders[1])).toEqual([])
        await until('the others have taken over', () => isEven(holders[0], holders[2]))
        await Promise.all(workers.map((worker) => worker.stop()))
        expect(heldBy(...holders)).toEqual([])
      }))

    test('a topic goes only to a worker that asked for it', () =>
      withLog(make, async (open) => {
        await using bus = await open()
        const [wide, narrow] = [new Holder(), new Holder()]
        await using _wide = wide.start(bus)
        await using _narrow = narrow.start(bus, { topics: [single] })
        await until('all is held', () => heldBy(wide, narrow).join() === names.join() && narrow.held.size === 1)
        expect([...narrow.held]).toEqual([single.name])
      }))

    test('groups hold apart', () =>
      withLog(make, async (open) => {
        await using bus = await open()
        const [one, other] = [new Holder(), new Holder()]
        await using _one = one.start(bus, { group: 'conformance.share.one' })
        await using _other = other.start(bus, { group: 'conformance.share.other' })
        await until('both hold all', () => heldBy(one).length + heldBy(other).length === 2 * names.length)
      }))

    test('a hold that throws is told and tried again', () =>
      withLog(make, async (open) => {
        await using bus = await open()
        const holder = new Holder()
        let failures = 2
        const hold = (topic: string) => {
          if (failures-- > 0) throw new Error('not now')
          return holder.hold(topic)
        }
        await using _worker = holder.start(bus, { topics: [single], hold })
        await until('it is held', () => holder.held.has(single.name))
        expect(holder.errors).toHaveLength(2)
      }))

    test('a release that throws is told and does not keep the topic', () =>
      withLog(make, async (open) => {
        await using bus = await open()
        const [first, second] = [new Holder(), new Holder()]
        const worker = first.start(bus, { topics: [single] })
        await until('it is held', () => first.held.has(single.name))
        first.letGo = () => Promise.reject(new Error('stuck'))
        await worker.stop()
        await using _second = second.start(bus, { topics: [single] })
        await until('another one holds it', () => second.held.has(single.name))
        expect(first.errors).toHaveLength(1)
      }))

    test('closing the log releases what is held and fails the worker', () =>
      withLog(make, async (open) => {
        const holder = new Holder()
        const bus = await open()
        const worker = holder.start(bus)
        const failed = expect(worker.failed).rejects.toMatchObject({ code: 'RELAY_BUS_CLOSED' })
        await until('all is held', () => heldBy(holder).length === names.length)
        await bus[Symbol.asyncDispose]()
        expect(heldBy(holder)).toEqual([])
        await failed
      }))
  })
}
