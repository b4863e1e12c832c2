/** Agents as the table shows them: the file's, then the portal's. */
import { type AgentDefinition, formatOf, rawKinds, type StoredAgent, wants } from '@siem-relay/common'
import type { AgentLag } from '@siem-relay/control'
import type { AgentDetail, AgentNotification, AgentRow } from '../contract/agents.ts'
import { withoutSecrets } from './secrets.ts'
import type { Standing } from './status.ts'

export interface ViewInput {
  readonly agent: AgentDefinition
  /** Absent for an agent of the configuration file. */
  readonly stored: StoredAgent | undefined
  readonly standing: Standing
  readonly notifications: readonly AgentNotification[]
  readonly lag: AgentLag | undefined
  readonly tokenUsedMs: number | undefined
}

export function rowOf({ agent, stored, standing, notifications, lag, tokenUsedMs }: ViewInput): AgentRow {
  const { state, instances, stateSinceMs, lastConnectionMs, target, cause } = standing
  return {
    id: agent.id,
    name: agent.name ?? agent.id,
    managedBy: stored === undefined ? 'file' : 'portal',
    ...(stored === undefined
      ? { revision: 0 }
      : {
          createdBy: stored.createdBy,
          createdMs: stored.createdMs,
          updatedMs: stored.updatedMs,
          revision: stored.revision,
        }),
    types: rawKinds.filter((kind) => wants(agent, kind)),
    destination: destinationOf(agent),
    format: formatOf(agent),
    runs: agent.remote ? 'remote' : 'relay',
    enabled: agent.enabled,
    retire: agent.retire,
    state,
    ...defined({ stateSinceMs, lastConnectionMs, target, cause }),
    notifications: [...notifications],
    ...tokenOf(stored, tokenUsedMs),
    ...(lag === undefined ? {} : { pending: lag.formatter.pending + lag.sender.pending }),
    ...defined({ oldestSeconds: lag?.oldestSeconds }),
    instances,
  }
}

/** @param definition as it was typed, or as the file's defaults complete it. */
export function detailOf(row: AgentRow, definition: Readonly<Record<string, unknown>>): AgentDetail {
  return { ...row, definition: withoutSecrets(definition) }
}

/** An agent whose definition this version cannot read. */
export function unreadableRow(id: string, stored: StoredAgent | undefined, notification: AgentNotification): AgentRow {
  const name = stored?.definition.name
  return {
    id,
    name: typeof name === 'string' ? name : id,
    managedBy: 'portal',
    ...defined({ createdBy: stored?.createdBy, createdMs: stored?.createdMs, updatedMs: stored?.updatedMs }),
    revision: stored?.revision ?? 0,
    types: [],
    destination: { kind: 'syslog', text: '' },
    format: '',
    runs: 'relay',
    enabled: false,
    retire: false,
    state: 'disabled',
    notifications: [notification],
    ...tokenOf(stored, undefined),
    instances: [],
  }
}

function tokenOf(stored: StoredAgent | undefined, lastUsedMs: number | undefined): Pick<AgentRow, 'token'> {
  if (stored?.token === undefined) return {}
  const { id, owner, createdMs } = stored.token
  return { token: { id, owner, createdMs, ...defined({ lastUsedMs }) } }
}

function destinationOf({ syslog, sentinel }: AgentDefinition): AgentRow['destination'] {
  if (sentinel !== undefined) return { kind: 'sentinel', text: new URL(sentinel.endpoint).host }
  if (syslog === undefined) return { kind: 'console', text: 'standard output' }
  const hosts = typeof syslog.host === 'string' ? [syslog.host] : syslog.host
  const [first = ''] = hosts
  const isWhole = /^\[.*\]|:\d{1,5}$/.test(first) && !/^[0-9a-f:]*$/i.test(first)
  const more = hosts.length > 1 ? ` and ${hosts.length - 1} more` : ''
  const protocol =
    syslog.protocol === 'relp' && syslog.tls !== undefined ? 'RELP over TLS' : syslog.protocol.toUpperCase()
  return { kind: 'syslog', text: `${isWhole ? first : `${first}:${syslog.port}`} (${protocol})${more}` }
}

type Defined<T> = { [Key in keyof T]?: Exclude<T[Key], undefined> }

function defined<T extends object>(fields: T): Defined<T> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as Defined<T>
}
