/** Settings of the sentinel-sender: the agents it delivers for. */
import { agentSchema } from '@siem-relay/common'
import { z } from 'zod'

export const sentinelSenderSchema = z.strictObject({
  agents: z
    .array(agentSchema)
    .default([])
    .meta({ description: 'Destinations; those that are not enabled are left alone.' }),
})

export type SentinelSenderConfig = z.output<typeof sentinelSenderSchema>
