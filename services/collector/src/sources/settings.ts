/** Settings that sources of several types share: URLs, credentials, the way out, the first run. */
import { idSchema, proxySetting } from '@siem-relay/common'
import { isLoopback } from '@siem-relay/http'
import { secret } from '@siem-relay/service-kit'
import { z } from 'zod'
import { durationSetting } from '../duration.ts'

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

export const anyUrlSetting = z.string().superRefine((text, context) => {
  const problem = problemOfUrl(text)
  if (problem !== undefined) context.addIssue({ code: 'custom', message: problem })
})

export const urlSetting = anyUrlSetting.refine((text) => !isPlainElsewhere(text), {
  error: 'must start with https:// (http:// only for this machine itself)',
})

/** A legacy API token of the portal. */
export const tokenAuthSchema = z.strictObject({
  type: z.literal('token'),
  token: secret({ description: 'Legacy API token of the portal (Settings, Security extensions, API tokens).' }),
})

/** Client credentials of an app registration in Microsoft Entra. @param scope what the token is for, unless set. */
export const oauthSchema = (scope: string, meaning: string) =>
  z.strictObject({
    type: z.literal('oauth'),
    tenantId: z
      .string()
      .regex(/^[A-Za-z0-9][A-Za-z0-9.-]{0,254}$/, 'must be a directory id or one of its domain names')
      .meta({ description: "Microsoft Entra directory id, or one of the directory's domain names." }),
    clientId: z.string().min(1).meta({ description: 'Application (client) id of the app registration.' }),
    clientSecret: secret({ description: 'Client secret of the app registration.' }),
    tokenUrl: anyUrlSetting
      .optional()
      .meta({ description: 'Default: https://login.microsoftonline.com/<tenantId>/oauth2/v2.0/token.' }),
    scope: z
      .string()
      .min(1)
      .default(scope)
      .meta({ description: `What the token is for; the default is ${meaning}.` }),
  })

export type OauthSettings = z.output<ReturnType<typeof oauthSchema>>
export type TokenSettings = z.output<typeof tokenAuthSchema>

/** What every source has. */
export const identitySettings = {
  id: idSchema.meta({ description: 'Name of the source; part of topic names, never changed.' }),
  tenant: idSchema.optional().meta({ description: 'Customer the source belongs to; default: the id.' }),
}

/** What every source has that goes back in time. */
export const namedSettings = {
  ...identitySettings,
  lookback: durationSetting('P2D', 'How far back the first run goes.', 36_500),
}

/** What every source has that asks an API. */
export const polledSettings = {
  ...namedSettings,
  proxy: proxySetting,
  caFile: z
    .string()
    .min(1)
    .optional()
    .meta({ description: 'PEM file with certificate authorities to trust besides the usual ones.' }),
}

/** API origins are https, unless the setting for test servers says otherwise. */
export const allowPlainHttpSetting = z.boolean().default(false).meta({
  description:
    'For test servers only: url may be http:// to another machine, and auth.tokenUrl on the same origin. Token and records can then be read on the way; a warning says so.',
})

interface ApiUrl {
  readonly url: string
  readonly allowPlainHttp: boolean
}

export const isUrlAllowed = ({ url, allowPlainHttp }: ApiUrl): boolean => allowPlainHttp || !isPlainElsewhere(url)

/** What to say of a source's url that is not allowed; reported with every other problem of the source, not after they are solved. */
export const urlRule = {
  path: ['url'],
  error: 'must start with https:// (http:// only for this machine itself, or a test server with allowPlainHttp: true)',
  when: ({ value }: { readonly value: unknown }): boolean =>
    anyUrlSetting.safeParse((value as { url?: unknown } | null | undefined)?.url).success,
}

interface Authorised extends ApiUrl {
  readonly auth: { readonly type: string; readonly tokenUrl?: string | undefined }
}

/** The application's secret goes there: in plain to a test server that gets its records so too, and to nobody else. */
export const isTokenUrlAllowed = ({ url, allowPlainHttp, auth: { tokenUrl } }: Authorised): boolean =>
  tokenUrl === undefined ||
  !isPlainElsewhere(tokenUrl) ||
  (allowPlainHttp && URL.canParse(url) && new URL(url).origin === new URL(tokenUrl).origin)

export const tokenUrlRule = {
  path: ['auth', 'tokenUrl'],
  error:
    'must start with https:// (http:// only for this machine itself, or on the origin of url, a test server with allowPlainHttp: true)',
  when: ({ value }: { readonly value: unknown }): boolean =>
    anyUrlSetting.safeParse((value as { auth?: { tokenUrl?: unknown } | null } | null | undefined)?.auth?.tokenUrl)
      .success,
}

/** The customer a source belongs to. */
export function tenantOf(source: { readonly id: string; readonly tenant?: string | undefined }): string {
  return source.tenant ?? source.id
}
