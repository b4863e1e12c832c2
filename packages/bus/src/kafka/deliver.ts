/** At-least-once delivery from Kafka: what delivery-life.ts needs of it. Every commit is a transaction under the partition's claimed id
 *  (docs/adr/0006). */
import { type DeliveryLog, deliverPartition } from '../delivery-life.ts'
import type { DeliverSpec, Worker } from '../port.ts'
import { byPartition, type Core } from './core.ts'
import { PartitionReader } from './reader.ts'
import { aborted } from './stage.ts'
import { type Held, startWorker } from './worker.ts'

/** Between two commits of a partition. */
const commitEveryMs = 25

export function startDelivery(core: Core, spec: DeliverSpec): Worker {
  return startWorker(core, {
    group: spec.group,
    topics: spec.topics,
    startAtMs: spec.startAtMs,
    stretches: spec.stretches,
    onError: (error) => spec.onError?.(error),
    live: async (held) => {
      await deliverPartition(logOf(core, held), spec, held.signal)
      // The place in the group is kept, so that the stretch is nobody's work any more.
      await aborted(held.signal)
    },
  })
}

function logOf(core: Core, held: Held): DeliveryLog {
  const { fullTopic, topic, partition, group, owner, from, until } = held
  const reader = new PartitionReader({ fetcher: core.fetcher, topic: fullTopic, name: topic, partition, from, until })
  let isEndPassed = from === until
  return {
    topic,
    partition,
    from,
    get isRead() {
      return reader.isExhausted && isEndPassed
    },
    async read(recordsMax, bytesMax, signal) {
      if (reader.isExhausted) {
        isEndPassed = true
        return { kind: 'passed', next: reader.next }
      }
      const { records, next } = await reader.read(recordsMax, bytesMax, signal)
      if (records.length === 0) return { kind: 'passed', next }
      reader.prefetch(signal)
      return { kind: 'records', records, next }
    },
    async commit({ offset: next, letters }) {
      const records = await byPartition(core, letters)
      await owner.transact({ records, offsets: { group, next: [{ topic: fullTopic, partition, next }] } })
    },
    /** The next life begins with a claim and what is committed. */
    async commitFailed(error) {
      throw error
    },
    pace: (signal) => core.cluster.clock.sleep(commitEveryMs, signal).catch(() => undefined),
    get canCommit() {
      return !owner.isBroken
    },
    succeeded: () => held.succeeded(),
  }
}
