/** Where Microsoft Sentinel is and who may write to it: the Logs Ingestion API of Azure Monitor. Source: "Logs Ingestion API in Azure
 *  Monitor", sections Endpoint, Authentication and Sovereign clouds. */
import { z } from 'zod'
import { proxySetting } from '../proxy-address.ts'

/** An Azure cloud: who issues tokens, what they are for, and the names its endpoints end in. */
export interface AzureCloud {
  readonly authorityHost: string
  /** Audience of tokens; the scope is `<audience>/.default`. */
  readonly audience: string
  readonly endpointSuffix: string
}

export const azureClouds = {
  public: {
    authorityHost: 'https://login.microsoftonline.com',
    audience: 'https://monitor.azure.com',
    endpointSuffix: '.ingest.monitor.azure.com',
  },
  usgov: {
    authorityHost: 'https://login.microsoftonline.us',
    audience: 'https://monitor.azure.us',
    endpointSuffix: '.ingest.monitor.azure.us',
  },
  china: {
    authorityHost: 'https://login.chinacloudapi.cn',
    audience: 'https://monitor.azure.cn',
    endpointSuffix: '.ingest.monitor.azure.cn',
  },
} as const satisfies Record<string, AzureCloud>

const directory = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9.-]{0,254}$/, 'must be a directory id or one of its domain names')
  .meta({ description: "Microsoft Entra directory id, or one of the directory's domain names." })
const clientId = z.string().min(1).meta({ description: 'Application (client) id of the app registration.' })

/** Secrets stay in files: an agent's definition is shown in the portal and kept in the log. */
const authSchema = z.discriminatedUnion('type', [
  z.strictObject({
    type: z.literal('client-secret'),
    tenantId: directory,
    clientId,
    clientSecretFile: z.string().min(1).meta({
      description: 'File with the client secret; read for every token, so a new secret needs no restart.',
    }),
  }),
  z.strictObject({
    type: z.literal('certificate'),
    tenantId: directory,
    clientId,
    certificateFile: z.string().min(1).meta({ description: 'PEM file with the certificate and its private key.' }),
  }),
  z.strictObject({
    type: z.literal('managed-identity'),
    clientId: z
      .string()
      .min(1)
      .optional()
      .meta({ description: "Client id of a user-assigned identity; default: the machine's own." }),
  }),
  z.strictObject({
    type: z.literal('workload-identity'),
    tenantId: directory.optional(),
    clientId: clientId.optional(),
    tokenFile: z
      .string()
      .min(1)
      .optional()
      .meta({ description: "File with the federated token; default: as Kubernetes' webhook sets it." }),
  }),
])

const stream = (byDefault: string, what: string) =>
  z
    .string()
    .regex(
      /^Custom-[A-Za-z][A-Za-z0-9_]{0,90}$/,
      'must be a stream of the data collection rule, which begins with Custom-',
    )
    .default(byDefault)
    .meta({ description: `Stream of the rule for ${what}.` })

export const sentinelSchema = z
  .strictObject({
    endpoint: z.string().meta({
      description:
        'Logs ingestion endpoint of the data collection rule, or of a data collection endpoint: https://<name>.<region>-1.ingest.monitor.azure.com.',
    }),
    ruleId: z
      .string()
      .regex(/^dcr-[0-9a-f]{32}$/, 'must be the immutable id of the rule: dcr- and 32 hexadecimal digits')
      .meta({ description: 'Immutable id of the data collection rule (its JSON view shows it).' }),
    cloud: z.enum(['public', 'usgov', 'china']).default('public'),
    auth: authSchema,
    authorityHost: z
      .string()
      .optional()
      .meta({ description: "Who issues tokens; default: the cloud's. https:// and nothing but a host." }),
    streams: z
      .strictObject({
        alerts: stream('Custom-McasAlerts', 'alerts'),
        activities: stream('Custom-McasActivities', 'activities'),
        discovery: stream('Custom-McasDiscovery', 'discovery rows'),
      })
      .prefault({}),
    packing: z.enum(['raw', 'wire']).default('raw').meta({
      description:
        'What is kept within requestBytesMax: raw, the rows as they are, as documented; wire, the rows as compressed, 5 to 15 times more of them in a request, as Azure seems to allow.',
    }),
    requestBytesMax: z.int().min(4_096).max(1_048_576).default(1_000_000).meta({
      description: 'Most bytes of a request; Azure refuses more than 1048576.',
    }),
    lingerSeconds: z.number().min(0).max(300).default(2).meta({
      description: 'How long a request that is not full waits for more rows.',
    }),
    concurrency: z
      .int()
      .min(1)
      .max(32)
      .default(8)
      .meta({ description: 'Requests on their way at a time, for each stream.' }),
    windowBytesMax: z.int().min(1_048_576).optional().meta({
      description:
        'Rows taken from the log and not yet stored; reading pauses beyond it, and no more of them come twice after kill -9. Default: 16 MiB, with packing: wire 64 MiB.',
    }),
    timeoutMs: z.int().min(1_000).default(60_000).meta({ description: 'Most time a request may take.' }),
    proxy: proxySetting,
    caFile: z.string().min(1).optional().meta({
      description: 'PEM file with certificate authorities to trust besides the usual ones.',
    }),
    allowAnyEndpoint: z.boolean().default(false).meta({
      description:
        "For test servers only: the endpoint and authorityHost may be hosts that are not Azure's. Tokens and rows go there; a warning says so.",
    }),
  })
  .superRefine((sentinel, context) => {
    const problem = problemOfEndpoint(
      sentinel.endpoint,
      sentinel.allowAnyEndpoint ? '' : azureClouds[sentinel.cloud].endpointSuffix,
    )
    if (problem !== undefined) context.addIssue({ code: 'custom', path: ['endpoint'], message: problem })
    if (sentinel.authorityHost === undefined) return
    const known = Object.values(azureClouds).map(({ authorityHost }) => authorityHost)
    const authorityProblem = problemOfEndpoint(sentinel.authorityHost, '')
    if (authorityProblem !== undefined)
      context.addIssue({ code: 'custom', path: ['authorityHost'], message: authorityProblem })
    else if (
      !sentinel.allowAnyEndpoint &&
      !(known as readonly string[]).includes(new URL(sentinel.authorityHost).origin)
    )
      context.addIssue({
        code: 'custom',
        path: ['authorityHost'],
        message: `must be one of ${known.join(', ')}: it is handed the credential`,
      })
  })

/** A token goes to this host: nothing but https, the usual port, and a name of the cloud. */
function problemOfEndpoint(text: string, suffix: string): string | undefined {
  if (!URL.canParse(text)) return 'must be a URL like https://soc-dcr-a1b2.westeurope-1.ingest.monitor.azure.com'
  const url = new URL(text)
  if (url.protocol !== 'https:') return 'must start with https://'
  if (url.username !== '' || url.password !== '') return 'must not hold credentials: they belong to auth'
  if (url.pathname !== '/' || text.includes('?') || text.includes('#')) return 'must be nothing but https:// and a host'
  if (suffix === '') return undefined
  if (url.port !== '') return 'must use the usual port of https'
  if (!url.hostname.endsWith(suffix))
    return `must end in ${suffix}, as endpoints of this cloud do; for another cloud set cloud`
  return undefined
}

/** Where rows of an agent go. */
export type SentinelDestination = z.output<typeof sentinelSchema>

/** Who issues tokens for an agent. */
export function authorityOf({ authorityHost, cloud }: Pick<SentinelDestination, 'authorityHost' | 'cloud'>): string {
  return authorityHost ?? azureClouds[cloud].authorityHost
}

/** The most bytes of rows that may be on their way. */
export function windowBytesMaxOf({
  windowBytesMax,
  packing,
}: Pick<SentinelDestination, 'windowBytesMax' | 'packing'>): number {
  return windowBytesMax ?? (packing === 'raw' ? 16_777_216 : 67_108_864)
}
