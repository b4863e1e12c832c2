/** What /metrics exports, read from the registry of a relay that has one of everything: what the metrics reference is made of, and
 *  what test/metrics-contract.test.ts holds a running relay to. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { errorCodes, rawKinds } from '@siem-relay/common'
import { memoryLogger } from '@siem-relay/service-kit/testing'
import { serviceNames, startRelay } from '../app/src/all-in-one.ts'
import { relayConfigSchema } from '../app/src/config/schema.ts'

export interface ContractMetric {
  readonly name: string
  readonly type: string
  readonly labels: readonly string[]
  readonly help: string
  /** Not one of Node's. */
  readonly isOwn: boolean
}

export interface LabelMeaning {
  readonly meaning: string
  /** All it can be; without it, it is an id or a name from the configuration or the build. */
  readonly values?: readonly string[]
}

/** Every label of the relay's own metrics. */
export const labelMeanings: Readonly<Record<string, LabelMeaning>> = {
  agent: { meaning: 'id of an agent' },
  api: { meaning: "a tenant's API with a budget of its own", values: ['cloud-apps', 'graph'] },
  change: { meaning: 'what was found out', values: ['opened', 'whole', 'unverifiable'] },
  code: { meaning: '[error code](errors.md)', values: Object.keys(errorCodes) },
  holder: { meaning: 'whose certificate', values: ['own', 'receiver'] },
  kind: {
    meaning: 'data type, as topics and settings name it',
    values: [...rawKinds, 'other'],
  },
  outcome: { meaning: 'what became of a replayed record', values: ['formatted', 'discarded', 'invalid'] },
  protocol: { meaning: 'how an agent delivers', values: ['udp', 'tcp', 'tls', 'relp', 'console', 'sentinel'] },
  question: {
    meaning: "what a page asks the portal's views",
    values: ['summary', 'apps', 'users', 'ipAddresses', 'usage', 'export', 'duplicates'],
  },
  reason: {
    meaning: 'why it was left out, or rejected',
    values: ['filter', 'repeat', 'duplicate', 'too_long', 'not_utf8', 'malformed', 'columns'],
  },
  request: {
    meaning: 'what an agent in another network asks',
    values: ['hello', 'lease', 'poll', 'report', 'release'],
  },
  result: {
    meaning: 'what came of it; which ones, the metric says',
    values: [
      ...['ok', 'throttled', 'auth', 'refused', 'bad_answer', 'unavailable'],
      ...['bad_body', 'unauthorized', 'not_found', 'unsupported', 'too_large', 'busy', 'aborted'],
      ...['accepted', 'repeated', 'rejected', 'taken', 'unwanted', 'dead_lettered'],
      ...['done', 'failed', 'succeeded', 'opened', 'applied', 'conflict'],
      ...['counted', 'old', 'other', 'unreadable', '2xx', '3xx', '4xx', '5xx'],
    ],
  },
  revision: { meaning: 'commit of the build' },
  source: { meaning: 'id of a source' },
  stage: {
    meaning: 'part of the way; of dead letters the service that wrote them',
    values: ['formatter', 'sender', 'syslog-sender', 'sentinel-sender', 'remote-sender', 'replay'],
  },
  state: {
    meaning: 'of a stretch that may be incomplete; of an agent as the portal shows it',
    values: ['open', 'unverifiable', 'created', 'connected', 'connection-error', 'disconnected', 'disabled'],
  },
  status: {
    meaning: 'HTTP status; others by their class; none: no answer',
    values: [
      ...['200', '204', '400', '401', '403', '404', '408', '413', '429', '500', '502', '503', '504'],
      ...['1xx', '2xx', '3xx', '4xx', '5xx', 'none'],
    ],
  },
  stream: { meaning: 'data type a Sentinel stream is for', values: rawKinds },
  subject: { meaning: 'what of Cloud Discovery', values: ['stream', 'app', 'user', 'ip_address'] },
  table: { meaning: 'table of the streaming API that is read' },
  tenant: { meaning: 'name of a tenant' },
  version: { meaning: 'of the build' },
  view: { meaning: 'what the portal keeps for its pages', values: ['discovery', 'duplicates'] },
  way: { meaning: 'how discovery rows came', values: ['http', 'directory'] },
}

/** Registers everything; nothing of it has to be reachable for that. */
export async function contractOf(): Promise<readonly ContractMetric[]> {
  const directory = mkdtempSync(join(tmpdir(), 'siem-relay-metrics-'))
  const relay = await startRelay({
    config: relayConfigSchema.parse({
      bus: { path: directory },
      admin: { listen: '127.0.0.1:0' },
      portal: { listen: '127.0.0.1:0' },
      sources: [
        { id: 'a', type: 'defender-for-cloud-apps', url: 'http://127.0.0.1:1', auth: { type: 'token', token: 'x' } },
      ],
      agents: [
        { id: 'a', syslog: { host: '127.0.0.1', port: 1 } },
        {
          id: 'b',
          sentinel: {
            endpoint: 'https://127.0.0.1:1',
            allowAnyEndpoint: true,
            ruleId: `dcr-${'0'.repeat(32)}`,
            auth: { type: 'client-secret', tenantId: 'x', clientId: 'x', clientSecretFile: '/nowhere' },
          },
        },
      ],
    }),
    services: serviceNames,
    log: memoryLogger().log,
    stdout: process.stdout,
    env: {},
  })
  try {
    const labels = new Map(relay.metrics.getMetricsAsArray().map((metric) => [metric.name, labelsOf(metric)]))
    return (await relay.metrics.getMetricsAsJSON())
      .map(({ name, type, help }) => ({
        name,
        type: String(type),
        labels: labels.get(name) ?? [],
        help,
        isOwn: name.startsWith('siem_relay_'),
      }))
      .toSorted((left, right) => (left.name < right.name ? -1 : 1))
  } finally {
    await relay.stop(0)
    rmSync(directory, { recursive: true, force: true })
  }
}

function labelsOf(metric: object): readonly string[] {
  return 'labelNames' in metric && Array.isArray(metric.labelNames) ? metric.labelNames.map(String) : []
}
