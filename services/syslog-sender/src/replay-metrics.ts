/** What replays count: apart from live delivery, whose balance they must not disturb. */
import { counter } from '@siem-relay/service-kit'
import type { SenderMetrics } from './metrics.ts'

type Registry = Parameters<typeof counter>[0]

/** The metrics of an agent's replays; connections, bytes and delays of replays are in the log only. */
export function replayMetrics(registry: Registry, agent: string): SenderMetrics {
  const { replayed, deadLettered } = countersOf(registry)
  replayed.inc({ agent }, 0)
  return {
    delivered: (messages) => replayed.inc({ agent }, messages),
    deadLettered: (code) => deadLettered.inc({ agent, stage: 'replay', code }),
    sent() {},
    sentBytes() {},
    resent() {},
    sinkUp() {},
    connection() {},
    checkpoint() {},
    unconfirmed() {},
    udpRefused() {},
    declined() {},
    delay() {},
    ended() {},
  }
}

/** Makes the metrics at the start of the service, so that they are there before the first replay. */
export function announceReplayMetrics(registry: Registry, agents: readonly { readonly id: string }[]): void {
  const { replayed } = countersOf(registry)
  for (const { id } of agents) replayed.inc({ agent: id }, 0)
}

function countersOf(registry: Registry) {
  return {
    replayed: counter(registry, {
      name: 'siem_relay_replayed_messages_total',
      help: 'Messages of replays confirmed as delivered; not among those of live delivery.',
      labels: ['agent'],
    }),
    deadLettered: counter(registry, {
      name: 'siem_relay_records_dead_lettered_total',
      help: 'Records that cannot be processed or delivered, kept in dead-letters.',
      labels: ['agent', 'stage', 'code'],
    }),
  }
}
