/** What formatting for an agent depends on. While it stays the same, a new configuration does not concern its formatter. */
import {
  type AgentDefinition,
  formatOf,
  lineBytesMaxOf,
  rawKinds,
  rawTopic,
  rawTopicsOf,
  type TopicSpec,
} from '@siem-relay/common'
import { isSameConfig } from '@siem-relay/service-kit'
import type { FormatterConfig } from './config.ts'

export interface AgentPlan {
  readonly agent: AgentDefinition
  readonly inputs: readonly TopicSpec[]
  readonly lineBytesMax: number
  readonly defaultVersion: string
}

export function planOf(agent: AgentDefinition, { tenants, version }: FormatterConfig): AgentPlan {
  return { agent, inputs: inputsOf(agent, tenants), lineBytesMax: lineBytesMaxOf(agent), defaultVersion: version }
}

export function isSamePlan(left: AgentPlan, right: AgentPlan): boolean {
  return isSameConfig(substanceOf(left), substanceOf(right))
}

/** Without what only the sender, or nobody, works with. */
function substanceOf({ agent, ...plan }: AgentPlan): unknown {
  const { name, enabled, retire, remote, tenants, syslog, sentinel, console, header, ...substance } = agent
  return { ...plan, substance, format: formatOf(agent) }
}

/** Whether new records are taken for the agent. */
function isFormatting(agent: AgentDefinition): boolean {
  return agent.enabled && !agent.retire
}

/** The raw topics of an agent: its tenants', for the data types it wants. */
export function inputsOf(agent: AgentDefinition, tenants: readonly string[]): readonly TopicSpec[] {
  return isFormatting(agent) ? rawTopicsOf(agent, tenants) : []
}

/** Those it leaves alone: while it is disabled or retires, or because it does not want the data type. */
export function idleInputsOf(agent: AgentDefinition, tenants: readonly string[]): readonly TopicSpec[] {
  const inputs = new Set(inputsOf(agent, tenants).map(({ name }) => name))
  const all = (agent.tenants ?? tenants).flatMap((tenant) => rawKinds.map((kind) => rawTopic(tenant, kind)))
  return all.filter(({ name }) => !inputs.has(name))
}
