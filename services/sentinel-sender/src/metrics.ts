/** What the sentinel-sender counts beyond what every sender does: requests by what came of them, and bytes before compression. */
import { type EventKind, rawKindOf } from '@siem-relay/common'
import { type DeliveryMetrics, deliveryMetrics, type Registry, replayMetrics } from '@siem-relay/delivery'
import { counter } from '@siem-relay/service-kit'

export interface SentinelMetrics extends DeliveryMetrics {
  /** @param status HTTP status, 0 without an answer. */
  readonly request: (kind: EventKind, status: number, rawBytes: number) => void
  /** A row whose time Azure replaces by the time of receipt. */
  readonly clamped: () => void
}

const deadLetterCodes = ['RELAY_FRAME_TOO_LARGE', 'RELAY_RECORD_INVALID', 'RELAY_SENTINEL_ROW'] as const
/** Statuses Azure is known to answer; any other is told by its class. */
const statuses: ReadonlySet<number> = new Set([200, 204, 400, 401, 403, 404, 408, 413, 429, 500, 502, 503, 504])

export function sentinelMetrics(registry: Registry, agent: string): SentinelMetrics {
  const { requests, rawBytes, clamped } = countersOf(registry)
  for (const kind of Object.values(rawKindOf)) {
    requests.labels(agent, kind, '204').inc(0)
    requests.labels(agent, kind, '429').inc(0)
    rawBytes.labels(agent, kind).inc(0)
  }
  clamped.labels(agent).inc(0)
  return {
    ...deliveryMetrics(registry, { agent, protocol: 'sentinel', service: 'sentinel-sender', codes: deadLetterCodes }),
    request: (kind, status, bytes) => {
      requests.labels(agent, rawKindOf[kind], statusLabel(status)).inc()
      rawBytes.labels(agent, rawKindOf[kind]).inc(bytes)
    },
    clamped: () => clamped.labels(agent).inc(),
  }
}

/** The metrics of an agent's replays: what every replay counts, and no more. */
export function replaySentinelMetrics(registry: Registry, agent: string): SentinelMetrics {
  return { ...replayMetrics(registry, agent), request() {}, clamped() {} }
}

function statusLabel(status: number): string {
  if (status === 0) return 'none'
  return statuses.has(status) ? String(status) : `${Math.floor(status / 100)}xx`
}

function countersOf(registry: Registry) {
  return {
    requests: counter(registry, {
      name: 'siem_relay_sentinel_requests_total',
      help: 'Requests to the Logs Ingestion API by stream and status; none: no answer came.',
      labels: ['agent', 'stream', 'status'],
    }),
    rawBytes: counter(registry, {
      name: 'siem_relay_sentinel_raw_bytes_total',
      help: 'Bytes of request bodies before compression, with those sent again.',
      labels: ['agent', 'stream'],
    }),
    clamped: counter(registry, {
      name: 'siem_relay_sentinel_rows_clamped_total',
      help: 'Rows stored whose TimeGenerated Azure replaces by the time of receipt, since it is more than two days ago; EventTime and StartTime keep it.',
      labels: ['agent'],
    }),
  }
}
