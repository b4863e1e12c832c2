/** What the log knows of itself and of its readers, as metrics: lag and age per agent, appends, space, damage. */
import type { SqliteBus } from '@siem-relay/bus'
import { formatterGroup, outTopic, senderGroup, type TopicSpec, tenantsOf } from '@siem-relay/common'
import { inputsOf } from '@siem-relay/formatter'
import { gauge, type World } from '@siem-relay/service-kit'
import type { RelayConfig } from './config/schema.ts'
import type { OpenedBus } from './open-bus.ts'

/** Registers the metrics and the readiness of intake; the returned function takes the readiness check back. */
export function observeBus(
  opened: OpenedBus,
  inForce: () => RelayConfig,
  world: Pick<World, 'metrics' | 'health' | 'clock'>,
): () => void {
  const { metrics } = world
  const { bus } = opened
  const age = gauge(metrics, {
    name: 'siem_relay_oldest_pending_seconds',
    help: 'Age of the oldest record a group has not passed; 0 without any.',
    labels: ['agent', 'stage'],
  })
  // Read when Prometheus asks: an idle relay does nothing for its metrics.
  gauge(metrics, {
    name: 'siem_relay_consumer_lag_records',
    help: 'Records a group has not passed yet.',
    labels: ['agent', 'stage'],
    collect: async (lag) => {
      const nowMs = world.clock.nowMs()
      const groups = await Promise.all(
        groupsOf(inForce()).map(async ({ agent, stage, group, topics }) => ({
          labels: { agent, stage },
          positions: await bus.positions.of(group, topics),
        })),
      )
      // Agents come and go; what is gone has no lag.
      lag.reset()
      age.reset()
      for (const { labels, positions } of groups) {
        const oldest = Math.min(...positions.map((position) => position.oldestPendingMs ?? Number.POSITIVE_INFINITY))
        lag.set(
          labels,
          positions.reduce((sum, position) => sum + position.lag, 0),
        )
        age.set(labels, Number.isFinite(oldest) ? Math.max(0, nowMs - oldest) / 1000 : 0)
      }
    },
  })
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

function observeEmbedded({ stats }: SqliteBus, metrics: World['metrics']): void {
  gauge(metrics, {
    name: 'siem_relay_log_appended_records',
    help: 'Records appended to the embedded log since the start.',
    collect: (appended) => appended.set(stats.recordsAppended),
  })
  gauge(metrics, {
    name: 'siem_relay_log_stored_bytes',
    help: 'Bytes written to the embedded log since the start, after compression.',
    collect: (stored) => stored.set(stats.storedBytesAppended),
  })
  gauge(metrics, {
    name: 'siem_relay_log_corrupt_batches',
    help: 'Damaged batches found since the start.',
    collect: (corrupt) => corrupt.set(stats.corruptBatches),
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
