/** A source that reads Cloud Discovery's aggregates from Microsoft Graph. What sources that ask an API share is ../polled.ts, what
 *  this one does is stream.ts. */
import { openPolledSource } from '../polled.ts'
import type { PolledSourceContext, Source } from '../source.ts'
import type { GraphDiscoverySourceConfig } from './config.ts'
import { DiscoveryStream } from './stream.ts'
import { defaultLimits, type Limits } from './sweep-parts.ts'

/** @throws {RelayError} `RELAY_CONFIG_INVALID` for an unreadable caFile. */
export function openGraphDiscoverySource(
  config: GraphDiscoverySourceConfig,
  context: PolledSourceContext,
  limits: Limits = defaultLimits,
): Source {
  return openPolledSource(config, context, 'graph', (parts) => [
    new DiscoveryStream({ config, context, limits, ...parts }),
  ])
}
