/** A SIEM agent: a named destination with its format, filters, de-duplication policy and transport. One schema is the
 *  configuration file's reference, the agents topic's payload and the portal's form. Combinations known to lose data are refused. */
import { z } from 'zod'
import { twinPolicies } from './dedup/twins.ts'
import type { EventKind } from './events.ts'
import { checkFilter } from './filter/compile.ts'
import { filterSchema } from './filter/schema.ts'
import { sentinelSchema } from './sentinel/settings.ts'
import { foreignSettings, framingOf, headerSchema, syslogSchema } from './syslog/settings.ts'
import type { RawKind } from './topics.ts'

/** Ids become topic and group names: lower-case letters, digits, `-`, `_`, at most 64. */
export const idSchema = z
  .string()
  .regex(
    /^[a-z0-9][a-z0-9_-]{0,63}$/,
    'use 1 to 64 lower-case letters, digits, "-" or "_", starting with a letter or digit',
  )

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
