/** Panels that several dashboards show. */
import { increase, maxBy, metric, type Panel, quantiles, rate, sumBy, type Variable } from './panels.ts'

export const agentVariable: Variable = {
  name: 'agent',
  label: 'Agent',
  query: 'label_values(siem_relay_messages_delivered_total, agent)',
}
export const ofAgent = 'agent=~"$agent"'

const upOrDown = {
  thresholds: [
    [null, 'red'],
    [1, 'green'],
  ],
  words: { '0': 'away', '1': 'connected' },
} as const
const fewIsGood = (many: number) =>
  [
    [null, 'green'],
    [many, 'orange'],
  ] as const

export const connected: Panel = {
  type: 'stat',
  title: 'Receivers connected',
  description: "1 while some sender is connected to the agent's receiver, 0 while none is.",
  unit: 'short',
  width: 6,
  targets: [{ expr: maxBy('agent', metric('siem_relay_sink_up', ofAgent)), legend: '{{agent}}' }],
  ...upOrDown,
}

export const inFlight: Panel = {
  type: 'stat',
  title: 'In flight',
  description: 'Messages in the log that the receiver has not confirmed.',
  unit: 'short',
  width: 6,
  targets: [
    { expr: maxBy('agent', metric('siem_relay_consumer_lag_records', ofAgent, 'stage="sender"')), legend: '{{agent}}' },
  ],
  thresholds: fewIsGood(1_000),
}

export const oldest: Panel = {
  type: 'stat',
  title: 'Oldest waiting',
  description: 'Age of the oldest record an agent has not passed, at its formatter or its sender.',
  unit: 's',
  width: 6,
  targets: [{ expr: maxBy('agent', metric('siem_relay_oldest_pending_seconds', ofAgent)), legend: '{{agent}}' }],
  thresholds: fewIsGood(300),
}

export const deadLettersInRange: Panel = {
  type: 'stat',
  title: 'Dead letters',
  description: 'Records that could not be processed or delivered, in the time shown.',
  unit: 'short',
  width: 6,
  targets: [
    {
      expr: sumBy('agent', `increase(${metric('siem_relay_records_dead_lettered_total', ofAgent)}[$__range])`),
      legend: '{{agent}}',
    },
  ],
  thresholds: fewIsGood(1),
}

export const unaccounted: Panel = {
  type: 'timeseries',
  title: 'Not accounted for',
  description:
    'What is left of the balance, recorded: level between starts of a process, though not 0, since what was in flight at a start was counted by the process before. A step up: records are missing. A step down: some were delivered twice.',
  unit: 'short',
  width: 12,
  targets: [{ expr: 'agent:siem_relay_records_unaccounted:sum{agent=~"$agent"}', legend: '{{agent}}' }],
}

export const deadLettersByCode: Panel = {
  type: 'timeseries',
  title: 'Dead letters, by code',
  description: 'Cannot be processed or delivered; kept with the reason.',
  unit: 'short',
  width: 12,
  targets: [
    {
      expr: sumBy('agent, stage, code', increase(metric('siem_relay_records_dead_lettered_total', ofAgent))),
      legend: '{{agent}} {{stage}} {{code}}',
    },
  ],
}

export const delivered: Panel = {
  type: 'timeseries',
  title: 'Messages delivered',
  description: 'Confirmed by the measure of their agent, and those that had to be sent again.',
  unit: 'mps',
  width: 12,
  targets: [
    { expr: sumBy('agent', rate(metric('siem_relay_messages_delivered_total', ofAgent))), legend: '{{agent}}' },
    {
      expr: sumBy('agent', rate(metric('siem_relay_messages_resent_total', ofAgent))),
      legend: '{{agent}} sent again',
    },
  ],
}

export const lag: Panel = {
  type: 'timeseries',
  title: 'Lag',
  description: 'Records an agent has not passed, at its formatter and at its sender.',
  unit: 'short',
  width: 12,
  targets: [
    { expr: maxBy('agent, stage', metric('siem_relay_consumer_lag_records', ofAgent)), legend: '{{agent}} {{stage}}' },
  ],
}

export const age: Panel = {
  type: 'timeseries',
  title: 'Age of the oldest waiting',
  description: 'Since when the oldest record waits that an agent has not passed.',
  unit: 's',
  width: 12,
  targets: [
    {
      expr: maxBy('agent, stage', metric('siem_relay_oldest_pending_seconds', ofAgent)),
      legend: '{{agent}} {{stage}}',
    },
  ],
}

export const endToEnd: Panel = {
  type: 'timeseries',
  title: 'From event to delivery',
  description: 'Median and 95th percentile of the time from the event itself to its delivery.',
  unit: 's',
  width: 12,
  targets: quantiles('siem_relay_end_to_end_delay_seconds', 'agent, kind', '{{agent}} {{kind}}', ofAgent),
}

export const transit: Panel = {
  type: 'timeseries',
  title: 'From collection to delivery',
  description: "What of the delay is the relay's and its receiver's: from the collector's receipt to delivery.",
  unit: 's',
  width: 12,
  targets: quantiles('siem_relay_transit_seconds', 'agent, kind', '{{agent}} {{kind}}', ofAgent),
}

export const unconfirmed: Panel = {
  type: 'timeseries',
  title: 'Unconfirmed messages',
  description: 'Taken from the log and not confirmed by the receiver: what a broken connection sends again at most.',
  unit: 'short',
  width: 12,
  targets: [{ expr: sumBy('agent', metric('siem_relay_unconfirmed_messages', ofAgent)), legend: '{{agent}}' }],
}

export const bytesSent: Panel = {
  type: 'timeseries',
  title: 'Bytes sent',
  description: 'Handed to the wire, with framing or compressed, without TLS.',
  unit: 'Bps',
  width: 12,
  targets: [
    {
      expr: sumBy('agent, protocol', rate(metric('siem_relay_bytes_sent_total', ofAgent))),
      legend: '{{agent}} {{protocol}}',
    },
  ],
}

export const certificates: Panel = {
  type: 'stat',
  title: 'Certificates valid for',
  description: 'Time until a certificate of a delivery ends: own, or the one the receiver showed last.',
  unit: 's',
  width: 12,
  targets: [
    {
      expr: `min by (agent, holder) (${metric('siem_relay_certificate_expiry_timestamp_seconds', ofAgent)}) - time()`,
      legend: '{{agent}} {{holder}}',
    },
  ],
  thresholds: [
    [null, 'red'],
    [1_209_600, 'green'],
  ],
}

export const received: Panel = {
  type: 'timeseries',
  title: 'Records received',
  description: 'Records taken into the log, each counted once.',
  unit: 'recps',
  width: 12,
  targets: [
    { expr: sumBy('source, kind', rate(metric('siem_relay_records_received_total'))), legend: '{{source}} {{kind}}' },
  ],
}

export const watermark: Panel = {
  type: 'timeseries',
  title: 'Watermark behind now',
  description: 'Up to here everything was read. Two minutes are normal: records of the last moments may still appear.',
  unit: 's',
  width: 12,
  targets: [
    { expr: maxBy('source, kind', metric('siem_relay_checkpoint_age_seconds')), legend: '{{source}} {{kind}}' },
  ],
}

export const commitTime: Panel = {
  type: 'timeseries',
  title: 'Commits to the log take',
  description: 'Median and 95th percentile: a group of transactions to disk, or one transaction of Kafka.',
  unit: 's',
  width: 12,
  targets: quantiles('siem_relay_log_commit_seconds', 'job', '{{job}}'),
}
