/** A Defender for Cloud Apps account: its streams of alerts and activities. What they share is ../polled.ts, what a stream does
 *  is stream.ts. */
import { openPolledSource } from '../polled.ts'
import type { PolledSourceContext, Source } from '../source.ts'
import { DefenderClient } from './client.ts'
import type { DefenderSourceConfig } from './config.ts'
import { Stream } from './stream.ts'

/** @throws {RelayError} `RELAY_CONFIG_INVALID` for an unreadable caFile. */
export function openDefenderSource(config: DefenderSourceConfig, context: PolledSourceContext): Source {
  return openPolledSource(config, context, 'cloud-apps', ({ client: parts, hold, commit }) => {
    const client = new DefenderClient(parts)
    const kinds = (['alerts', 'activities'] as const).filter((kind) => config.collect[kind])
    return kinds.map((kind) => new Stream({ kind, config, context, client, hold, commit }))
  })
}
