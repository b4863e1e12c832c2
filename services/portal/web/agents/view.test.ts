import { describe, expect, test } from 'vitest'
import type { AgentRow } from '../../src/contract/agents.ts'
import { countStates, viewAgents } from './view.ts'

function agentOf(parts: Partial<AgentRow>): AgentRow {
  return {
    id: 'soc',
    name: 'SOC',
    managedBy: 'portal',
    revision: 1,
    types: ['alerts'],
    destination: { kind: 'syslog', text: 'siem.contoso.com:6514 (TLS)' },
    format: 'generic',
    runs: 'relay',
    enabled: true,
    retire: false,
    state: 'connected',
    notifications: [],
    instances: [],
    ...parts,
  }
}

const agents = [
  agentOf({ id: 'b', name: 'beta', state: 'disconnected', lastConnectionMs: 5 }),
  agentOf({ id: 'a', name: 'Alpha', createdBy: 'megan@contoso.com', lastConnectionMs: 9 }),
  agentOf({ id: 'c', name: 'gamma', destination: { kind: 'sentinel', text: 'Sentinel westeurope' } }),
]
const view = { search: '', state: 'all', sorting: { key: 'name', isDescending: false } } as const
const ids = (rows: readonly AgentRow[]) => rows.map(({ id }) => id).join('')

describe('viewAgents', () => {
  test('sorts names without regard to case', () => expect(ids(viewAgents(agents, view))).toBe('abc'))

  test('sorts by the last connection, never connected ones last when the newest is first', () => {
    expect(ids(viewAgents(agents, { ...view, sorting: { key: 'lastConnection', isDescending: true } }))).toBe('abc')
    expect(ids(viewAgents(agents, { ...view, sorting: { key: 'lastConnection', isDescending: false } }))).toBe('cba')
  })

  test('finds every word of a search in name, owner or destination', () => {
    expect(ids(viewAgents(agents, { ...view, search: 'MEGAN alpha' }))).toBe('a')
    expect(ids(viewAgents(agents, { ...view, search: 'westeurope' }))).toBe('c')
    expect(ids(viewAgents(agents, { ...view, search: 'megan gamma' }))).toBe('')
  })

  test('keeps the agents of one status', () =>
    expect(ids(viewAgents(agents, { ...view, state: 'disconnected' }))).toBe('b'))
})

test('countStates counts each status there is', () => {
  expect([...countStates(agents)]).toEqual([
    ['disconnected', 1],
    ['connected', 2],
  ])
})
