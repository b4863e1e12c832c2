/** The `portal:` of the configuration: where the pages answer, behind what, and who signs in how. */
import { isIP } from 'node:net'
import { listenSchema } from '@siem-relay/service-kit'
import { z } from 'zod'

const tlsSchema = z.strictObject({
  certFile: z.string().min(1).meta({
    description: "PEM file with the portal's certificate and those between it and its authority.",
  }),
  keyFile: z
    .string()
    .min(1)
    .meta({ description: 'PEM file with the key of certFile. Both are read again when they change.' }),
})

const oidcSchema = z.strictObject({
  issuer: z.url({ protocol: /^https?$/ }).meta({
    description: 'Issuer of OpenID Connect, such as https://login.microsoftonline.com/<directory id>/v2.0.',
  }),
  clientId: z.string().min(1).max(256),
  clientSecretFile: z.string().min(1).meta({ description: "File with the client's secret; read at every sign-in." }),
  name: z.string().min(1).max(60).default('OpenID Connect').meta({ description: 'What the button says.' }),
  groupsClaim: z
    .string()
    .min(1)
    .max(128)
    .default('groups')
    .meta({ description: 'Claim of the id token that lists groups or roles.' }),
  adminGroup: z
    .string()
    .min(1)
    .max(256)
    .optional()
    .meta({ description: 'Who has this in the claim is an admin. Without it, nobody becomes one by OpenID Connect.' }),
  viewerGroup: z.string().min(1).max(256).optional().meta({
    description: 'Who has this in the claim is a viewer. Without it, everybody the issuer lets in is one.',
  }),
})

/** An address, or a range such as `10.0.0.0/8`. */
const addressRange = z.string().superRefine((text, context) => {
  const [address = '', bits, ...rest] = text.split('/')
  const version = isIP(address)
  const isBits = bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= (version === 4 ? 32 : 128))
  if (version === 0 || !isBits || rest.length > 0)
    context.addIssue({ code: 'custom', message: 'must be an IP address or a range such as 10.0.0.0/8' })
})

export const portalSchema = z
  .strictObject({
    enabled: z.boolean().default(true),
    listen: listenSchema.default('127.0.0.1:8080').meta({ description: 'Where the portal answers.' }),
    path: z
      .string()
      .max(200)
      .regex(/^(\/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)*\/?$/, 'must be a path such as /siem')
      .default('/')
      .transform((path) => path.replace(/\/$/, ''))
      .meta({ description: 'Path below which everything stands, for a reverse proxy that keeps it: /siem.' }),
    publicUrl: z
      .url({ protocol: /^https?$/ })
      .optional()
      .meta({
        description:
          "The portal's address as browsers see it, such as https://relay.contoso.com/siem; for links and OpenID Connect behind a reverse proxy.",
      }),
    tls: tlsSchema.optional().meta({ description: 'Answer by HTTPS.' }),
    trustProxy: z.array(addressRange).max(50).default([]).meta({
      description: 'Addresses of reverse proxies whose X-Forwarded-For, -Proto and -Host are believed.',
    }),
    oidc: oidcSchema.optional().meta({ description: 'Sign in by OpenID Connect, beside accounts of its own.' }),
    data: z.string().min(1).optional().meta({
      description:
        'Directory of accounts, sessions and views. Default: portal in the directory of the embedded log; with Kafka ./data/portal.',
    }),
    allowCidrs: z.array(addressRange).max(100).optional().meta({
      description:
        'Private and loopback addresses that agents made in the portal may send to. Default: private ones (RFC 1918, fc00::/7); link-local ones never.',
    }),
    views: z
      .strictObject({
        retentionDays: z.int().min(1).max(400).default(90).meta({
          description:
            'How long discovery and duplicates are shown; the log itself keeps its records as its topics say.',
        }),
        discoveryRowsMax: z.int().min(10_000).max(100_000_000).default(5_000_000).meta({
          description:
            'Sums of a day (by app, user, address and stream) that are kept, about 100 bytes each; beyond it the oldest days leave early.',
        }),
      })
      .prefault({}),
  })
  .superRefine(({ listen, tls, publicUrl, trustProxy, oidc }, context) => {
    const host = /^(?:\[([^\]]*)\]|([^:]*)):/.exec(listen)
    const name = host?.[1] ?? host?.[2] ?? ''
    const isLoopback = name === '::1' || name === 'localhost' || name.startsWith('127.')
    if (oidc !== undefined && publicUrl === undefined && !isLoopback)
      context.addIssue({
        code: 'custom',
        path: ['publicUrl'],
        message: 'OpenID Connect comes back to the address browsers know: set publicUrl',
      })
    if (publicUrl?.startsWith('https:') === true && tls === undefined && trustProxy.length === 0 && !isLoopback)
      context.addIssue({
        code: 'custom',
        path: ['trustProxy'],
        message: 'publicUrl is https and the portal has no tls: name the addresses of the reverse proxy',
      })
  })

/** As the portal is started: with the places in force. */
export type PortalConfig = z.output<typeof portalSchema> & { readonly data: string }
