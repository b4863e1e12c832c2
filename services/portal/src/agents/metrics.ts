/** What Prometheus sees of agents made in the portal. */
import { gauge, type World } from '@siem-relay/service-kit'
import type { Agents } from './agents.ts'

const states = ['created', 'connected', 'connection-error', 'disconnected', 'disabled'] as const

export function countAgents(metrics: World['metrics'], agents: Pick<Agents, 'states'>): void {
  gauge(metrics, {
    name: 'siem_relay_portal_agents',
    help: 'SIEM agents as the portal shows them, by status: created, connected, connection-error, disconnected, disabled.',
    labels: ['state'],
    collect: (each) => {
      const all = agents.states()
      for (const state of states) each.set({ state }, all.filter((one) => one === state).length)
    },
  })
}
