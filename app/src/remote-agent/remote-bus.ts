/** The log as a sender needs it, on the other side of the portal: deliveries, replays and status cross the network; what else a log can
 *  do, it does where it is. */
import type { Bus, DeliverSpec, NewRecord, PartitionPosition, Positions, Table, Worker, Writer } from '@siem-relay/bus'
import { agentStatusTopic, jobsTopic, RelayError, type TopicSpec } from '@siem-relay/common'
import type { ReplayJobs } from './replay-jobs.ts'

export interface RemoteBusParts {
  readonly deliver: (spec: DeliverSpec) => Worker
  readonly jobs: ReplayJobs
  /** A status the sender publishes; undefined: there is none any more. */
  readonly onStatus: (value: Uint8Array | null) => void
}

export class RemoteBus implements Bus {
  readonly #parts: RemoteBusParts

  constructor(parts: RemoteBusParts) {
    this.#parts = parts
  }

  /** Where this group stands is for the portal to know: nothing is pending here, nothing ever done. */
  readonly positions: Positions = {
    of: async (_group, topics) => topics.flatMap(unknownPositions),
    bounds: elsewhere,
    count: elsewhere,
    offsetAt: elsewhere,
    set: elsewhere,
    forget: elsewhere,
  }

  deliver(spec: DeliverSpec): Worker {
    return this.#parts.deliver(spec)
  }

  async table(topic: TopicSpec): Promise<Table> {
    return topic.name === jobsTopic.name ? this.#parts.jobs : elsewhere()
  }

  async writer(): Promise<Writer> {
    return {
      state: new Map(),
      commit: async ({ records = [] }) => this.#take(records),
      [Symbol.asyncDispose]: async () => undefined,
    }
  }

  async ensureTopics(): Promise<void> {}

  intake(): { readonly open: true } {
    return { open: true }
  }

  stage = elsewhere
  share = elsewhere
  read = elsewhere
  deleteTopics = elsewhere

  async [Symbol.asyncDispose](): Promise<void> {}

  #take(records: readonly NewRecord[]): void {
    for (const { topic, value } of records) if (topic === agentStatusTopic.name) this.#parts.onStatus(value)
  }
}

function unknownPositions({ name: topic, partitions }: TopicSpec): PartitionPosition[] {
  return Array.from({ length: partitions }, (_, partition) => ({
    topic,
    partition,
    start: 0,
    end: 0,
    committed: undefined,
    lag: 0,
    oldestPendingMs: undefined,
  }))
}

function elsewhere(): never {
  throw new RelayError('RELAY_USAGE', 'this is done where the log is, not in an agent that runs elsewhere')
}
