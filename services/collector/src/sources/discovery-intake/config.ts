/** Settings of a source that others hand discovery rows to: the reference of `sources:` entries of this type. */

import { isLoopback } from '@siem-relay/http'
import { listenSchema, parseListen, secret } from '@siem-relay/service-kit'
import { z } from 'zod'
import { durationSetting } from '../../duration.ts'
import { identitySettings } from '../settings.ts'

const tokenCharactersMin = 16

const tlsSchema = z.strictObject({
  certFile: z.string().min(1).meta({ description: "PEM file: the server's certificate, then those it is signed by." }),
  keyFile: z.string().min(1).meta({ description: 'PEM file: its key, without a passphrase.' }),
})

const httpSchema = z
  .strictObject({
    listen: listenSchema.default('127.0.0.1:9470').meta({ description: 'Where rows may be posted to /v1/discovery.' }),
    token: secret(
      { description: 'What clients send as `Authorization: Bearer …`; at least 16 characters, best random ones.' },
      tokenCharactersMin,
    ),
    tls: tlsSchema
      .optional()
      .meta({ description: 'Speak HTTPS; needed wherever other machines can reach the address.' }),
    allowPlainHttp: z.boolean().default(false).meta({
      description:
        'Listen without TLS where other machines can reach it, such as in a container behind a proxy that speaks TLS. Token and rows can be read on the way; a warning says so.',
    }),
    maxBodyBytes: z.int().min(1_024).max(134_217_728).default(8_388_608).meta({
      description: 'Longest body, as sent and expanded.',
    }),
    maxRowBytes: z.int().min(256).max(524_288).default(65_536).meta({ description: 'Longest row.' }),
  })
  .refine(({ listen, tls, allowPlainHttp }) => tls !== undefined || allowPlainHttp || isHere(listen), {
    path: ['listen'],
    error: 'is reached by other machines: set tls, or allowPlainHttp: true behind a proxy that speaks TLS',
  })

const directorySchema = z.strictObject({
  path: z.string().min(1).meta({
    description: 'Files in it are read in the order of their names, then moved to done or failed below it.',
  }),
  pattern: z
    .string()
    .min(1)
    .max(255)
    .refine((text) => text.split('*').length <= 2 && !/[/\\]/.test(text), {
      error: 'must be a file name with at most one *, such as export-*.csv',
    })
    .default('*')
    .meta({
      description:
        'Names to read, * standing for any text: of files ending in .ndjson, .jsonl, .json, .csv, or these and .gz.',
    }),
  pollInterval: durationSetting(
    'PT10S',
    'How often it is looked at; a file is read once it has not changed for so long.',
    1,
  ),
  maxRowBytes: z.int().min(256).max(524_288).default(65_536).meta({ description: 'Longest row.' }),
})

export const discoveryIntakeSourceSchema = z
  .strictObject({
    ...identitySettings,
    type: z.literal('discovery-intake'),
    http: httpSchema.optional().meta({ description: 'Rows by HTTP.' }),
    directory: directorySchema.optional().meta({ description: 'Rows in files.' }),
  })
  .refine(({ http, directory }) => http !== undefined || directory !== undefined, {
    error: 'nothing to collect: set http or directory',
  })

export type DiscoveryIntakeSourceConfig = z.output<typeof discoveryIntakeSourceSchema>
export type HttpIntakeConfig = NonNullable<DiscoveryIntakeSourceConfig['http']>
export type DirectoryIntakeConfig = NonNullable<DiscoveryIntakeSourceConfig['directory']>

/** Whether only this machine reaches the address. Of what is no address that is not the problem. */
export function isHere(listen: string): boolean {
  if (!listenSchema.safeParse(listen).success) return true
  const { host } = parseListen(listen)
  return isLoopback(host.includes(':') ? `[${host}]` : host)
}
