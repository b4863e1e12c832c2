/** One request for each kind of record a source collects, for whoever wants to know whether it would work: credentials, rights and
 *  what time the other side thinks it is. Takes nothing into the log; each request counts in the tenant's budget at Microsoft. */
import { type Clock, RelayError } from '@siem-relay/common'
import { createDispatchers, type Environment } from '@siem-relay/http'
import { createMetrics } from '@siem-relay/service-kit'
import type { SourceConfig } from './config.ts'
import { createCollectorMetrics } from './metrics.ts'
import { ApiClient, type ApiRequest } from './sources/api-client.ts'
import { createAuthorizer } from './sources/authorizer.ts'
import { problemOf } from './sources/problem.ts'
import { TenantGate } from './tenant-gate.ts'

export interface ProbeOptions {
  readonly clock: Clock
  readonly env: Environment
  readonly userAgent: string
}

export interface SourceProbe extends AsyncDisposable {
  readonly host: string
  /** What is asked for, in the words of an error. */
  readonly subjects: readonly string[]
  /**
   * Asks for one record.
   * @returns how far this machine's clock is ahead of the other side's, in milliseconds; undefined where it does not tell its time.
   * @throws {RelayError} as collecting would: `RELAY_SOURCE_AUTH`, `RELAY_SOURCE_UNAVAILABLE`, `RELAY_SOURCE_THROTTLED`, `RELAY_SOURCE_REQUEST`.
   */
  ask(subject: string, signal: AbortSignal): Promise<number | undefined>
}

type PolledConfig = Extract<SourceConfig, { readonly auth: unknown; readonly url: string }>

/** @returns undefined for a source that asks no API. @throws {RelayError} `RELAY_CONFIG_INVALID` for an unreadable caFile. */
export function openSourceProbe(
  source: SourceConfig,
  { clock, env, userAgent }: ProbeOptions,
): SourceProbe | undefined {
  if (!('url' in source)) return undefined
  const { url, proxy, caFile, auth, id } = source
  const dispatchers = createDispatchers({ proxy, caFile, env })
  const client = new ApiClient({
    sourceId: id,
    url,
    clock,
    gate: new TenantGate({ requestsPerMinute: 1_000, clock, random: Math.random }),
    dispatchers,
    authorizer: createAuthorizer(auth, { clock, dispatchers, userAgent }),
    metrics: createCollectorMetrics(createMetrics({ version: '' })),
    userAgent,
  })
  const requests = requestsOf(source)
  return {
    host: client.host,
    subjects: requests.map(({ subject }) => subject),
    ask: async (wanted, signal) => {
      const request = requests.find(({ subject }) => subject === wanted)
      if (request === undefined) throw new TypeError(`nothing is asked for ${wanted}`)
      const startMs = clock.nowMs()
      const { dateMs, status, body } = await client.ask(request, signal)
      if (status !== 200)
        throw new RelayError(
          'RELAY_SOURCE_REQUEST',
          `${client.host} refused the request for ${wanted} (${status}): ${problemOf(body) ?? 'no reason given'}`,
        )
      // The date of an answer has no fractions of a second: half of one is what it lacks on average.
      return dateMs === undefined ? undefined : (startMs + clock.nowMs()) / 2 - (dateMs + 500)
    },
    [Symbol.asyncDispose]: () => dispatchers[Symbol.asyncDispose](),
  }
}

type ProbeRequest = ApiRequest & { readonly subject: string }

function requestsOf(source: PolledConfig): readonly ProbeRequest[] {
  const base = source.url.replace(/\/+$/, '')
  switch (source.type) {
    case 'defender-for-cloud-apps':
      return (['alerts', 'activities'] as const)
        .filter((kind) => source.collect[kind])
        .map((kind) => ({
          kind,
          subject: kind,
          url: new URL(`${base}/api/v1/${kind}/`),
          body: JSON.stringify({ filters: {}, skip: 0, limit: 1 }),
          priority: 0,
        }))
    case 'graph-alerts':
      return [
        {
          kind: 'alerts',
          subject: 'alerts',
          url: new URL(`${base}/v1.0/security/alerts_v2?$top=1`),
          priority: 0,
          permission: 'SecurityAlert.Read.All',
        },
      ]
    case 'graph-discovery':
      return [
        {
          kind: 'discovery',
          subject: 'discovery streams',
          url: new URL(`${base}${source.paths.streams}`),
          priority: 0,
          permission: 'CloudApp-Discovery.Read.All',
        },
      ]
    default:
      source satisfies never
      return []
  }
}
