/** The source types there are. A new one: its folder beside `defender/`, its schema in ../config.ts, its API and its case here. */
import type { SourceConfig } from '../config.ts'
import type { TenantGate } from '../tenant-gate.ts'
import type { Api } from './api.ts'
import { openDefenderSource } from './defender/source.ts'
import { openDefenderStreamingSource } from './defender-streaming/source.ts'
import { openDiscoveryIntakeSource } from './discovery-intake/source.ts'
import { openGraphAlertsSource } from './graph-alerts/source.ts'
import { openGraphDiscoverySource } from './graph-discovery/source.ts'
import type { Source, SourceContext } from './source.ts'

/** Whose request budget a source takes from; undefined: none. */
const askedApis = {
  'defender-for-cloud-apps': 'cloud-apps',
  'defender-streaming': undefined,
  'graph-alerts': 'graph',
  'discovery-intake': undefined,
  'graph-discovery': 'graph',
} as const satisfies Readonly<Record<SourceConfig['type'], Api | undefined>>

export function apiOf({ type }: SourceConfig): Api | undefined {
  return askedApis[type]
}

/**
 * @param gates the tenant's, one for each API.
 * @throws {RelayError} `RELAY_CONFIG_INVALID` for settings that only show themselves wrong now, such as an unreadable file.
 */
export function openSource(
  config: SourceConfig,
  context: SourceContext,
  gates: Readonly<Record<Api, TenantGate>>,
): Source {
  switch (config.type) {
    case 'defender-for-cloud-apps':
      return openDefenderSource(config, { ...context, gate: gates[askedApis[config.type]] })
    case 'defender-streaming':
      return openDefenderStreamingSource(config, context)
    case 'graph-alerts':
      return openGraphAlertsSource(config, { ...context, gate: gates[askedApis[config.type]] })
    case 'discovery-intake':
      return openDiscoveryIntakeSource(config, context)
    case 'graph-discovery':
      return openGraphDiscoverySource(config, { ...context, gate: gates[askedApis[config.type]] })
    default:
      return config satisfies never
  }
}
