/** At-least-once delivery from the embedded log: what delivery-life.ts needs of it. */
import { type DeliveryLog, deliverPartition } from '../delivery-life.ts'
import type { DeliverSpec, Worker } from '../port.ts'
import type { Core } from './core.ts'
import { reportDamage } from './damage.ts'
import { Cursor } from './reader.ts'
import { Backoff, type Reach, startWorker } from './worker.ts'

export function startDelivery(core: Core, spec: DeliverSpec): Worker {
  return startWorker(core, {
    group: spec.group,
    topics: spec.topics,
    startAtMs: spec.startAtMs,
    stretches: spec.stretches,
    onError: spec.onError === undefined ? undefined : (error) => spec.onError?.(error),
    live: (reach, signal, backoff) => deliverPartition(logOf(core, spec, reach, backoff), spec, signal),
  })
}

function logOf(
  core: Core,
  { group, onError }: DeliverSpec,
  { log, from, until }: Reach,
  backoff: Backoff,
): DeliveryLog {
  const cursor = new Cursor(core.rows, log, from)
  const committing = new Backoff(core)
  return {
    topic: log.topicName,
    partition: log.partition,
    from,
    get isRead() {
      return cursor.next >= until
    },
    async read(recordsMax, bytesMax, signal) {
      for (;;) {
        signal.throwIfAborted()
        const read = cursor.read(recordsMax, bytesMax, Math.min(until, log.end))
        if (read === undefined) await log.waitBeyond(cursor.next, signal)
        else if (read.kind === 'damage')
          return { kind: 'letter', offset: read.first, letter: reportDamage(core, group, log, read), next: read.next }
        else return { kind: 'records', records: read.records, next: read.next }
      }
    },
    async commit({ offset: next, letters: records }) {
      await core.committer.commit({ records, offset: { group, log, next } })
      committing.succeeded()
    },
    /** A failing disk is tried again for as long as it takes. */
    async commitFailed(error, signal) {
      onError?.(error)
      await committing.wait(signal)
    },
    canCommit: true,
    succeeded: () => backoff.succeeded(),
  }
}
