/** Settings of a Defender for Cloud Apps source: the reference of `sources:` entries of this type. */
import { idSchema } from '@siem-relay/common'
import { secret } from '@siem-relay/service-kit'
import { z } from 'zod'
import { durationSetting } from '../../duration.ts'
import { isLoopback, parseProxy } from '../../http/proxy.ts'

/** What is wrong with a URL, whoever reads what goes over it; undefined when nothing is. */
function problemOfUrl(text: string): string | undefined {
  if (!URL.canParse(text)) return 'must be a URL like https://contoso.us2.portal.cloudappsecurity.com'
  const url = new URL(text)
  if (url.protocol !== 'https:' && url.protocol !== 'http:') return 'must start with https://'
  if (url.username !== '' || url.password !== '') return 'must not hold credentials: they belong to auth'
  if (text.includes('?') || text.includes('#')) return 'must not have a query or a fragment'
  return undefined
}

/** Whether credentials and records cross the network for anyone to read. */
export function isPlainElsewhere(text: string): boolean {
  if (!URL.canParse(text)) return false
  const { protocol, hostname } = new URL(text)
  return protocol === 'http:' && !isLoopback(hostname)
}

const anyUrlSetting = z.string().superRefine((text, context) => {
  const problem = problemOfUrl(text)
  if (problem !== undefined) context.addIssue({ code: 'custom', message: problem })
})

const urlSetting = anyUrlSetting.refine((text) => !isPlainElsewhere(text), {
  error: 'must start with https:// (http:// only for this machine itself)',
})

const tokenAuthSchema = z.strictObject({
  type: z.literal('token'),
  token: secret({ description: 'Legacy API token of the portal (Settings, Security extensions, API tokens).' }),
})

const oauthSchema = z.strictObject({
  type: z.literal('oauth'),
  tenantId: z
    .string()
    .regex(/^[A-Za-z0-9][A-Za-z0-9.-]{0,254}$/, 'must be a directory id or one of its domain names')
    .meta({ description: "Microsoft Entra directory id, or one of the directory's domain names." }),
  clientId: z.string().min(1).meta({ description: 'Application (client) id of the app registration.' }),
  clientSecret: secret({ description: 'Client secret of the app registration.' }),
  tokenUrl: urlSetting
    .optional()
    .meta({ description: 'Default: https://login.microsoftonline.com/<tenantId>/oauth2/v2.0/token.' }),
  scope: z
    .string()
    .min(1)
    .default('05a65629-4c1b-48c1-a78b-804c4abdd4af/.default')
    .meta({ description: 'What the token is for; the default is Microsoft Cloud App Security.' }),
})

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
  id: idSchema.meta({ description: 'Name of the source; part of topic names, never changed.' }),
  tenant: idSchema.optional().meta({ description: 'Customer the source belongs to; default: the id.' }),
  type: z.literal('defender-for-cloud-apps'),
  url: anyUrlSetting.meta({
    description: 'API origin, with a path prefix if it has one (generic portal: …/cas).',
    examples: ['https://contoso.us2.portal.cloudappsecurity.com'],
  }),
  allowPlainHttp: z.boolean().default(false).meta({
    description:
      'For test servers only: url may be http:// to another machine. Token and records can then be read on the way; a warning says so.',
  }),
  portalUrl: urlSetting.optional().meta({ description: "For links in messages; default: url's origin." }),
  auth: z.discriminatedUnion('type', [tokenAuthSchema, oauthSchema]),
  collect: z
    .strictObject({ alerts: z.boolean().default(true), activities: z.boolean().default(true) })
    .refine((collect) => collect.alerts || collect.activities, {
      error: 'nothing to collect: set alerts or activities',
    })
    .prefault({}),
  lookback: durationSetting('P2D', 'How far back the first run goes.', 36_500),
  requestsPerMinute: z
    .int()
    .min(1)
    .max(100_000)
    .default(30)
    .meta({ description: 'Shared by all sources of the tenant; the API allows 30.' }),
  pollSeconds: z.number().min(1).max(3_600).default(10),
  proxy: z
    .string()
    .refine((text) => parseProxy(text) !== undefined, {
      error: 'must be http://[user:password@]address[:port] or ADDRESS[:PORT]',
    })
    .optional()
    .meta({ description: 'Default: HTTPS_PROXY and NO_PROXY of the environment.' }),
  caFile: z
    .string()
    .min(1)
    .optional()
    .meta({ description: 'PEM file with certificate authorities to trust besides the usual ones.' }),
  alertUpdates: z.enum(['first', 'all']).default('first').meta({
    description: 'first: an alert comes once; all: it comes again whenever its status, resolution or time changes.',
  }),
  overlap: overlapSchema.prefault({}),
  pageSize: z.int().min(1).max(5_000).default(100).meta({ description: 'Records per request; the API allows 100.' }),
  scan: z.boolean().default(true).meta({ description: "Read activities in the API's scan mode." }),
  scanLimit: z.int().min(1).max(5_000).default(1_000).meta({ description: 'Records per request in scan mode.' }),
})

export const defenderSourceSchema = settingsSchema.refine(
  ({ url, allowPlainHttp }) => allowPlainHttp || !isPlainElsewhere(url),
  {
    path: ['url'],
    error:
      'must start with https:// (http:// only for this machine itself, or a test server with allowPlainHttp: true)',
    // Reported with every other problem of the source, not after they are solved.
    when: ({ value }) => anyUrlSetting.safeParse((value as { url?: unknown } | null | undefined)?.url).success,
  },
)

export type DefenderSourceConfig = z.output<typeof defenderSourceSchema>

/** The customer a source belongs to. */
export function tenantOf(source: Pick<DefenderSourceConfig, 'id' | 'tenant'>): string {
  return source.tenant ?? source.id
}

/** Where links in messages lead, without a trailing slash. */
export function portalUrlOf(source: Pick<DefenderSourceConfig, 'url' | 'portalUrl'>): string {
  return (source.portalUrl ?? new URL(source.url).origin).replace(/\/+$/, '')
}
