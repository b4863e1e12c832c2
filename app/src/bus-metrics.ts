/** What the log knows of itself and of its readers, as metrics: lag and age per agent, appends, space, damage. */
import type { SqliteBus } from '@siem-relay/bus'
import { formatterGroup, outTopic, senderGroup, type TopicSpec, tenantsOf } from '@siem-relay/common'
import { inputsOf } from '@siem-relay/formatter'
import { counter, durationBuckets, gauge, histogram, type World } from '@siem-relay/service-kit'
import type { RelayConfig } from './config/schema.ts'
import type { OpenedBus } from './open-bus.ts'

/** Measures commits of a log that is about to be opened. */
export function commitTimes(metrics: World['metrics']): (seconds: number) => void {
  const seconds = histogram(metrics, {
    name: 'siem_relay_log_commit_seconds',
    help: 'Time of a commit to the log: on the embedded one of a group of transactions to disk, on Kafka of one transaction.',
    buckets: durationBuckets,
  })
  return (value) => seconds.observe(value)
}

/** Registers the metrics and the readiness of intake; the returned function takes the readiness check back. */
export function observeBus(
  opened: OpenedBus,
  inForce: () => RelayConfig,
  world: Pick<World, 'metrics' | 'health' | 'clock'>,
): () => void {
  const { metrics } = world
  const { bus } = opened
  observePlaces(bus, inForce, world)
  gauge(metrics, {
    name: 'siem_relay_intake_open',
    help: '1 while the log takes new records from sources, 0 while the disk is too full.',
    collect: (intake) => intake.set(bus.intake().open ? 1 : 0),
  })
  if (opened.kind === 'sqlite') observeEmbedded(opened.bus, metrics)
  return world.health.register('log', () => {
    if (opened.kind === 'kafka') return opened.bus.trouble()
    const state = bus.intake()
    return state.open ? undefined : state.reason
  })
}

/** What one agent's stage has in front of it. */
interface Place {
  readonly labels: { readonly agent: string; readonly stage: GroupOfAgent['stage'] }
  readonly lag: number
  readonly ageSeconds: number
  readonly retentionSeconds: number | undefined
}

/** Looked at when Prometheus asks: an idle relay does nothing for its metrics. */
function observePlaces(
  bus: OpenedBus['bus'],
  inForce: () => RelayConfig,
  { metrics, clock }: Pick<World, 'metrics' | 'clock'>,
): void {
  let looking: Promise<readonly Place[]> | undefined
  // A scrape asks the gauges one right after another, and all are to tell of the same moment.
  const look = (): Promise<readonly Place[]> => {
    looking ??= placesOf(bus, inForce(), clock.nowMs()).finally(() => {
      looking = undefined
    })
    return looking
  }
  const perPlace = (name: string, help: string, measure: (place: Place) => number | undefined): void => {
    gauge(metrics, {
      name,
      help,
      labels: ['agent', 'stage'],
      collect: async (made) => {
        const places = await look()
        // Agents come and go; what is gone has no lag.
        made.reset()
        for (const place of places) {
          const value = measure(place)
          if (value !== undefined) made.set(place.labels, value)
        }
      },
    })
  }
  perPlace('siem_relay_consumer_lag_records', 'Records a group has not passed yet.', ({ lag }) => lag)
  perPlace(
    'siem_relay_oldest_pending_seconds',
    'Age of the oldest record a group has not passed; 0 without any.',
    ({ ageSeconds }) => ageSeconds,
  )
  perPlace(
    'siem_relay_retention_seconds',
    'How long the log keeps the records an agent’s stage reads, as topics are created: Kafka removes older ones even if they are not delivered, the embedded log only delivered ones.',
    ({ retentionSeconds }) => retentionSeconds,
  )
}

function placesOf(bus: OpenedBus['bus'], config: RelayConfig, nowMs: number): Promise<readonly Place[]> {
  return Promise.all(
    groupsOf(config).map(async ({ agent, stage, group, topics }) => {
      const positions = await bus.positions.of(group, topics)
      const oldestMs = Math.min(...positions.map((position) => position.oldestPendingMs ?? Number.POSITIVE_INFINITY))
      const retentionMs = Math.min(...topics.map((topic) => topic.retentionMs))
      return {
        labels: { agent, stage },
        lag: positions.reduce((sum, position) => sum + position.lag, 0),
        ageSeconds: Number.isFinite(oldestMs) ? Math.max(0, nowMs - oldestMs) / 1_000 : 0,
        retentionSeconds: Number.isFinite(retentionMs) ? retentionMs / 1_000 : undefined,
      }
    }),
  )
}

function observeEmbedded(bus: SqliteBus, metrics: World['metrics']): void {
  const { stats } = bus
  for (const { name, help, value } of [
    {
      name: 'siem_relay_log_appended_records_total',
      help: 'Records appended to the embedded log.',
      value: () => stats.recordsAppended,
    },
    {
      name: 'siem_relay_log_stored_bytes_total',
      help: 'Bytes written to the embedded log, after compression.',
      value: () => stats.storedBytesAppended,
    },
    {
      name: 'siem_relay_log_corrupt_batches_total',
      help: 'Damaged batches found in the embedded log.',
      value: () => stats.corruptBatches,
    },
  ])
    counter(metrics, { name, help, read: value })
  gauge(metrics, {
    name: 'siem_relay_log_disk_free_bytes',
    help: 'Bytes free for the embedded log, on its disk and inside its file.',
    collect: (free) => free.set(bus.space().freeBytes),
  })
  gauge(metrics, {
    name: 'siem_relay_log_disk_free_bytes_min',
    help: 'Free bytes below which the embedded log takes no new records from sources.',
    collect: (floor) => floor.set(bus.space().freeBytesMin),
  })
}

interface GroupOfAgent {
  readonly agent: string
  readonly stage: 'formatter' | 'sender'
  readonly group: string
  readonly topics: readonly TopicSpec[]
}

function groupsOf(config: RelayConfig): readonly GroupOfAgent[] {
  return config.agents
    .filter((agent) => agent.enabled)
    .flatMap((agent) => [
      {
        agent: agent.id,
        stage: 'formatter' as const,
        group: formatterGroup(agent.id),
        topics: inputsOf(agent, tenantsOf(config.sources)),
      },
      { agent: agent.id, stage: 'sender' as const, group: senderGroup(agent.id), topics: [outTopic(agent.id)] },
    ])
}
