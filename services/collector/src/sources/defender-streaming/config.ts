/** Settings of a source that reads Defender XDR's streaming tables from a Kafka endpoint: the reference of `sources:` entries of
 *  this type. */
import { brokersSetting, kafkaTlsSettings, secret } from '@siem-relay/service-kit'
import { z } from 'zod'
import { namedSettings, urlSetting } from '../settings.ts'

/** Tables that events are made of. */
export const tables = ['CloudAppEvents', 'AlertInfo', 'AlertEvidence'] as const
export type Table = (typeof tables)[number]

const tlsSchema = z.strictObject({
  enabled: z.boolean().default(true).meta({ description: 'false: plain TCP, for a laboratory only.' }),
  ...kafkaTlsSettings,
})

export const defenderStreamingSourceSchema = z.strictObject({
  ...namedSettings,
  type: z.literal('defender-streaming'),
  brokers: brokersSetting.meta({
    description: 'The Kafka endpoint; of an Event Hubs namespace its name and port 9093.',
    examples: [['contoso.servicebus.windows.net:9093']],
  }),
  topics: z
    .array(z.string().min(1).max(249))
    .min(1)
    .max(20)
    .refine((topics) => new Set(topics).size === topics.length, { error: 'names a topic twice' })
    .meta({ description: 'Event hubs to read: one for all tables, or one per table.', examples: [['defender-xdr']] }),
  consumerGroup: z
    .string()
    .min(1)
    .max(200)
    .default('$Default')
    .meta({ description: 'A consumer group that nobody else reads with.' }),
  tls: tlsSchema.prefault({}),
  sasl: z
    .strictObject({
      mechanism: z.enum(['plain', 'scram-sha-256', 'scram-sha-512']).default('plain'),
      username: z.string().min(1).default('$ConnectionString'),
      password: secret({ description: 'Password; for Event Hubs the connection string, with the right to listen.' }),
    })
    .optional()
    .meta({ description: 'Who the relay is.' }),
  tables: z
    .array(z.enum(tables))
    .min(1)
    .default([...tables])
    .meta({ description: 'Which tables become events; alerts need AlertInfo and AlertEvidence.' }),
  start: z.enum(['earliest', 'lookback']).default('lookback').meta({
    description: 'Where the first run begins: at the oldest message, or `lookback` before now.',
  }),
  portalUrl: urlSetting.default('https://security.microsoft.com').meta({ description: 'For links in messages.' }),
  alertUpdates: z.enum(['first', 'all']).default('first').meta({
    description: 'first: an alert comes once; all: it comes again, with all its evidence, when more of it arrives.',
  }),
  alertSettleSeconds: z.int().min(0).max(3_600).default(60).meta({
    description: 'An alert that is there with some evidence waits this long for more.',
  }),
  alertWaitSeconds: z.int().min(0).max(86_400).default(600).meta({
    description: 'An alert of which a part is missing leaves without it after this long.',
  }),
})

export type DefenderStreamingSourceConfig = z.output<typeof defenderStreamingSourceSchema>
