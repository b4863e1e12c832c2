/** Which agents the table shows and in what order: pure, so that a thousand of them are a matter of microseconds. */
import type { AgentRow } from '../../src/contract/agents.ts'
import type { Sorting } from '../components/table.ts'
import { type AgentState, agentStates, typesText } from './words.ts'

export interface AgentView {
  readonly search: string
  readonly state: AgentState | 'all'
  readonly sorting: Sorting
}

export function viewAgents(agents: readonly AgentRow[], { search, state, sorting }: AgentView): readonly AgentRow[] {
  const words = search.toLowerCase().split(/\s+/).filter(Boolean)
  return agents
    .filter(
      (agent) => (state === 'all' || agent.state === state) && words.every((word) => textOf(agent).includes(word)),
    )
    .toSorted(
      (left, right) =>
        compare(left, right, sorting.key) * (sorting.isDescending ? -1 : 1) || (left.id < right.id ? -1 : 1),
    )
}

export function countStates(agents: readonly AgentRow[]): ReadonlyMap<AgentState, number> {
  const counts = new Map<AgentState, number>()
  for (const { state } of agents) counts.set(state, (counts.get(state) ?? 0) + 1)
  return counts
}

function textOf({ name, id, createdBy, token, destination, types }: AgentRow): string {
  return [name, id, createdBy, token?.owner, destination.text, typesText(types)].join(' ').toLowerCase()
}

function compare(left: AgentRow, right: AgentRow, key: string): number {
  switch (key) {
    case 'status':
      return agentStates.indexOf(left.state) - agentStates.indexOf(right.state)
    case 'lastConnection':
      return (left.lastConnectionMs ?? 0) - (right.lastConnectionMs ?? 0)
    case 'notifications':
      return left.notifications.length - right.notifications.length
    default:
      return left.name.localeCompare(right.name)
  }
}
