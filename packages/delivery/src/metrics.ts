/** What every sender counts, whatever its destination. One agent's view of the process-wide metrics: labels are bound once, values
 *  added on the way. */
import { type ErrorCode, type EventKind, rawKindOf } from '@siem-relay/common'
import { counter, delayBuckets, gauge, histogram } from '@siem-relay/service-kit'
import type { SenderService } from './sender.ts'

export type Registry = Parameters<typeof counter>[0]

export interface DeliveryMetrics {
  readonly sent: (messages: number) => void
  readonly sentBytes: (bytes: number) => void
  readonly resent: (messages: number) => void
  readonly delivered: (messages: number) => void
  readonly deadLettered: (code: string) => void
  readonly sinkUp: (isUp: boolean) => void
  readonly unconfirmed: (messages: number) => void
  /** A message was delivered: how long after its event, and after the collector received it. Times that are unknown or lie in the
   *  future (a clock that is off) are left out. */
  readonly delay: (message: DeliveredMessage, nowMs: number) => void
  /** Seen in use: until when a certificate is valid, milliseconds since the epoch. `own`: the one we show; `receiver`: the one we are shown. */
  readonly certificate: (holder: CertificateHolder, validUntilMs: number) => void
  /** The agent is not delivered for here any more: its gauges would only stand still. */
  readonly ended: () => void
}

export type CertificateHolder = 'own' | 'receiver'

/** What the delays of a message are measured by. */
interface DeliveredMessage {
  readonly kind: string | undefined
  readonly eventTimeMs: number
  readonly receivedMs: number
}

export interface DeliveryLabels {
  readonly agent: string
  readonly protocol: string
  readonly service: SenderService
  /** Codes of dead letters this sender writes. */
  readonly codes: readonly ErrorCode[]
}

/** Makes the metrics of one agent, with every label set at 0, so that `rate()` sees the first increment. */
export function deliveryMetrics(registry: Registry, labels: DeliveryLabels): DeliveryMetrics {
  const { agent, protocol, service, codes } = labels
  const sent = counter(registry, {
    name: 'siem_relay_messages_sent_total',
    help: 'Messages handed to the wire, with those sent again.',
    labels: ['agent', 'protocol'],
  }).labels(agent, protocol)
  const sentBytes = counter(registry, {
    name: 'siem_relay_bytes_sent_total',
    help: 'Bytes handed to the wire, with framing or compressed, without TLS.',
    labels: ['agent', 'protocol'],
  }).labels(agent, protocol)
  const resent = counter(registry, {
    name: 'siem_relay_messages_resent_total',
    help: 'Messages sent again because the connection or request they went out on did not confirm them.',
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
  const allUnconfirmed = gauge(registry, {
    name: 'siem_relay_unconfirmed_messages',
    help: 'Messages taken from the log and not confirmed by the receiver.',
    labels: ['agent'],
  })
  const unconfirmed = allUnconfirmed.labels(agent)
  const delays = perKind(registry, agent, {
    name: 'siem_relay_end_to_end_delay_seconds',
    help: 'From the event’s own time to its delivery.',
  })
  const transits = perKind(registry, agent, {
    name: 'siem_relay_transit_seconds',
    help: 'From the collector’s receipt of a record to the delivery of its message: what of the delay is the relay’s and its receiver’s.',
  })

  const certificates = gauge(registry, {
    name: 'siem_relay_certificate_expiry_timestamp_seconds',
    help: 'Until when a certificate of an agent’s delivery is valid, by holder: own (the client certificate), receiver. Known once it was used.',
    labels: ['agent', 'holder'],
  })

  sent.inc(0)
  sentBytes.inc(0)
  resent.inc(0)
  delivered.inc(0)
  sinkUp.set(0)
  unconfirmed.set(0)
  for (const code of codes) deadLettered.labels(agent, service, code).inc(0)

  return {
    sent: (messages) => sent.inc(messages),
    sentBytes: (bytes) => sentBytes.inc(bytes),
    resent: (messages) => resent.inc(messages),
    delivered: (messages) => delivered.inc(messages),
    deadLettered: (code) => deadLettered.labels(agent, service, code).inc(),
    sinkUp: (isUp) => sinkUp.set(isUp ? 1 : 0),
    unconfirmed: (messages) => unconfirmed.set(messages),
    certificate: (holder, validUntilMs) => certificates.labels(agent, holder).set(validUntilMs / 1_000),
    ended: () => {
      for (const holder of ['own', 'receiver']) certificates.remove(agent, holder)
      sinksUp.remove(agent)
      allUnconfirmed.remove(agent)
    },
    delay: ({ kind, eventTimeMs, receivedMs }, nowMs) => {
      const name = isKind(kind) ? kind : 'other'
      if (nowMs >= eventTimeMs) delays[name].observe((nowMs - eventTimeMs) / 1_000)
      if (nowMs >= receivedMs) transits[name].observe((nowMs - receivedMs) / 1_000)
    },
  }
}

function perKind(registry: Registry, agent: string, spec: { readonly name: string; readonly help: string }) {
  const all = histogram(registry, { ...spec, labels: ['agent', 'kind'], buckets: delayBuckets })
  return {
    alert: all.labels(agent, rawKindOf.alert),
    activity: all.labels(agent, rawKindOf.activity),
    discovery: all.labels(agent, rawKindOf.discovery),
    other: all.labels(agent, 'other'),
  } as const satisfies Record<EventKind | 'other', unknown>
}

function isKind(kind: string | undefined): kind is EventKind {
  return kind !== undefined && Object.hasOwn(rawKindOf, kind)
}

/** The metrics of an agent's replays, apart from live delivery, whose balance they must not disturb. Connections, bytes and delays of
 *  replays are in the log only. */
export function replayMetrics(registry: Registry, agent: string): DeliveryMetrics {
  const { replayed, deadLettered } = replayCounters(registry)
  replayed.inc({ agent }, 0)
  return {
    delivered: (messages) => replayed.inc({ agent }, messages),
    deadLettered: (code) => deadLettered.inc({ agent, stage: 'replay', code }),
    sent() {},
    sentBytes() {},
    resent() {},
    sinkUp() {},
    unconfirmed() {},
    delay() {},
    certificate() {},
    ended() {},
  }
}

/** Makes the metrics at the start of the service, so that they are there before the first replay. */
export function announceReplayMetrics(registry: Registry, agents: readonly { readonly id: string }[]): void {
  const { replayed } = replayCounters(registry)
  for (const { id } of agents) replayed.inc({ agent: id }, 0)
}

function replayCounters(registry: Registry) {
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
