/** The collector's configuration: the `sources:` of the relay. Each type's settings stand beside its code. */
import { z } from 'zod'
import { defenderSourceSchema } from './sources/defender/config.ts'
import { defenderStreamingSourceSchema } from './sources/defender-streaming/config.ts'
import { discoveryIntakeSourceSchema } from './sources/discovery-intake/config.ts'
import { graphAlertsSourceSchema } from './sources/graph-alerts/config.ts'
import { graphDiscoverySourceSchema } from './sources/graph-discovery/config.ts'

const sourceSchema = z.discriminatedUnion('type', [
  defenderSourceSchema,
  defenderStreamingSourceSchema,
  graphAlertsSourceSchema,
  discoveryIntakeSourceSchema,
  graphDiscoverySourceSchema,
])

/** The `sources:` list. That ids differ is checked where the whole configuration is. */
export const sourcesSchema = z
  .array(sourceSchema)
  .max(1_000)
  .default([])
  .meta({ description: "Accounts on Microsoft's side that are polled." })

export type SourceConfig = z.output<typeof sourceSchema>

export interface CollectorConfig {
  readonly sources: readonly SourceConfig[]
}
