/** Sources that reach further back at their first run than Azure keeps times. */
import { durationMs, type SourceConfig, tenantOf } from '@siem-relay/collector'
import type { AgentDefinition } from '@siem-relay/common'

/** What is older at receipt gets the time of receipt. */
const keptMs = 48 * 3_600_000

/** @returns the sources whose records the agent takes, each with its setting. */
export function lateSources(sources: readonly SourceConfig[], { tenants }: AgentDefinition): readonly string[] {
  return sources.flatMap((source) => {
    if (!('lookback' in source) || durationMs(source.lookback) <= keptMs) return []
    if (tenants !== undefined && !tenants.includes(tenantOf(source))) return []
    return [`source ${source.id} with lookback ${source.lookback}`]
  })
}
