/** How far behind consumer groups are, and how the log takes it: on Kafka, and on the embedded log all but partitions. */
import { type Dashboard, maxBy, metric, type Panel, rate, sumBy } from './panels.ts'
import { age, agentVariable, commitTime, lag, ofAgent } from './shared.ts'

const records = metric('siem_relay_consumer_lag_records', ofAgent)
const waiting = metric('siem_relay_oldest_pending_seconds', ofAgent)

const retentionUsed: Panel = {
  type: 'timeseries',
  title: 'Retention used up',
  description:
    'Age of the oldest waiting record as a share of how long its topic keeps it: at 100 % Kafka removes it undelivered.',
  unit: 'percentunit',
  width: 12,
  targets: [
    {
      expr: `${maxBy('agent, stage', waiting)} / ${maxBy('agent, stage', metric('siem_relay_retention_seconds', ofAgent))}`,
      legend: '{{agent}} {{stage}}',
    },
  ],
}

const growth: Panel = {
  type: 'timeseries',
  title: 'Lag grows by',
  description: 'Records a second; below 0 a backlog is worked off.',
  unit: 'recps',
  width: 12,
  targets: [{ expr: maxBy('agent, stage', `deriv(${records}[$__rate_interval])`), legend: '{{agent}} {{stage}}' }],
}

const partitions: Panel = {
  type: 'timeseries',
  title: 'Partitions assigned',
  description: 'By instance: how the partitions of a group are shared out. On Kafka only.',
  unit: 'short',
  width: 12,
  targets: [
    {
      expr: sumBy('agent, stage, instance', metric('siem_relay_partitions_assigned', ofAgent)),
      legend: '{{agent}} {{stage}} {{instance}}',
    },
  ],
}

const fenced: Panel = {
  type: 'timeseries',
  title: 'Partitions fenced',
  description: 'Taken over by another instance while this one worked on them: some at a scale-out, many are a fault.',
  unit: 'short',
  width: 12,
  targets: [
    {
      expr: sumBy('job', `increase(${metric('siem_relay_partitions_fenced_total')}[$__rate_interval])`),
      legend: '{{job}}',
    },
  ],
}

const commits: Panel = {
  type: 'timeseries',
  title: 'Commits',
  description: 'Groups of transactions to disk, or transactions of Kafka, a second.',
  unit: 'ops',
  width: 12,
  targets: [{ expr: sumBy('job', rate(metric('siem_relay_log_commit_seconds_count'))), legend: '{{job}}' }],
}

export const kafkaDashboard: Dashboard = {
  uid: 'siem-relay-kafka',
  title: 'siem-relay: lag',
  description: 'How far behind consumer groups are on Kafka or the embedded log, and how the log takes it.',
  variables: [agentVariable],
  rows: [
    { title: 'Behind', panels: [lag, age, growth, retentionUsed] },
    { title: 'Log', panels: [commits, commitTime, partitions, fenced] },
  ],
}
