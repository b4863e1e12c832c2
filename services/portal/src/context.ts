/** What the portal's parts get from outside, and what they share. */
import type { AgentDefinition } from '@siem-relay/common'
import type { Control } from '@siem-relay/control'
import type { World } from '@siem-relay/service-kit'
import type { PortalConfig } from './config.ts'
import type { TestMessageAnswer } from './contract/agents.ts'

/** What only the app can give. */
export interface PortalParts {
  /** On this process's log. */
  readonly control: Control
  /** Agents of the configuration file in force. */
  readonly fileAgents: () => readonly AgentDefinition[]
  /** Sources of the configuration in force. */
  readonly sources: () => readonly PortalSource[]
  readonly version: string
  readonly env: Readonly<Record<string, string | undefined>>
  /** Sends one line from here and tells what happened. */
  readonly testMessage?: ((agent: AgentDefinition) => Promise<TestMessageAnswer>) | undefined
}

export interface PortalSource {
  readonly id: string
  /** Default: the id. */
  readonly tenant?: string | undefined
  readonly type: string
}

/** What route modules work with. */
export interface PortalContext extends PortalParts {
  readonly config: PortalConfig
  readonly world: World
  /** Every agent there is: the file's, then the portal's. */
  readonly agents: () => readonly AgentDefinition[]
}
