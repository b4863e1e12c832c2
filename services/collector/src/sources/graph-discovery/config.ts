/** Settings of a source that reads Cloud Discovery's aggregates from Microsoft Graph: the reference of `sources:` entries of this
 *  type. */
import { z } from 'zod'
import { durationSetting, parseDuration } from '../../duration.ts'
import { requestsPerMinuteDefaults } from '../api.ts'
import {
  allowPlainHttpSetting,
  anyUrlSetting,
  isTokenUrlAllowed,
  isUrlAllowed,
  oauthSchema,
  polledSettings,
  tokenUrlRule,
  urlRule,
} from '../settings.ts'

/** There is no first run that goes further back than the period. */
const { lookback: _, ...shared } = polledSettings

const segment = (byDefault: string, description: string) =>
  z
    .string()
    .regex(/^[A-Za-z0-9_-][A-Za-z0-9._-]*$/, 'must be one segment of a path')
    .default(byDefault)
    .meta({ description })

/** Pages of the reference differ in these; both forms are seen. Source: Microsoft Graph beta, "List users", "List ipAddresses";
 *  Defender for Cloud Apps, "Work with discovered apps via Graph API". */
const pathsSchema = z.strictObject({
  streams: z
    .string()
    .regex(/^(\/[A-Za-z0-9._-]+)+$/, 'must be a path like /beta/security/…/uploadedStreams')
    .default('/beta/security/dataDiscovery/cloudAppDiscovery/uploadedStreams')
    .meta({ description: 'List of streams, behind url.' }),
  apps: segment(
    'microsoft.graph.security.aggregatedAppsDetails',
    'Function behind a stream; seen also without its prefix.',
  ),
  users: segment('users', "List behind an app's id."),
  ipAddresses: segment('ipAddresses', "List behind an app's id; seen also as ipAddress."),
})

const settingsSchema = z.strictObject({
  ...shared,
  type: z.literal('graph-discovery'),
  url: anyUrlSetting.default('https://graph.microsoft.com').meta({
    description: "Graph's origin; Cloud Discovery is in the global cloud only.",
  }),
  allowPlainHttp: allowPlainHttpSetting,
  auth: oauthSchema('https://graph.microsoft.com/.default', 'Microsoft Graph'),
  requestsPerMinute: z
    .int()
    .min(1)
    .max(100_000)
    .default(requestsPerMinuteDefaults.graph)
    .meta({ description: 'Shared by all sources of the tenant that ask Graph; it allows 150.' }),
  period: z
    .enum(['P7D', 'P30D', 'P90D'])
    .default('P7D')
    .meta({ description: 'The window of the sums: the last 7, 30 or 90 days. A short one hides less.' }),
  streams: z
    .array(z.string().min(1).max(1_024))
    .min(1)
    .max(1_000)
    .optional()
    .meta({ description: 'Streams to read, by name or id; default: all.', examples: [['Marketing Department']] }),
  pollInterval: durationSetting('PT1H', 'How often the sums are read; at least PT1M.', 7).refine(
    (text) => (parseDuration(text) ?? Number.POSITIVE_INFINITY) >= 60_000,
    { error: 'must be at least PT1M' },
  ),
  users: z.boolean().default(true).meta({ description: 'A row for every user first seen with an app.' }),
  ipAddresses: z.boolean().default(true).meta({ description: 'A row for every IP address first seen with an app.' }),
  paths: pathsSchema.prefault({}).meta({ description: 'Where the API has what is read, should it move.' }),
})

export const graphDiscoverySourceSchema = settingsSchema
  .refine(isUrlAllowed, urlRule)
  .refine(isTokenUrlAllowed, tokenUrlRule)

export type GraphDiscoverySourceConfig = z.output<typeof graphDiscoverySourceSchema>
