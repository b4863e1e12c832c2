/** The formatter's part of the balance: received = formatted + discarded + dead-lettered, counted when the transaction is durable. */
import { type ErrorCode, type EventKind, rawKindOf, rawKinds } from '@siem-relay/common'
import { counter, gauge, type World } from '@siem-relay/service-kit'

/** What one batch came to. */
export interface BatchCounts {
  /** Decided on: an alert that waits for its twin counts when it leaves or is left out. */
  received: number
  formatted: number
  filtered: number
  repeated: number
  /** Copies of alerts that another product reported too. */
  duplicates: number
  /** By error code. */
  readonly deadLettered: Map<ErrorCode, number>
  shortened: number
  filterErrors: number
}

export const noCounts = (): BatchCounts => ({
  received: 0,
  formatted: 0,
  filtered: 0,
  repeated: 0,
  duplicates: 0,
  deadLettered: new Map(),
  shortened: 0,
  filterErrors: 0,
})

export type CountBatch = (of: EventKind, counts: BatchCounts) => void

/** A function that adds a committed batch of one agent to the metrics. */
export function createFormatterMetrics(metrics: World['metrics'], agent: string): CountBatch {
  const received = counter(metrics, {
    name: 'siem_relay_records_formatter_total',
    help: "Raw records an agent's formatter has decided on.",
    labels: ['agent', 'kind'],
  })
  const formatted = counter(metrics, {
    name: 'siem_relay_messages_formatted_total',
    help: 'Messages written for an agent.',
    labels: ['agent', 'kind'],
  })
  const discarded = counter(metrics, {
    name: 'siem_relay_records_discarded_total',
    help: 'Records left out on purpose, by reason.',
    labels: ['agent', 'kind', 'reason'],
  })
  const deadLettered = counter(metrics, {
    name: 'siem_relay_records_dead_lettered_total',
    help: 'Records that cannot be processed or delivered, kept in dead-letters.',
    labels: ['agent', 'stage', 'code'],
  })
  const shortened = counter(metrics, {
    name: 'siem_relay_messages_shortened_total',
    help: "Messages with free text shortened to fit the destination's limit.",
    labels: ['agent'],
  })
  const filterErrors = counter(metrics, {
    name: 'siem_relay_filter_errors_total',
    help: 'Records let through because their filter failed to evaluate.',
    labels: ['agent'],
  })
  shortened.inc({ agent }, 0)
  filterErrors.inc({ agent }, 0)
  deadLettered.inc({ agent, stage: 'formatter', code: 'RELAY_RECORD_INVALID' }, 0)
  for (const reason of ['filter', 'repeat', 'duplicate'])
    for (const kind of rawKinds) discarded.inc({ agent, kind, reason }, 0)
  return (of, counts) => {
    const kind = rawKindOf[of]
    received.inc({ agent, kind }, counts.received)
    formatted.inc({ agent, kind }, counts.formatted)
    if (counts.filtered > 0) discarded.inc({ agent, kind, reason: 'filter' }, counts.filtered)
    if (counts.repeated > 0) discarded.inc({ agent, kind, reason: 'repeat' }, counts.repeated)
    if (counts.duplicates > 0) discarded.inc({ agent, kind, reason: 'duplicate' }, counts.duplicates)
    for (const [code, count] of counts.deadLettered) deadLettered.inc({ agent, stage: 'formatter', code }, count)
    if (counts.shortened > 0) shortened.inc({ agent }, counts.shortened)
    if (counts.filterErrors > 0) filterErrors.inc({ agent }, counts.filterErrors)
  }
}

/** A gauge of the alerts of one agent that wait for their twin, over the alert topics of its tenants. */
export function createHeldGauge(metrics: World['metrics'], agent: string): (topic: string, alerts: number) => void {
  const held = gauge(metrics, {
    name: 'siem_relay_alerts_held',
    help: 'Alerts an agent’s formatter holds back because their twin may come; they leave when it has, or when the grace time is over.',
    labels: ['agent'],
  })
  const byTopic = new Map<string, number>()
  held.set({ agent }, 0)
  return (topic, alerts) => {
    byTopic.set(topic, alerts)
    held.set(
      { agent },
      [...byTopic.values()].reduce((sum, one) => sum + one, 0),
    )
  }
}
