/** The whole configuration file: one strict schema, made of the rooms' own. The JSON Schema for editors is generated from it. */
import { sourcesSchema } from '@siem-relay/collector'
import { agentSchema, tenantsOf } from '@siem-relay/common'
import { portalSchema } from '@siem-relay/portal'
import { listenSchema } from '@siem-relay/service-kit'
import { z } from 'zod'
import { busSchema } from './bus.ts'

const adminSchema = z.strictObject({
  listen: listenSchema.default('127.0.0.1:9464').meta({ description: 'Where /livez, /readyz and /metrics answer.' }),
})

const logSchema = z.strictObject({
  level: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal']).default('info'),
  directory: z
    .string()
    .min(1)
    .optional()
    .meta({ description: 'Directory for log files (5 of 10 MB); default: standard error.' }),
})

export const relayConfigSchema = z
  .strictObject({
    bus: busSchema.prefault({}),
    sources: sourcesSchema,
    agents: z.array(agentSchema).max(1_000).default([]),
    admin: adminSchema.prefault({}),
    portal: portalSchema.prefault({}).meta({ description: 'The web portal.' }),
    log: logSchema.prefault({}),
  })
  .superRefine((config, context) => {
    const seen = new Set<string>()
    for (const [index, { id, remote }] of config.agents.entries()) {
      if (remote)
        context.addIssue({
          code: 'custom',
          path: ['agents', index, 'remote'],
          message: 'an agent in another network needs a token: make it in the portal, which shows one',
        })
      if (seen.has(id))
        context.addIssue({
          code: 'custom',
          path: ['agents', index, 'id'],
          message: `the id ${id} is taken by another agent`,
        })
      seen.add(id)
    }
    const tenants = new Set(tenantsOf(config.sources))
    for (const [index, agent] of config.agents.entries())
      for (const [place, tenant] of (agent.tenants ?? []).entries())
        if (!tenants.has(tenant))
          context.addIssue({
            code: 'custom',
            path: ['agents', index, 'tenants', place],
            message: `no source has the tenant ${tenant}; known: ${[...tenants].join(', ') || 'none'}`,
          })
  })

export type RelayConfig = z.output<typeof relayConfigSchema>
