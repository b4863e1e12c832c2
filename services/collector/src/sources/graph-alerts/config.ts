/** Settings of a source that reads Graph's alerts_v2: the reference of `sources:` entries of this type. */
import { z } from 'zod'
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
  urlSetting,
} from '../settings.ts'

const settingsSchema = z.strictObject({
  ...polledSettings,
  type: z.literal('graph-alerts'),
  url: anyUrlSetting.default('https://graph.microsoft.com').meta({
    description: "Graph's origin; national clouds have their own, and their own auth.scope and auth.tokenUrl.",
    examples: ['https://graph.microsoft.us'],
  }),
  allowPlainHttp: allowPlainHttpSetting,
  portalUrl: urlSetting.default('https://security.microsoft.com').meta({ description: 'For links in messages.' }),
  auth: oauthSchema('https://graph.microsoft.com/.default', 'Microsoft Graph'),
  serviceSources: z
    .array(z.string().regex(/^[A-Za-z][A-Za-z0-9]{0,99}$/, 'must be a value like microsoftDefenderForIdentity'))
    .min(1)
    .max(20)
    .default(['microsoftDefenderForIdentity'])
    .meta({ description: "Which products' alerts, by Graph's serviceSource." }),
  requestsPerMinute: z
    .int()
    .min(1)
    .max(100_000)
    .default(requestsPerMinuteDefaults.graph)
    .meta({ description: 'Shared by all sources of the tenant that ask Graph; it allows 150.' }),
  pollSeconds: z.number().min(1).max(3_600).default(10),
  alertUpdates: z.enum(['first', 'all']).default('first').meta({
    description: 'first: an alert comes once; all: it comes again whenever its lastUpdateDateTime moves.',
  }),
  // Alerts may show up minutes after their lastUpdateDateTime; how many is documented nowhere.
  overlapMinutes: z.int().min(10).max(1_440).default(30).meta({
    description: 'How far behind what was read every poll begins, for alerts that show up late.',
  }),
  pageSize: z.int().min(1).max(500).default(500).meta({ description: 'Alerts per request; more than 500 Graph cuts.' }),
})

export const graphAlertsSourceSchema = settingsSchema
  .refine(isUrlAllowed, urlRule)
  .refine(isTokenUrlAllowed, tokenUrlRule)

export type GraphAlertsSourceConfig = z.output<typeof graphAlertsSourceSchema>
