/** The `bus:` of the configuration: the embedded log of one machine, or an Apache Kafka cluster that any number of processes share. */
import { brokersSetting, kafkaTlsSettings, secret } from '@siem-relay/service-kit'
import { z } from 'zod'

const tlsSchema = z
  .strictObject({
    ...kafkaTlsSettings,
    certFile: z.string().min(1).optional().meta({ description: 'PEM file with the client certificate (mutual TLS).' }),
    keyFile: z.string().min(1).optional().meta({ description: 'PEM file with the key of certFile.' }),
  })
  .refine((tls) => (tls.certFile === undefined) === (tls.keyFile === undefined), {
    error: 'certFile and keyFile go together',
  })

const passwordSchema = z.strictObject({
  mechanism: z.enum(['plain', 'scram-sha-256', 'scram-sha-512']),
  username: z.string().min(1),
  password: secret({ description: 'Password of the Kafka user.' }),
})

const oauthSchema = z.strictObject({
  mechanism: z.literal('oauthbearer'),
  tokenUrl: z.url({ protocol: /^https?$/ }).meta({ description: 'OAuth 2.0 token endpoint (client credentials).' }),
  clientId: z.string().min(1),
  clientSecret: secret({ description: 'Secret of the OAuth client.' }),
  scope: z.string().min(1).optional(),
})

const sqliteKeys = ['freeBytesMin', 'bytesMax'] as const
const kafkaKeys = [
  'brokers',
  'clientId',
  'prefix',
  'replication',
  'minInsyncReplicas',
  'compression',
  'createTopics',
  'sessionTimeoutSeconds',
  'tls',
  'sasl',
] as const

export const busSchema = z
  .strictObject({
    type: z
      .enum(['sqlite', 'kafka'])
      .default('sqlite')
      .meta({ description: 'sqlite: the embedded log of one machine; kafka: Apache Kafka 2.7 or newer.' }),
    path: z
      .string()
      .min(1)
      .default('./data')
      .meta({ description: 'sqlite: directory of the log, relative to the working directory; created when missing.' }),
    freeBytesMin: z.int().min(1_048_576).optional().meta({
      description:
        'sqlite: free disk in bytes below which sources are not polled; default: the larger of 512 MB and 10 % of the disk.',
    }),
    bytesMax: z.int().min(16_777_216).optional().meta({
      description: 'sqlite: most bytes the log may use; delivered records go first. Default: no cap but age.',
    }),
    brokers: brokersSetting.optional().meta({
      description: 'kafka: some brokers; the others are learned from them.',
      examples: [['kafka-1:9092', 'kafka-2:9092']],
    }),
    clientId: z
      .string()
      .min(1)
      .max(200)
      .optional()
      .meta({ description: 'kafka: name in the logs and quotas of brokers. Default: siem-relay.' }),
    prefix: z
      .string()
      .regex(/^[a-zA-Z0-9._-]{0,100}$/, 'use letters, digits, ".", "-" or "_", at most 100')
      .optional()
      .meta({
        description:
          'kafka: before every topic, group and transactional id; keeps installations on one cluster apart. Default: siem-relay.',
      }),
    replication: z
      .int()
      .min(1)
      .max(15)
      .optional()
      .meta({ description: "kafka: copies of topics the relay creates; default: the broker's." }),
    minInsyncReplicas: z
      .int()
      .min(1)
      .max(15)
      .optional()
      .meta({ description: "kafka: min.insync.replicas of topics the relay creates; default: the broker's." }),
    compression: z
      .enum(['zstd', 'gzip', 'none'])
      .optional()
      .meta({ description: 'kafka: of record batches. Default: zstd.' }),
    createTopics: z
      .boolean()
      .optional()
      .meta({ description: 'kafka: false leaves creating topics to you. Default: true.' }),
    sessionTimeoutSeconds: z.number().min(2).max(300).optional().meta({
      description: 'kafka: an instance that is silent for so long loses its partitions to the others. Default: 10.',
    }),
    tls: tlsSchema.optional().meta({ description: 'kafka: encrypt; `tls: {}` uses the usual authorities.' }),
    sasl: z
      .discriminatedUnion('mechanism', [passwordSchema, oauthSchema])
      .optional()
      .meta({ description: 'kafka: who the relay is.' }),
  })
  .superRefine((bus, context) => {
    const [foreign, other] = bus.type === 'sqlite' ? ([kafkaKeys, 'kafka'] as const) : ([sqliteKeys, 'sqlite'] as const)
    for (const key of foreign)
      if (bus[key] !== undefined)
        context.addIssue({ code: 'custom', path: [key], message: `belongs to type: ${other}; this bus is ${bus.type}` })
    if (bus.type === 'kafka' && bus.brokers === undefined)
      context.addIssue({
        code: 'custom',
        path: ['brokers'],
        message: 'type: kafka needs brokers, for example [kafka:9092]',
      })
    const { replication, minInsyncReplicas } = bus
    if (replication !== undefined && (minInsyncReplicas ?? 1) > replication)
      context.addIssue({
        code: 'custom',
        path: ['minInsyncReplicas'],
        message: `cannot be more than replication (${replication}): nothing could be written`,
      })
  })

export type BusConfig = z.output<typeof busSchema>
