/** The source types there are. A new one: its folder beside `defender/`, its schema in ../config.ts, its case here. */
import type { SourceConfig } from '../config.ts'
import { openDefenderSource } from './defender/source.ts'
import { openDefenderStreamingSource } from './defender-streaming/source.ts'
import { openDiscoveryIntakeSource } from './discovery-intake/source.ts'
import type { Source, SourceContext } from './source.ts'

/** @throws {RelayError} `RELAY_CONFIG_INVALID` for settings that only show themselves wrong now, such as an unreadable file. */
export function openSource(config: SourceConfig, context: SourceContext): Source {
  switch (config.type) {
    case 'defender-for-cloud-apps':
      return openDefenderSource(config, context)
    case 'defender-streaming':
      return openDefenderStreamingSource(config, context)
    case 'discovery-intake':
      return openDiscoveryIntakeSource(config, context)
    default:
      return config satisfies never
  }
}
