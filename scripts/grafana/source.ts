/** One source: what it gives, what it refuses, and which time may be incomplete. */
import { type Dashboard, increase, maxBy, metric, type Panel, quantiles, rate, sumBy } from './panels.ts'

const ofSource = 'source=~"$source"'

const line = (panel: Omit<Panel, 'type' | 'width'>): Panel => ({ type: 'timeseries', width: 12, ...panel })

const received = line({
  title: 'Records received',
  description: 'Records taken into the log, each counted once.',
  unit: 'recps',
  targets: [
    {
      expr: sumBy('source, kind', rate(metric('siem_relay_records_received_total', ofSource))),
      legend: '{{source}} {{kind}}',
    },
  ],
})

const watermark = line({
  title: 'Watermark behind now',
  description: 'Up to here everything was read. Two minutes are normal: records of the last moments may still appear.',
  unit: 's',
  targets: [
    {
      expr: maxBy('source, kind', metric('siem_relay_checkpoint_age_seconds', ofSource)),
      legend: '{{source}} {{kind}}',
    },
  ],
})

const late = line({
  title: 'Late records',
  description: 'Found behind the watermark by a wider sweep: shows whether the overlap is wide enough.',
  unit: 'short',
  targets: [
    {
      expr: sumBy('source, kind', increase(metric('siem_relay_source_late_records_total', ofSource))),
      legend: '{{source}} {{kind}}',
    },
  ],
})

const requests = line({
  title: 'Requests by result',
  description:
    'API requests. throttled: asked to slow down; auth, refused: a person has to act; bad_answer: something else than records.',
  unit: 'reqps',
  targets: [
    {
      expr: sumBy('source, result', rate(metric('siem_relay_source_requests_total', ofSource))),
      legend: '{{source}} {{result}}',
    },
  ],
})

const throttled = line({
  title: 'Asked to slow down',
  description: 'Answers with 429, or 503 with Retry-After.',
  unit: 'short',
  targets: [{ expr: sumBy('source', increase(metric('siem_relay_throttled_total', ofSource))), legend: '{{source}}' }],
})

const budget = line({
  title: 'Budget left',
  description: "Requests the tenant's budget of each API allows at this moment, over all its sources.",
  unit: 'short',
  targets: [{ expr: `min by (tenant, api) (${metric('siem_relay_budget_remaining')})`, legend: '{{tenant}} {{api}}' }],
})

const duration = line({
  title: 'Request duration',
  description: 'Median and 95th percentile, answers read to their end.',
  unit: 's',
  targets: quantiles('siem_relay_request_duration_seconds', 'source', '{{source}}', ofSource),
})

const gaps = line({
  title: 'Stretches that may be incomplete',
  description: 'How many: open ones are read again soon, unverifiable ones cannot be.',
  unit: 'short',
  targets: [
    {
      expr: maxBy('source, kind, state', metric('siem_relay_source_gaps', ofSource)),
      legend: '{{source}} {{kind}} {{state}}',
    },
  ],
})

const incomplete = line({
  title: 'Time that may be incomplete',
  description:
    'Length of the times of which records may be missing: open (read again soon) or unverifiable (cannot be).',
  unit: 's',
  targets: [
    {
      expr: maxBy('source, kind, state', metric('siem_relay_source_incomplete_seconds', ofSource)),
      legend: '{{source}} {{kind}} {{state}}',
    },
  ],
})

const gapChanges = line({
  title: 'What was found out about them',
  description: 'opened: they began; whole: read again, nothing is missing; unverifiable: cannot be read again.',
  unit: 'short',
  targets: [
    {
      expr: sumBy('source, change', increase(metric('siem_relay_source_gap_changes_total', ofSource))),
      legend: '{{source}} {{change}}',
    },
  ],
})

const intakeRows = line({
  title: 'Rows handed in',
  description: 'Discovery rows by what became of them.',
  unit: 'rowsps',
  targets: [
    {
      expr: sumBy('source, way, result', rate(metric('siem_relay_intake_rows_total', ofSource))),
      legend: '{{source}} {{way}} {{result}}',
    },
  ],
})

const intakeRequests = line({
  title: 'Requests to the intake',
  description: 'By outcome; busy and unavailable are to be sent again by whoever sent them.',
  unit: 'reqps',
  targets: [
    {
      expr: sumBy('source, result', rate(metric('siem_relay_intake_requests_total', ofSource))),
      legend: '{{source}} {{result}}',
    },
  ],
})

export const sourceDashboard: Dashboard = {
  uid: 'siem-relay-source',
  title: 'siem-relay: source',
  description: 'One source: what it gives, what it refuses, and which time of it may be incomplete.',
  variables: [{ name: 'source', label: 'Source', query: 'label_values(siem_relay_records_received_total, source)' }],
  rows: [
    { title: 'Records', panels: [received, watermark, late] },
    { title: 'API', panels: [requests, duration, throttled, budget] },
    { title: 'Gaps', panels: [gaps, incomplete, gapChanges] },
    { title: 'Cloud Discovery handed in', panels: [intakeRows, intakeRequests] },
  ],
}
