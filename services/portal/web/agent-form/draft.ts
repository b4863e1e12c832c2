/** What a form changes: an agent's definition as the configuration file takes it. Settings a form does not know stay as they are. Pure. */

export type Path = readonly (string | number)[]
export type Filter = Readonly<Record<string, Readonly<Record<string, unknown>>>>

interface DataTypeDraft {
  readonly enabled?: boolean
  readonly filter?: Filter
  readonly [name: string]: unknown
}

export interface AgentDraft {
  readonly id?: string
  readonly name?: string
  readonly remote?: boolean
  readonly format?: string
  readonly syslog?: Readonly<Record<string, unknown>>
  readonly sentinel?: Readonly<Record<string, unknown>>
  readonly header?: Readonly<Record<string, unknown>>
  readonly device?: Readonly<Record<string, unknown>>
  readonly alerts?: DataTypeDraft
  readonly activities?: DataTypeDraft
  readonly discovery?: DataTypeDraft
  readonly [name: string]: unknown
}

export type DataType = 'alerts' | 'activities' | 'discovery'
export const kindOf = { alerts: 'alert', activities: 'activity', discovery: 'discovery' } as const satisfies Record<
  DataType,
  string
>

/** As the wizard of Defender for Cloud Apps began. */
export const newSyslogDraft: AgentDraft = {
  name: '',
  format: 'generic',
  remote: false,
  syslog: { host: '', port: 514, protocol: 'tcp' },
  header: { time: 'rfc5424', pri: true, systemName: true },
  alerts: { enabled: true, filter: {} },
  activities: { enabled: true, filter: {} },
  discovery: { enabled: false, filter: {} },
}

export const newSentinelDraft: AgentDraft = {
  name: 'Microsoft Sentinel',
  format: 'sentinel',
  sentinel: {
    endpoint: '',
    ruleId: '',
    auth: { type: 'client-secret', tenantId: '', clientId: '', clientSecretFile: '' },
  },
  alerts: { filter: {} },
  discovery: { enabled: true, filter: {} },
  activities: { enabled: false, filter: {} },
}

export function valueAt(draft: unknown, path: Path): unknown {
  let value = draft
  for (const step of path) {
    if (typeof value !== 'object' || value === null) return undefined
    value = (value as Record<string | number, unknown>)[step]
  }
  return value
}

/** A copy that differs at one place; `undefined` takes the setting out. */
export function withValue<T>(draft: T, path: Path, value: unknown): T {
  const [step, ...rest] = path
  if (step === undefined) return value as T
  const copy: Record<string | number, unknown> = { ...(draft as Record<string | number, unknown>) }
  const next = rest.length === 0 ? value : withValue(copy[step] ?? {}, rest, value)
  if (next === undefined) delete copy[step]
  else copy[step] = next
  return copy as T
}

/** Whether a data type is sent: as it says, else as its destination is used to. */
export function isSent(draft: AgentDraft, type: DataType): boolean {
  const byDefault = draft.sentinel === undefined ? type !== 'discovery' : type !== 'activities'
  return draft[type]?.enabled ?? byDefault
}

export function isSame(left: unknown, right: unknown): boolean {
  return JSON.stringify(sorted(left)) === JSON.stringify(sorted(right))
}

function sorted(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value
  return Object.fromEntries(
    Object.entries(value)
      .toSorted(([left], [right]) => (left < right ? -1 : 1))
      .map(([key, inner]) => [key, sorted(inner)]),
  )
}

/** Stands in for what is not filled in yet, where only lines and filters are asked for. */
const someRule = {
  endpoint: 'https://sample.westeurope-1.ingest.monitor.azure.com',
  ruleId: `dcr-${'0'.repeat(32)}`,
  auth: { type: 'managed-identity' },
}

/** What previews and samples are made of: a draft whose destination may still be missing. */
export function previewableOf(draft: AgentDraft): Record<string, unknown> {
  const definition = definitionOf(draft)
  if (draft.sentinel !== undefined) {
    const isComplete = draft.sentinel.endpoint !== '' && draft.sentinel.ruleId !== ''
    return isComplete ? definition : { ...definition, sentinel: { ...draft.sentinel, ...someRule } }
  }
  const isComplete =
    (valueAt(draft, ['syslog', 'host']) ?? '') !== '' && valueAt(draft, ['syslog', 'port']) !== undefined
  return isComplete ? definition : { ...definition, syslog: { port: 514, ...draft.syslog, host: 'siem.example.com' } }
}

/** What a draft is sent as: a list of hosts from text with commas, no empty choice. */
export function definitionOf(draft: AgentDraft): Record<string, unknown> {
  const { name, ...rest } = draft
  const host = valueAt(draft, ['syslog', 'host'])
  const hosts = typeof host === 'string' ? host.split(/[\s,]+/).filter(Boolean) : undefined
  const definition = name === undefined || name.trim() === '' ? rest : { ...rest, name: name.trim() }
  return hosts === undefined || hosts.length === 0
    ? definition
    : withValue(definition, ['syslog', 'host'], hosts.length === 1 ? hosts[0] : hosts)
}
