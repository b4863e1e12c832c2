/** How agents are spoken of in the table and the wizards. */
import type { AgentRow } from '../../src/contract/agents.ts'
import type { IconName } from '../components/icons.ts'

export type AgentState = AgentRow['state']

export const stateWords = {
  connected: { label: 'Connected', icon: 'check', tone: 'ok' },
  created: { label: 'Created', icon: 'clock', tone: 'quiet' },
  'connection-error': { label: 'Connection error', icon: 'warning', tone: 'warn' },
  disconnected: { label: 'Disconnected', icon: 'cross', tone: 'bad' },
  disabled: { label: 'Disabled', icon: 'pause', tone: 'quiet' },
} as const satisfies Record<AgentState, { label: string; icon: IconName; tone: 'ok' | 'warn' | 'bad' | 'quiet' }>

export const agentStates = Object.keys(stateWords) as readonly AgentState[]

const typeWords = { alerts: 'Alerts', activities: 'Activities', discovery: 'Discovery logs' } as const

export function typesText(types: AgentRow['types']): string {
  return types.length === 0 ? '—' : types.map((type) => typeWords[type]).join(', ')
}

const formatWords: Readonly<Record<string, string>> = {
  generic: 'Generic CEF',
  arcsight: 'Micro Focus ArcSight',
  sentinel: 'Microsoft Sentinel rows',
}

export function formatText(format: string): string {
  return formatWords[format] ?? format
}
