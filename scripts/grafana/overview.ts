/** What comes from Microsoft, what becomes of it, and what the SIEM has confirmed: the first look. */
import { type Dashboard, maxBy, metric, type Panel, rate, sumBy } from './panels.ts'
import {
  agentVariable,
  commitTime,
  connected,
  deadLettersByCode,
  deadLettersInRange,
  delivered,
  endToEnd,
  inFlight,
  lag,
  ofAgent,
  oldest,
  received,
  unaccounted,
  watermark,
} from './shared.ts'

/** The terms of the balance, of an agent's stages together. */
const terms = [
  ['siem_relay_records_formatter_total', 'received'],
  ['siem_relay_messages_delivered_total', 'delivered'],
  ['siem_relay_records_discarded_total', 'discarded'],
  ['siem_relay_records_dead_lettered_total', 'dead-lettered'],
] as const
const inFlightNow = metric('siem_relay_consumer_lag_records', ofAgent, 'stage="sender"')

const balance: Panel = {
  type: 'timeseries',
  title: 'Balance',
  description:
    "Every record an agent's formatter took in is delivered, discarded with a reason, dead-lettered with a reason, or in flight. The stack follows the line; while it stays below, in flight has fallen.",
  unit: 'recps',
  width: 16,
  isStacked: true,
  targets: [
    ...terms.map(([name, legend]) => ({ expr: `sum(${rate(metric(name, ofAgent))})`, legend })),
    { expr: `sum(${maxBy('agent', `deriv(${inFlightNow}[$__rate_interval])`)})`, legend: 'in flight, change' },
  ],
}

const balanceInRange: Panel = {
  type: 'stat',
  title: 'Balance over the time shown',
  description:
    'Whole records. Received less delivered, discarded and dead-lettered is what in flight has grown by; more than that for long is a fault to report.',
  unit: 'short',
  width: 8,
  targets: [
    ...terms.map(([name, legend]) => ({ expr: `sum(increase(${metric(name, ofAgent)}[$__range]))`, legend })),
    { expr: `sum(${maxBy('agent', inFlightNow)})`, legend: 'in flight now' },
  ],
}

const held: Panel = {
  type: 'timeseries',
  title: 'Alerts that wait for their twin',
  description: 'Held back by agents that prefer one of two copies; not received yet in the sense of the balance.',
  unit: 'short',
  width: 12,
  targets: [{ expr: sumBy('agent', metric('siem_relay_alerts_held', ofAgent)), legend: '{{agent}}' }],
}

const memory: Panel = {
  type: 'timeseries',
  title: 'Memory',
  description: 'Resident memory of each process.',
  unit: 'bytes',
  width: 12,
  targets: [{ expr: metric('process_resident_memory_bytes'), legend: '{{job}} {{instance}}' }],
}

const processor: Panel = {
  type: 'timeseries',
  title: 'CPU',
  description: 'Seconds of CPU in a second; 1 is a whole core.',
  unit: 'short',
  width: 12,
  targets: [{ expr: rate(metric('process_cpu_seconds_total')), legend: '{{job}} {{instance}}' }],
}

const eventLoop: Panel = {
  type: 'timeseries',
  title: 'Event loop lag',
  description: 'How late the event loop is, 99th percentile: near a second something holds the process up.',
  unit: 's',
  width: 12,
  targets: [{ expr: metric('nodejs_eventloop_lag_p99_seconds'), legend: '{{job}} {{instance}}' }],
}

const disk: Panel = {
  type: 'timeseries',
  title: 'Disk of the embedded log',
  description: 'Free bytes, and the floor below which no new records are taken; not on Kafka.',
  unit: 'bytes',
  width: 12,
  targets: [
    { expr: metric('siem_relay_log_disk_free_bytes'), legend: '{{instance}} free' },
    { expr: metric('siem_relay_log_disk_free_bytes_min'), legend: '{{instance}} floor' },
  ],
}

const intake: Panel = {
  type: 'stat',
  title: 'Intake',
  description: 'Whether the log takes new records from sources.',
  unit: 'short',
  width: 12,
  targets: [{ expr: metric('siem_relay_intake_open'), legend: '{{job}} {{instance}}' }],
  thresholds: [
    [null, 'red'],
    [1, 'green'],
  ],
  words: { '0': 'closed', '1': 'open' },
}

const build: Panel = {
  type: 'stat',
  title: 'Builds',
  description: 'How many processes run which version.',
  unit: 'short',
  width: 6,
  targets: [{ expr: sumBy('version', metric('siem_relay_build_info')), legend: '{{version}}' }],
}

const configuration: Panel = {
  type: 'stat',
  title: 'Configuration',
  description: 'Whether the file on disk is what runs.',
  unit: 'short',
  width: 6,
  targets: [{ expr: maxBy('job', metric('siem_relay_config_reload_failed')), legend: '{{job}}' }],
  thresholds: [
    [null, 'green'],
    [1, 'red'],
  ],
  words: { '0': 'in force', '1': 'refused' },
}

export const overviewDashboard: Dashboard = {
  uid: 'siem-relay',
  title: 'siem-relay',
  description: 'What comes from Defender for Cloud Apps, what becomes of it, and what the SIEM has confirmed.',
  variables: [agentVariable],
  rows: [
    { title: 'At a glance', panels: [connected, inFlight, oldest, deadLettersInRange] },
    {
      title: 'The balance: received = delivered + discarded + dead-lettered + in flight',
      panels: [balance, balanceInRange, unaccounted, held],
    },
    { title: 'Collect', panels: [received, watermark] },
    { title: 'Deliver', panels: [delivered, endToEnd, lag, deadLettersByCode] },
    { title: 'Processes', panels: [memory, processor, eventLoop, commitTime, disk, intake, build, configuration] },
  ],
}
