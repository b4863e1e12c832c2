/** Settings of a Defender for Cloud Apps source: the reference of `sources:` entries of this type. */
import { z } from 'zod'
import { durationSetting } from '../../duration.ts'
import { requestsPerMinuteDefaults } from '../api.ts'
import {
  allowPlainHttpSetting,
  anyUrlSetting,
  isTokenUrlAllowed,
  isUrlAllowed,
  oauthSchema,
  polledSettings,
  tokenAuthSchema,
  tokenUrlRule,
  urlRule,
  urlSetting,
} from '../settings.ts'

const overlapSchema = z.strictObject({
  settleSeconds: z.int().min(0).max(3_600).default(120).meta({
    description: 'Records of the last so many seconds may still appear: the watermark stays that far behind.',
  }),
  alerts: z
    .strictObject({
      wide: durationSetting('PT24H', 'How far back late alerts are looked for every `wideEvery`.', 30),
      wideEvery: durationSetting('PT10M', 'How often.', 30),
      deep: durationSetting('P7D', 'How far back late alerts are looked for every `deepEvery`.', 30),
      deepEvery: durationSetting('PT6H', 'How often.', 30),
    })
    .prefault({}),
  activities: z
    .strictObject({
      wide: durationSetting('PT1H', 'How far back late activities are looked for every `wideEvery`.', 30),
      wideEvery: durationSetting('PT30M', 'How often.', 30),
    })
    .prefault({}),
})

const settingsSchema = z.strictObject({
  ...polledSettings,
  type: z.literal('defender-for-cloud-apps'),
  url: anyUrlSetting.meta({
    description: 'API origin, with a path prefix if it has one (generic portal: …/cas).',
    examples: ['https://contoso.us2.portal.cloudappsecurity.com'],
  }),
  allowPlainHttp: allowPlainHttpSetting,
  portalUrl: urlSetting.optional().meta({ description: "For links in messages; default: url's origin." }),
  auth: z.discriminatedUnion('type', [
    tokenAuthSchema,
    oauthSchema('05a65629-4c1b-48c1-a78b-804c4abdd4af/.default', 'Microsoft Cloud App Security'),
  ]),
  collect: z
    .strictObject({ alerts: z.boolean().default(true), activities: z.boolean().default(true) })
    .refine((collect) => collect.alerts || collect.activities, {
      error: 'nothing to collect: set alerts or activities',
    })
    .prefault({}),
  requestsPerMinute: z
    .int()
    .min(1)
    .max(100_000)
    .default(requestsPerMinuteDefaults['cloud-apps'])
    .meta({ description: 'Shared by all sources of the tenant that ask this API; it allows 30.' }),
  pollSeconds: z.number().min(1).max(3_600).default(10),
  alertUpdates: z.enum(['first', 'all']).default('first').meta({
    description: 'first: an alert comes once; all: it comes again whenever its status, resolution or time changes.',
  }),
  overlap: overlapSchema.prefault({}),
  pageSize: z.int().min(1).max(5_000).default(100).meta({ description: 'Records per request; the API allows 100.' }),
  scan: z.boolean().default(true).meta({ description: "Read activities in the API's scan mode." }),
  scanLimit: z.int().min(1).max(5_000).default(1_000).meta({ description: 'Records per request in scan mode.' }),
})

export const defenderSourceSchema = settingsSchema.refine(isUrlAllowed, urlRule).refine(isTokenUrlAllowed, tokenUrlRule)

export type DefenderSourceConfig = z.output<typeof defenderSourceSchema>

/** Where links in messages lead, without a trailing slash. */
export function portalUrlOf(source: Pick<DefenderSourceConfig, 'url' | 'portalUrl'>): string {
  return (source.portalUrl ?? new URL(source.url).origin).replace(/\/+$/, '')
}
