/** Alerts of one tenant over Graph's alerts_v2: one stream. What sources share that ask an API is ../polled.ts. */
import { openPolledSource } from '../polled.ts'
import type { PolledSourceContext, Source } from '../source.ts'
import { GraphAlertsClient } from './client.ts'
import type { GraphAlertsSourceConfig } from './config.ts'
import { GraphAlertStream } from './stream.ts'

/** @throws {RelayError} `RELAY_CONFIG_INVALID` for an unreadable caFile. */
export function openGraphAlertsSource(config: GraphAlertsSourceConfig, context: PolledSourceContext): Source {
  return openPolledSource(config, context, 'graph', ({ client, hold, commit }) => [
    new GraphAlertStream({ config, context, client: new GraphAlertsClient(client), hold, commit }),
  ])
}
