/** The collector's metrics. Labels: `source` and `tenant` from the configuration, the rest from closed sets. */
import { counter, durationBuckets, gauge, histogram, type World } from '@siem-relay/service-kit'

type Registry = World['metrics']

const perStream = ['source', 'kind'] as const

export type CollectorMetrics = ReturnType<typeof createCollectorMetrics>

/** What came of API requests. */
const requestResults = ['ok', 'throttled', 'auth', 'refused', 'bad_answer', 'unavailable'] as const
export type RequestResult = (typeof requestResults)[number]

/** Counters of a source that asks an API start at 0, so that `rate()` sees the first increment. */
export function announceSource(metrics: CollectorMetrics, source: string, kinds: readonly string[]): void {
  metrics.throttled.inc({ source }, 0)
  for (const kind of kinds) {
    metrics.received.inc({ source, kind }, 0)
    metrics.late.inc({ source, kind }, 0)
    for (const change of ['opened', 'whole', 'unverifiable']) metrics.gapChanges.inc({ source, kind, change }, 0)
    for (const result of requestResults) metrics.requests.inc({ source, kind, result }, 0)
  }
}

/** What sets the gauges of a registry; several collectors may share one. */
const settersOf = new WeakMap<Registry, Set<() => void>>()

export function createCollectorMetrics(registry: Registry) {
  const setters = settersOf.get(registry) ?? new Set()
  settersOf.set(registry, setters)
  return {
    /** Called before every scrape, to set the gauges. */
    setters,
    received: counter(registry, {
      name: 'siem_relay_records_received_total',
      help: 'Records taken into the log, each counted once.',
      labels: perStream,
    }),
    requests: counter(registry, {
      name: 'siem_relay_source_requests_total',
      help: `API requests by outcome: ${requestResults.join(', ')}.`,
      labels: ['source', 'kind', 'result'],
    }),
    throttled: counter(registry, {
      name: 'siem_relay_throttled_total',
      help: 'Answers that asked to slow down (429, or 503 with Retry-After).',
      labels: ['source'],
    }),
    late: counter(registry, {
      name: 'siem_relay_source_late_records_total',
      help: 'Records that appeared behind the watermark and were found by a wider sweep: shows whether the overlap is wide enough.',
      labels: perStream,
    }),
    streamedRows: counter(registry, {
      name: 'siem_relay_source_rows_total',
      help: 'Rows of streamed tables by what became of them: taken, repeated, unwanted, dead_lettered.',
      labels: ['source', 'table', 'result'],
    }),
    streamExpired: counter(registry, {
      name: 'siem_relay_source_expired_messages_total',
      help: 'Messages that the streaming log removed before they were read: raise its retention, and look for what kept the source away.',
      labels: ['source'],
    }),
    intakeRows: counter(registry, {
      name: 'siem_relay_intake_rows_total',
      help: 'Discovery rows handed in, by way (http, directory) and what became of them: accepted, repeated, rejected.',
      labels: ['source', 'way', 'result'],
    }),
    intakeRejected: counter(registry, {
      name: 'siem_relay_intake_rejected_rows_total',
      help: 'Discovery rows that were rejected, by reason: too_long, not_utf8, malformed, columns.',
      labels: ['source', 'way', 'reason'],
    }),
    intakeRequests: counter(registry, {
      name: 'siem_relay_intake_requests_total',
      help: 'Requests to the HTTP intake by outcome: ok, bad_body, unauthorized, not_found, unsupported, too_large, busy, unavailable, aborted.',
      labels: ['source', 'result'],
    }),
    intakeFiles: counter(registry, {
      name: 'siem_relay_intake_files_total',
      help: 'Files of the intake directory by where they went: done, failed.',
      labels: ['source', 'result'],
    }),
    discoveryLeftOut: counter(registry, {
      name: 'siem_relay_discovery_left_out_total',
      help: 'What of Cloud Discovery was left out because it has no id or is more than a source takes, by subject: stream, app, user, ip_address.',
      labels: ['source', 'subject'],
    }),
    checkpointAge: gauge(registry, {
      name: 'siem_relay_checkpoint_age_seconds',
      help: 'How far the watermark is behind now.',
      labels: perStream,
      collect: () => {
        for (const set of setters) set()
      },
    }),
    gaps: gauge(registry, {
      name: 'siem_relay_source_gaps',
      help: 'Stretches of time of which records may be missing: open (being read again, or about to be), unverifiable (cannot be).',
      labels: ['source', 'kind', 'state'],
    }),
    incompleteSeconds: gauge(registry, {
      name: 'siem_relay_source_incomplete_seconds',
      help: 'Length of those stretches together.',
      labels: ['source', 'kind', 'state'],
    }),
    gapChanges: counter(registry, {
      name: 'siem_relay_source_gap_changes_total',
      help: 'What was found out about such stretches: opened, whole (read again), unverifiable (cannot be read again).',
      labels: ['source', 'kind', 'change'],
    }),
    budgetRemaining: gauge(registry, {
      name: 'siem_relay_budget_remaining',
      help: "API requests the tenant's budget allows at this moment, by API: cloud-apps, graph.",
      labels: ['tenant', 'api'],
    }),
    requestSeconds: histogram(registry, {
      name: 'siem_relay_request_duration_seconds',
      help: 'Duration of API requests, answers read to their end.',
      labels: perStream,
      buckets: durationBuckets,
    }),
  }
}
