/** What the formatter needs to know: the agents it formats for and the tenants whose records exist. */
import type { AgentDefinition } from '@siem-relay/common'

export interface FormatterConfig {
  readonly agents: readonly AgentDefinition[]
  /** Every tenant with a source; an agent without a `tenants` list reads all of them. */
  readonly tenants: readonly string[]
  /** CEF device version for agents that name none. */
  readonly version: string
  /** Where an agent that never ran starts: this long before now. Default two days, as the SIEM agent did. */
  readonly lookbackMs?: number
}
