/** Settings of the syslog-sender: the agents it delivers for. */
import { agentSchema } from '@siem-relay/common'
import { z } from 'zod'

export const syslogSenderSchema = z.strictObject({
  agents: z
    .array(agentSchema)
    .default([])
    .meta({ description: 'Destinations; those that are not enabled are left alone.' }),
})

export type SyslogSenderConfig = z.output<typeof syslogSenderSchema>
