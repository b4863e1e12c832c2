/** What the syslog-sender counts beyond what every sender does: connections, checkpoints, and what receivers refuse. */
import {
  type DeliveryMetrics,
  deliveryMetrics,
  type Registry,
  replayMetrics as replayDeliveryMetrics,
} from '@siem-relay/delivery'
import { counter, durationBuckets, histogram } from '@siem-relay/service-kit'

export interface SenderMetrics extends DeliveryMetrics {
  readonly connection: (result: 'opened' | 'failed') => void
  readonly checkpoint: (seconds: number) => void
  readonly udpRefused: () => void
  readonly declined: () => void
}

const deadLetterCodes = ['RELAY_FRAME_TOO_LARGE', 'RELAY_RECORD_INVALID', 'RELAY_RECEIVER_REFUSED'] as const

/** Makes the metrics of one agent, with every label set at 0, so that `rate()` sees the first increment. */
export function senderMetrics(registry: Registry, agent: string, protocol: string): SenderMetrics {
  const delivery = deliveryMetrics(registry, { agent, protocol, service: 'syslog-sender', codes: deadLetterCodes })
  const connections = counter(registry, {
    name: 'siem_relay_connections_total',
    help: 'Connections to the receiver by what became of the attempt.',
    labels: ['agent', 'result'],
  })
  const checkpoints = histogram(registry, {
    name: 'siem_relay_checkpoint_seconds',
    help: 'From our half-close to the receiver’s close.',
    labels: ['agent'],
    buckets: durationBuckets,
  }).labels(agent)
  const udpRefused = counter(registry, {
    name: 'siem_relay_udp_refused_total',
    help: 'Times the receiver’s machine said that nobody listens at the UDP port.',
    labels: ['agent'],
  }).labels(agent)
  const declined = counter(registry, {
    name: 'siem_relay_messages_declined_total',
    help: 'Answers of a RELP receiver that did not accept a message; the third for one message sends it to dead-letters.',
    labels: ['agent'],
  }).labels(agent)
  udpRefused.inc(0)
  declined.inc(0)
  for (const result of ['opened', 'failed'] as const) connections.labels(agent, result).inc(0)

  return {
    ...delivery,
    connection: (result) => connections.labels(agent, result).inc(),
    checkpoint: (seconds) => checkpoints.observe(seconds),
    udpRefused: () => udpRefused.inc(),
    declined: () => declined.inc(),
  }
}

/** The metrics of an agent's replays: what every replay counts, and no more. */
export function replaySenderMetrics(registry: Registry, agent: string): SenderMetrics {
  return {
    ...replayDeliveryMetrics(registry, agent),
    connection() {},
    checkpoint() {},
    udpRefused() {},
    declined() {},
  }
}
