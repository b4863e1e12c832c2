/** Where a syslog receiver is, how it is spoken to and with which header; what is in force where nothing is set. */
import { z } from 'zod'
import { relpMessageBytesDefault, relpMessageBytesMax } from './relp.ts'

/** The longest message UDP carries: 65,535 less the headers of IPv4 and UDP; kept as the limit of TCP and TLS too. */
const messageBytesMax = 65_507

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

export type SyslogDestination = z.output<typeof syslogSchema>
export type TlsSettings = z.output<typeof tlsSchema>
export type HeaderSettings = z.output<typeof headerSchema>

/** Settings that mean nothing with this protocol: someone expects of them what will not happen. */
export function foreignSettings(
  syslog: SyslogDestination,
): readonly { readonly path: string; readonly message: string }[] {
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
