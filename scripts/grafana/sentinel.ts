/** Agents that deliver to Microsoft Sentinel: requests, what Azure answered, and bytes, which is what ingestion costs. */
import { type Dashboard, metric, type Panel, rate, sumBy } from './panels.ts'
import {
  age,
  certificates,
  connected,
  deadLettersInRange,
  delivered,
  endToEnd,
  inFlight,
  lag,
  ofAgent,
  oldest,
  transit,
  unconfirmed,
} from './shared.ts'

const requests = metric('siem_relay_sentinel_requests_total', ofAgent)
const rawBytes = metric('siem_relay_sentinel_raw_bytes_total', ofAgent)
const wireBytes = metric('siem_relay_bytes_sent_total', ofAgent, 'protocol="sentinel"')

const answers: Panel = {
  type: 'timeseries',
  title: 'Answers by status',
  description: '204: stored. 429: the limit of the rule. 401, 403, 404: a person has to act. none: no answer came.',
  unit: 'reqps',
  width: 12,
  targets: [{ expr: sumBy('agent, status', rate(requests)), legend: '{{agent}} {{status}}' }],
}

const byStream: Panel = {
  type: 'timeseries',
  title: 'Requests by stream',
  description: 'A data type each.',
  unit: 'reqps',
  width: 12,
  targets: [{ expr: sumBy('agent, stream', rate(requests)), legend: '{{agent}} {{stream}}' }],
}

const bytes: Panel = {
  type: 'timeseries',
  title: 'Bytes, raw and on the wire',
  description:
    'Bodies of requests before and after compression, with those sent again. Azure bills rows as they are stored.',
  unit: 'Bps',
  width: 12,
  targets: [
    { expr: sumBy('agent', rate(rawBytes)), legend: '{{agent}} raw' },
    { expr: sumBy('agent', rate(wireBytes)), legend: '{{agent}} on the wire' },
  ],
}

const perRequest: Panel = {
  type: 'timeseries',
  title: 'Rows in a request',
  description: 'Messages sent for each request: few of them when little comes, or lingerSeconds is short.',
  unit: 'short',
  width: 12,
  targets: [
    {
      expr: `${sumBy('agent', rate(metric('siem_relay_messages_sent_total', ofAgent, 'protocol="sentinel"')))} / ${sumBy('agent', rate(requests))}`,
      legend: '{{agent}}',
    },
  ],
}

const clamped: Panel = {
  type: 'timeseries',
  title: 'Rows with another TimeGenerated',
  description:
    'Azure replaces times of more than two days ago by the time of receipt; EventTime and StartTime keep them.',
  unit: 'rowsps',
  width: 12,
  targets: [
    { expr: sumBy('agent', rate(metric('siem_relay_sentinel_rows_clamped_total', ofAgent))), legend: '{{agent}}' },
  ],
}

const deadLetters: Panel = {
  type: 'timeseries',
  title: 'Dead letters, by code',
  description: 'Rows that Azure refuses, that would lose a column, or that are larger than a request.',
  unit: 'short',
  width: 12,
  targets: [
    {
      expr: sumBy(
        'agent, code',
        `increase(${metric('siem_relay_records_dead_lettered_total', ofAgent, 'stage="sentinel-sender"')}[$__rate_interval])`,
      ),
      legend: '{{agent}} {{code}}',
    },
  ],
}

export const sentinelDashboard: Dashboard = {
  uid: 'siem-relay-sentinel',
  title: 'siem-relay: Sentinel',
  description: 'Agents that deliver to Microsoft Sentinel: requests, what Azure answered, bytes, and what was refused.',
  variables: [{ name: 'agent', label: 'Agent', query: 'label_values(siem_relay_sentinel_requests_total, agent)' }],
  rows: [
    { title: 'At a glance', panels: [connected, inFlight, oldest, deadLettersInRange] },
    { title: 'Azure', panels: [answers, byStream, bytes, perRequest, clamped, deadLetters] },
    { title: 'Delivery', panels: [delivered, unconfirmed, lag, age, endToEnd, transit, certificates] },
  ],
}
