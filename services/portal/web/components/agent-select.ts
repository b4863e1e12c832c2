/** One of the agents, or all of them. */
import { html } from 'htm/preact'
import type { VNode } from 'preact'
import type { AgentRow } from '../../src/contract/agents.ts'
import { get } from '../lib/api.ts'
import { type Loaded, useLoad } from '../lib/load.ts'
import { SelectField } from './field.ts'

export function useAgents(): Loaded<readonly AgentRow[]> {
  return useLoad(async (signal) => (await get<{ agents: AgentRow[] }>('/agents', {}, signal)).agents, [])
}

interface AgentSelectProps {
  readonly agents: readonly AgentRow[]
  readonly value: string
  readonly onChange: (id: string) => void
  /** What stands for no agent; without it one has to be chosen. */
  readonly all?: string
  readonly label?: string
}

export function AgentSelect({ agents, value, onChange, all, label = 'SIEM agent' }: AgentSelectProps): VNode {
  return html`<${SelectField} label=${label} value=${value} onChange=${onChange}
    choices=${[
      ...(all === undefined ? (value === '' ? [{ value: '', label: 'Choose…' }] : []) : [{ value: '', label: all }]),
      ...agents.map(({ id, name }) => ({ value: id, label: name })),
      ...(value !== '' && !agents.some(({ id }) => id === value) ? [{ value, label: value }] : []),
    ]} />`
}
