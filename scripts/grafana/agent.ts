/** One agent: from raw records to its receiver. */
import { type Dashboard, increase, metric, type Panel, quantiles, rate, sumBy } from './panels.ts'
import {
  age,
  agentVariable,
  bytesSent,
  certificates,
  connected,
  deadLettersByCode,
  deadLettersInRange,
  delivered,
  endToEnd,
  inFlight,
  lag,
  ofAgent,
  oldest,
  transit,
  unaccounted,
  unconfirmed,
} from './shared.ts'

const formatted: Panel = {
  type: 'timeseries',
  title: 'Messages formatted',
  description: 'Messages written for each agent.',
  unit: 'mps',
  width: 12,
  targets: [
    {
      expr: sumBy('agent, kind', rate(metric('siem_relay_messages_formatted_total', ofAgent))),
      legend: '{{agent}} {{kind}}',
    },
  ],
}

const discarded: Panel = {
  type: 'timeseries',
  title: 'Discarded, by reason',
  description: 'Left out on purpose: by a filter, as a record that came twice, or as a copy of an alert.',
  unit: 'recps',
  width: 12,
  targets: [
    {
      expr: sumBy('agent, reason', rate(metric('siem_relay_records_discarded_total', ofAgent))),
      legend: '{{agent}} {{reason}}',
    },
  ],
}

const oddities: Panel = {
  type: 'timeseries',
  title: 'Shortened, and passed unfiltered',
  description: 'Messages with text shortened to fit the limit; records let through because their filter failed.',
  unit: 'short',
  width: 12,
  targets: [
    {
      expr: sumBy('agent', increase(metric('siem_relay_messages_shortened_total', ofAgent))),
      legend: '{{agent}} shortened',
    },
    {
      expr: sumBy('agent', increase(metric('siem_relay_filter_errors_total', ofAgent))),
      legend: '{{agent}} filter failed',
    },
  ],
}

const connections: Panel = {
  type: 'timeseries',
  title: 'Connections',
  description: 'Attempts to connect to the receiver; a checkpoint opens a new connection too.',
  unit: 'short',
  width: 12,
  targets: [
    {
      expr: sumBy('agent, result', increase(metric('siem_relay_connections_total', ofAgent))),
      legend: '{{agent}} {{result}}',
    },
  ],
}

const confirmation: Panel = {
  type: 'timeseries',
  title: 'Confirmation takes',
  description: "From our half-close to the receiver's close.",
  unit: 's',
  width: 12,
  targets: quantiles('siem_relay_checkpoint_seconds', 'agent', '{{agent}}', ofAgent),
}

const refusals: Panel = {
  type: 'timeseries',
  title: 'Refused by receivers',
  description: 'RELP answers that did not accept a message, and UDP ports nobody listens at.',
  unit: 'short',
  width: 12,
  targets: [
    {
      expr: sumBy('agent', increase(metric('siem_relay_messages_declined_total', ofAgent))),
      legend: '{{agent}} declined',
    },
    {
      expr: sumBy('agent', increase(metric('siem_relay_udp_refused_total', ofAgent))),
      legend: '{{agent}} UDP refused',
    },
  ],
}

const replayed: Panel = {
  type: 'timeseries',
  title: 'Replayed messages',
  description: 'Messages of replays that were delivered; not in any other panel here.',
  unit: 'mps',
  width: 12,
  targets: [{ expr: sumBy('agent', rate(metric('siem_relay_replayed_messages_total', ofAgent))), legend: '{{agent}}' }],
}

export const agentDashboard: Dashboard = {
  uid: 'siem-relay-agent',
  title: 'siem-relay: agent',
  description: 'One agent, from raw records to what its receiver has confirmed.',
  variables: [agentVariable],
  rows: [
    { title: 'At a glance', panels: [connected, inFlight, oldest, deadLettersInRange] },
    { title: 'Format', panels: [formatted, discarded, deadLettersByCode, oddities] },
    { title: 'Deliver', panels: [delivered, bytesSent, lag, age, endToEnd, transit] },
    {
      title: 'Receiver',
      panels: [unconfirmed, confirmation, connections, refusals, certificates, replayed, unaccounted],
    },
  ],
}
