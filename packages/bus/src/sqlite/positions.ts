/** Where groups stand, and moving them. */
import { RelayError, type TopicSpec } from '@siem-relay/common'
import { closedError } from '../closed-error.ts'
import type { PartitionBounds, PartitionPosition, Positions } from '../port.ts'
import type { Log } from './catalog.ts'
import type { Core } from './core.ts'
import { toRelayError } from './errors.ts'

export function positionsOf(core: Core): Positions {
  return {
    async bounds(topics) {
      return logsOf(core, topics).map(bounds)
    },
    async of(group, topics) {
      return logsOf(core, topics).map((log) => position(core, group, log))
    },
    async count(topic, partition, from, until) {
      assertOpen(core)
      const { start, end } = logOf(core, topic, partition)
      return Math.max(0, Math.min(until, end) - Math.max(from, start))
    },
    async offsetAt(topic, partition, timeMs) {
      assertOpen(core)
      return core.marks.offsetAt(logOf(core, topic, partition), timeMs)
    },
    async set(group, topic, partition, offset) {
      assertOpen(core)
      const log = logOf(core, topic, partition)
      if (core.leases.isTaken(group, log.id)) throw runningError(group)
      await core.committer.commit({ offset: { group, log, next: Math.min(Math.max(offset, log.start), log.end) } })
    },
    async forget(group) {
      assertOpen(core)
      if (core.leases.isRunning(group)) throw runningError(group)
      try {
        core.offsets.forget(group)
      } catch (error) {
        throw toRelayError(error, `forgetting ${group}`)
      }
    },
  }
}

function assertOpen(core: Core): void {
  if (core.closing.aborted) throw closedError()
}

function logsOf(core: Core, topics: readonly TopicSpec[]): readonly Log[] {
  assertOpen(core)
  core.catalog.ensure(topics)
  return topics.flatMap(({ name }) => core.catalog.topic(name).logs)
}

function bounds({ topicName: topic, partition, start, end }: Log): PartitionBounds {
  return { topic, partition, start, end }
}

function position(core: Core, group: string, log: Log): PartitionPosition {
  const committed = core.offsets.committed(group, log)
  const next = Math.max(committed ?? log.start, log.start)
  return {
    ...bounds(log),
    committed,
    lag: Math.max(0, log.end - next),
    oldestPendingMs: core.offsets.appendedMs(log, next),
  }
}

function logOf(core: Core, topic: TopicSpec, partition: number): Log {
  core.catalog.ensure([topic])
  return core.catalog.log(topic.name, partition)
}

function runningError(group: string): RelayError {
  return new RelayError('RELAY_USAGE', `${group} is running: stop its workers before moving it`)
}
