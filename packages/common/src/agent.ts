/** A SIEM agent: a named destination with its format, filters, de-duplication policy and transport. One schema is the
 *  configuration file's reference, the agents topic's payload and the portal's form. Combinations known to lose data are refused. */
import { z } from 'zod'
import { twinPolicies } from './dedup/twins.ts'
import type { EventKind } from './events.ts'
import { checkFilter } from './filter/compile.ts'
import { filterSchema } from './filter/schema.ts'
import { sentinelSchema } from './sentinel/settings.ts'
import { relpMessageBytesDefault, relpMessageBytesMax } from './syslog/relp.ts'
import type { RawKind } from './topics.ts'

/** The longest message UDP carries: 65,535 less the headers of IPv4 and UDP; kept as the limit of TCP and TLS too. */
const messageBytesMax = 65_507

/** Ids become topic and group names: lower-case letters, digits, `-`, `_`, at most 64. */
export const idSchema = z
  .string()
  .regex(
    /^[a-z0-9][a-z0-9_-]{0,63}$/,
    'use 1 to 64 lower-case letters, digits, "-" or "_", starting with a letter or digit',
  )

const secretFile = z.string().min(1)

export const tlsSchema = z
  .strictObject({
    caFile: z.string().min(1).optional().meta({
      description: "PEM file with the authorities that may sign the receiver; default: the system's and Node's own.",
    }),
    ca: z.string().max(262_144).optional().meta({
      description:
        'The same authorities as text (PEM), in place of caFile: for whoever has no files on this machine, as in the portal.',
    }),
    certFile: z
      .string()
      .min(1)
      .optional()
      .meta({ description: 'PEM file with the client certificate, for receivers that ask for one.' }),
    keyFile: secretFile.optional().meta({ description: 'PEM file with the key of certFile.' }),
    serverName: z
      .string()
      .min(1)
      .optional()
      .meta({ description: 'Name to verify and to send as SNI; default: the host.' }),
    minVersion: z.enum(['TLSv1.2', 'TLSv1.3']).default('TLSv1.2'),
    verify: z
      .boolean()
      .default(true)
      .meta({ description: 'false accepts any certificate: for a laboratory only; shown as a warning.' }),
  })
  .refine((tls) => (tls.certFile === undefined) === (tls.keyFile === undefined), {
    error: 'certFile and keyFile go together',
  })
  .superRefine(({ ca, caFile }, context) => {
    if (ca === undefined) return
    const problem =
      caFile !== undefined
        ? 'ca and caFile say the same: remove one'
        : ca.includes('PRIVATE KEY')
          ? 'holds a private key, which belongs to nobody but its owner: take the certificates only, and make a new key'
          : /-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----/.test(ca)
            ? undefined
            : 'holds no certificate: it begins with -----BEGIN CERTIFICATE-----'
    if (problem !== undefined) context.addIssue({ code: 'custom', path: ['ca'], message: problem })
  })

export const syslogSchema = z.strictObject({
  host: z.union([z.string().min(1), z.array(z.string().min(1)).min(1)]).meta({
    description: 'Receiver, or several for fail-over, tried in order. `host`, or `host:port` to differ from port.',
  }),
  port: z.int().min(1).max(65_535),
  protocol: z.enum(['udp', 'tcp', 'tls', 'relp']).default('tcp').meta({
    description: 'relp is acknowledged by the receiver, message by message; with `tls` settings it runs over TLS.',
  }),
  framing: z.enum(['octet-counting', 'lf']).optional().meta({
    description:
      'How frames are delimited on a stream (RFC 6587 §3.4). Default: octet-counting on tls (RFC 5425 §4.3), lf on tcp.',
  }),
  confirm: z.enum(['checkpoint', 'tcp-ack', 'write']).optional().meta({
    description:
      'What counts as delivered on tcp and tls: the receiver read up to our half-close (checkpoint, the default); Linux saw every byte acknowledged; or the write was taken (loses data on a crash).',
  }),
  checkpointMessages: z.int().min(1).max(100_000).default(5_000),
  checkpointSeconds: z.number().min(0.1).max(3_600).default(10),
  windowMessagesMax: z.int().min(1).max(10_000).optional().meta({
    description:
      "Messages on their way to a relp receiver without its answer: the most that can come twice after a break. Default: 128, as librelp's own clients.",
  }),
  windowBytesMax: z
    .int()
    .min(65_536)
    .default(8_388_608)
    .meta({ description: 'Unconfirmed bytes kept for sending again; reading pauses beyond it.' }),
  messageBytesMax: z.int().min(480).max(relpMessageBytesMax).optional().meta({
    description:
      'Longest message on the wire in bytes. Default: 8192 on tcp and tls, 2048 on udp (RFC 5426 §3.2), 8096 on relp, since rsyslog cuts a longer one and acknowledges it unless its maxMessageSize is raised. At most 65507, on relp 131072.',
  }),
  messagesPerSecondMax: z
    .int()
    .min(1)
    .optional()
    .meta({ description: 'Pace of sending. Default: 2000 on udp, none elsewhere.' }),
  connectTimeoutMs: z.int().min(100).default(10_000),
  stallTimeoutMs: z.int().min(1_000).default(10_000).meta({
    description:
      'Without any progress for this long, the connection is given up and the unconfirmed messages are sent again.',
  }),
  confirmTimeoutMs: z.int().min(1_000).default(30_000).meta({
    description: 'How long to wait for the receiver to close after our half-close; on relp for its next answer.',
  }),
  tls: tlsSchema.optional().meta({ description: 'For protocol tls and relp; relp is plain without it.' }),
  force: z.boolean().default(false).meta({ description: 'true accepts a combination known to lose data.' }),
})

export const headerSchema = z.strictObject({
  format: z.enum(['siem-agent', 'rfc5424']).default('siem-agent').meta({
    description:
      'siem-agent: `[<PRI>]TIME [HOST] CEF:…` as the SIEM agent wrote it; rfc5424: a full RFC 5424 header around the CEF line.',
  }),
  time: z.enum(['rfc5424', 'rfc3164-year', 'rfc3164']).default('rfc5424'),
  pri: z.boolean().default(true),
  systemName: z
    .union([z.boolean(), z.string().min(1).max(255)])
    .default(true)
    .meta({ description: "true: this machine's name; a text: that name; false: none." }),
  facility: z.int().min(0).max(23).default(20).meta({ description: 'RFC 5424 §6.2.1; 20 is local4.' }),
  severity: z
    .union([z.int().min(0).max(7), z.literal('from-event')])
    .default('from-event')
    .meta({ description: 'RFC 5424 §6.2.1; from-event: CEF 0–3 info, 4–6 notice, 7–8 error, 9–10 critical.' }),
})

/** One data type of an agent: whether it is sent, and which of it. A filter that cannot be evaluated is refused with its path. */
function dataTypeSchema(kind: EventKind) {
  return z.strictObject({
    enabled: z.boolean().optional().meta({
      description: 'Default: true for alerts and activities; to Microsoft Sentinel for alerts and discovery.',
    }),
    filter: filterSchema.default({}).superRefine((filter, context) => {
      for (const { path, message } of checkFilter(kind, filter))
        context.addIssue({ code: 'custom', path: [...path], message })
    }),
  })
}

export const dedupSchema = z.strictObject({
  recordIds: z
    .int()
    .min(1)
    .max(5_000_000)
    .default(25_000)
    .meta({ description: 'How many record ids per input partition are remembered to drop repeats.' }),
  policy: z.enum(twinPolicies).default('first').meta({
    description:
      "What becomes of an alert that comes from Defender for Identity and, with another id, from Defender for Cloud Apps. first: the copy that comes first is sent, the other left out; prefer-identity, prefer-cloud-apps: the other product's copy waits for the preferred one, at most graceMinutes; annotate: both are sent, the second names the first; off: both are sent.",
  }),
  windowMinutes: z.number().min(1).max(1_440).default(60).meta({
    description: 'Most time between the two copies, by when it happened or was raised.',
  }),
  graceMinutes: z.number().min(0.1).max(1_440).default(10).meta({
    description: 'With prefer-…: how long a copy waits for the preferred one.',
  }),
  nameTwin: z.enum(['none', 'deviceExternalId', 'cs6']).optional().meta({
    description:
      "Field in which a message names the id of its twin, where that is known when it is sent. Default: none, with annotate deviceExternalId. cs6 (label twinId) is left out of replayed lines, which carry the job's id in it.",
  }),
})

export const agentSchema = z
  .strictObject({
    id: idSchema,
    name: z.string().min(1).max(200).optional(),
    enabled: z.boolean().default(true).meta({
      description:
        'false: nothing is sent and its place is kept; true again: it goes on from there, at most two days back.',
    }),
    retire: z.boolean().default(false).meta({
      description:
        'true: no new records are taken, what is formatted already is delivered; the log and `siem_relay_agent_retired` say when the entry can be removed.',
    }),
    remote: z.boolean().default(false).meta({
      description:
        'true: delivered by `siem-relay agent`, which runs where the receiver is and signs in with the token that the portal shows.',
    }),
    tenants: z.array(idSchema).min(1).optional().meta({ description: 'Which tenants to send; default: all.' }),
    format: z.enum(['generic', 'arcsight', 'sentinel']).default('generic').meta({
      description:
        'generic, arcsight: CEF; sentinel: rows of Microsoft Sentinel tables, what an agent with `sentinel` gets anyway.',
    }),
    syslog: syslogSchema.optional(),
    sentinel: sentinelSchema.optional().meta({ description: 'Deliver to Microsoft Sentinel.' }),
    console: z
      .boolean()
      .default(false)
      .meta({ description: 'Write lines to standard output instead of a syslog receiver.' }),
    header: headerSchema.prefault({}),
    device: z
      .strictObject({
        vendor: z.string().min(1).max(63).default('MCAS'),
        product: z.string().min(1).max(63).default('SIEM_Agent'),
        version: z.string().min(1).max(31).optional(),
      })
      .prefault({}),
    alerts: dataTypeSchema('alert').prefault({}),
    activities: dataTypeSchema('activity').prefault({}),
    discovery: dataTypeSchema('discovery')
      .extend({
        output: z.enum(['cef', 'json']).default('cef').meta({
          description:
            "cef: a line like the others; json: the 18 columns of Microsoft's table McasShadowItReporting, one object a line.",
        }),
      })
      .prefault({}),
    severity: z
      .strictObject({
        low: cefSeverity(3),
        medium: cefSeverity(5),
        high: cefSeverity(10),
        informational: cefSeverity(0),
      })
      .prefault({})
      .meta({ description: 'CEF severity of each alert severity.' }),
    alertTypes: z
      .record(z.string(), z.string().min(1).max(1023))
      .default({})
      .meta({ description: 'Signature ids by alert type number (idValue), over the built-in table.' }),
    appIds: z
      .record(z.string().regex(/^\d{1,18}$/), z.string().min(1).max(255))
      .default({})
      .meta({
        description:
          'Names for cs2 uniqueServiceAppIds by app id, over the built-in table, for example {"15600": "APPID_ONEDRIVE"}.',
      }),
    dedup: dedupSchema.prefault({}),
  })
  .superRefine((agent, context) => {
    const destinations = [agent.syslog !== undefined, agent.sentinel !== undefined, agent.console]
    if (destinations.filter(Boolean).length !== 1)
      context.addIssue({
        code: 'custom',
        path: ['syslog'],
        message: 'an agent needs one destination: syslog, sentinel, or console: true',
      })
    if (agent.format === 'sentinel' && agent.syslog !== undefined)
      context.addIssue({
        code: 'custom',
        path: ['format'],
        message: 'rows go to Microsoft Sentinel or to the console; over syslog use generic or arcsight',
      })
    if (agent.sentinel !== undefined && agent.alerts.enabled === false)
      context.addIssue({
        code: 'custom',
        path: ['alerts', 'enabled'],
        message: 'alerts always go to Microsoft Sentinel: remove it, and use alerts.filter to choose',
      })
    if (agent.remote && agent.syslog === undefined)
      context.addIssue({
        code: 'custom',
        path: ['remote'],
        message: 'an agent in another network delivers to a syslog receiver there: set syslog, or remove remote',
      })
    if (agent.retire && !agent.enabled)
      context.addIssue({
        code: 'custom',
        path: ['retire'],
        message:
          'an agent that is not enabled delivers nothing: set enabled: true to deliver its backlog first, or remove retire',
      })
    const { syslog, header } = agent
    if (syslog === undefined) return
    for (const { path, message } of foreignSettings(syslog))
      context.addIssue({ code: 'custom', path: ['syslog', path], message })
    if (syslog.force) return
    if (
      !header.pri &&
      header.format === 'siem-agent' &&
      header.time === 'rfc5424' &&
      (syslog.protocol === 'tcp' || syslog.protocol === 'tls') &&
      framingOf(syslog) === 'lf'
    )
      context.addIssue({
        code: 'custom',
        path: ['header', 'pri'],
        message:
          'without PRI a line starts with the year, which receivers read as an octet count on TCP with LF framing (rsyslog stored 6 of 12 lines): set pri: true, or framing: octet-counting, or force: true',
      })
    if (syslog.protocol === 'tls' && framingOf(syslog) === 'lf')
      context.addIssue({
        code: 'custom',
        path: ['syslog', 'framing'],
        message:
          'TLS receivers expect octet counting (RFC 5425 §4.3); LF loses every line at some of them: remove framing, or set force: true',
      })
  })

/** Settings that mean nothing with this protocol: someone expects of them what will not happen. */
function foreignSettings(syslog: SyslogDestination): readonly { readonly path: string; readonly message: string }[] {
  const { protocol } = syslog
  const isRelp = protocol === 'relp'
  const found: { path: string; message: string }[] = []
  if (syslog.tls !== undefined && protocol !== 'tls' && !isRelp)
    found.push({ path: 'tls', message: 'tls settings need protocol: tls, or relp' })
  if (syslog.framing !== undefined && protocol === 'udp')
    found.push({ path: 'framing', message: 'UDP carries one message per datagram and has no framing; remove framing' })
  if (syslog.framing !== undefined && isRelp)
    found.push({ path: 'framing', message: 'RELP has frames of its own; remove framing' })
  if (syslog.confirm !== undefined && isRelp)
    found.push({ path: 'confirm', message: 'a RELP receiver acknowledges every message; remove confirm' })
  if (syslog.windowMessagesMax !== undefined && !isRelp)
    found.push({
      path: 'windowMessagesMax',
      message: 'only RELP has a window of messages; remove it, or set protocol: relp',
    })
  if (!isRelp && messageBytesMaxOf(syslog) > messageBytesMax)
    found.push({ path: 'messageBytesMax', message: `only RELP carries more than ${messageBytesMax} bytes` })
  return found
}

function cefSeverity(byDefault: number) {
  return z.int().min(0).max(10).default(byDefault)
}

/** How an agent's messages are written. */
export function formatOf({
  sentinel,
  format,
}: Pick<AgentDefinition, 'sentinel' | 'format'>): AgentDefinition['format'] {
  return sentinel === undefined ? format : 'sentinel'
}

/** Whether an agent takes a data type: as it says, else as its destination is used to. */
export function wants(agent: AgentDefinition, kind: RawKind): boolean {
  const byDefault = agent.sentinel === undefined ? kind !== 'discovery' : kind !== 'activities'
  return agent[kind].enabled ?? byDefault
}

/** The field that names a twin, if any. */
export function twinFieldOf({ dedup }: Pick<AgentDefinition, 'dedup'>): 'none' | 'deviceExternalId' | 'cs6' {
  return dedup.nameTwin ?? (dedup.policy === 'annotate' ? 'deviceExternalId' : 'none')
}

export type AgentDefinition = z.output<typeof agentSchema>
export type SyslogDestination = z.output<typeof syslogSchema>
export type TlsSettings = z.output<typeof tlsSchema>
export type HeaderSettings = z.output<typeof headerSchema>

/** The framing in force on TCP and TLS: octet counting on TLS (RFC 5425 §4.3), LF on TCP unless set. */
export function framingOf(syslog: Pick<SyslogDestination, 'framing' | 'protocol'>): 'octet-counting' | 'lf' {
  return syslog.framing ?? (syslog.protocol === 'tls' ? 'octet-counting' : 'lf')
}

/** The measure of delivery in force on TCP and TLS. */
export function confirmOf({ confirm }: Pick<SyslogDestination, 'confirm'>): 'checkpoint' | 'tcp-ack' | 'write' {
  return confirm ?? 'checkpoint'
}

/** Messages that may be on their way to a RELP receiver without its answer: 128, librelp's default, unless set. */
export function windowMessagesMaxOf({ windowMessagesMax }: Pick<SyslogDestination, 'windowMessagesMax'>): number {
  return windowMessagesMax ?? 128
}

/** The longest message on the wire in bytes: 8192 on streams, 2048 on UDP (RFC 5426 §3.2), 8096 on RELP unless set. */
export function messageBytesMaxOf(syslog: Pick<SyslogDestination, 'messageBytesMax' | 'protocol'>): number {
  const byDefault = { udp: 2_048, tcp: 8_192, tls: 8_192, relp: relpMessageBytesDefault } as const
  return syslog.messageBytesMax ?? byDefault[syslog.protocol]
}

/** The TLS settings of a connection; undefined when it is plain. */
export function tlsSettingsOf({ protocol, tls }: Pick<SyslogDestination, 'protocol' | 'tls'>): TlsSettings | undefined {
  return tls ?? (protocol === 'tls' ? tlsSchema.parse({}) : undefined)
}
