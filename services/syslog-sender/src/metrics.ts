/** What the syslog-sender counts. One agent's view of the process-wide metrics: labels are bound once, values added on the way. */
import { type EventKind, rawKindOf } from '@siem-relay/common'
import { counter, delayBuckets, durationBuckets, gauge, histogram } from '@siem-relay/service-kit'

type Registry = Parameters<typeof counter>[0]

export interface SenderMetrics {
  readonly sent: (messages: number) => void
  readonly sentBytes: (bytes: number) => void
  readonly resent: (messages: number) => void
  readonly delivered: (messages: number) => void
  readonly deadLettered: (code: string) => void
  readonly sinkUp: (isUp: boolean) => void
  readonly connection: (result: 'opened' | 'failed') => void
  readonly checkpoint: (seconds: number) => void
  readonly unconfirmed: (messages: number) => void
  readonly udpRefused: () => void
  readonly declined: () => void
  /** Event time to delivery; negative delays (a clock that is off, an event of the future) are left out. */
  readonly delay: (kind: string | undefined, seconds: number) => void
  /** The agent is not delivered for here any more: its gauges would only stand still. */
  readonly ended: () => void
}

const deadLetterCodes = ['RELAY_FRAME_TOO_LARGE', 'RELAY_RECORD_INVALID', 'RELAY_RECEIVER_REFUSED'] as const

/** Makes the metrics of one agent, with every label set at 0, so that `rate()` sees the first increment. */
export function senderMetrics(registry: Registry, agent: string, protocol: string): SenderMetrics {
  const sent = counter(registry, {
    name: 'siem_relay_messages_sent_total',
    help: 'Messages handed to the wire, with those sent again.',
    labels: ['agent', 'protocol'],
  }).labels(agent, protocol)
  const sentBytes = counter(registry, {
    name: 'siem_relay_bytes_sent_total',
    help: 'Bytes handed to the wire, with framing, without TLS.',
    labels: ['agent', 'protocol'],
  }).labels(agent, protocol)
  const resent = counter(registry, {
    name: 'siem_relay_messages_resent_total',
    help: 'Messages sent again because the connection they went out on did not confirm them.',
    labels: ['agent'],
  }).labels(agent)
  const delivered = counter(registry, {
    name: 'siem_relay_messages_delivered_total',
    help: 'Messages confirmed as delivered by the measure of their agent.',
    labels: ['agent'],
  }).labels(agent)
  const deadLettered = counter(registry, {
    name: 'siem_relay_records_dead_lettered_total',
    help: 'Records that cannot be processed or delivered, kept in dead-letters.',
    labels: ['agent', 'stage', 'code'],
  })
  const sinksUp = gauge(registry, {
    name: 'siem_relay_sink_up',
    help: '1 while the receiver is connected, 0 while it is not.',
    labels: ['agent'],
  })
  const sinkUp = sinksUp.labels(agent)
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
  const allUnconfirmed = gauge(registry, {
    name: 'siem_relay_unconfirmed_messages',
    help: 'Messages taken from the log and not confirmed by the receiver.',
    labels: ['agent'],
  })
  const unconfirmed = allUnconfirmed.labels(agent)
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
  const delays = histogram(registry, {
    name: 'siem_relay_end_to_end_delay_seconds',
    help: 'From the event’s own time to its delivery.',
    labels: ['kind'],
    buckets: delayBuckets,
  })
  const delayOf = {
    alert: delays.labels('alert'),
    activity: delays.labels('activity'),
    discovery: delays.labels('discovery'),
    other: delays.labels('other'),
  } as const satisfies Record<EventKind | 'other', unknown>
  const isKind = (kind: string | undefined): kind is EventKind => kind !== undefined && Object.hasOwn(rawKindOf, kind)

  sent.inc(0)
  sentBytes.inc(0)
  resent.inc(0)
  delivered.inc(0)
  udpRefused.inc(0)
  declined.inc(0)
  sinkUp.set(0)
  unconfirmed.set(0)
  for (const result of ['opened', 'failed'] as const) connections.labels(agent, result).inc(0)
  for (const code of deadLetterCodes) deadLettered.labels(agent, 'syslog-sender', code).inc(0)

  return {
    sent: (messages) => sent.inc(messages),
    sentBytes: (bytes) => sentBytes.inc(bytes),
    resent: (messages) => resent.inc(messages),
    delivered: (messages) => delivered.inc(messages),
    deadLettered: (code) => deadLettered.labels(agent, 'syslog-sender', code).inc(),
    sinkUp: (isUp) => sinkUp.set(isUp ? 1 : 0),
    connection: (result) => connections.labels(agent, result).inc(),
    checkpoint: (seconds) => checkpoints.observe(seconds),
    unconfirmed: (messages) => unconfirmed.set(messages),
    udpRefused: () => udpRefused.inc(),
    declined: () => declined.inc(),
    ended: () => {
      sinksUp.remove(agent)
      allUnconfirmed.remove(agent)
    },
    delay: (kind, seconds) => {
      if (seconds >= 0) delayOf[isKind(kind) ? kind : 'other'].observe(seconds)
    },
  }
}
