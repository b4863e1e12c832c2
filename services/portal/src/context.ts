/** What the portal's parts get from outside, and what they share. */
import type { AgentDefinition } from '@siem-relay/common'
import type { Control } from '@siem-relay/control'
import type { World } from '@siem-relay/service-kit'
import type { Agents } from './agents/agents.ts'
import type { Tokens } from './agents/tokens.ts'
import type { PortalConfig } from './config.ts'
import type { TestMessageAnswer } from './contract/agents.ts'
import type { Views } from './views/views.ts'

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
  /**
   * Sends one line from here and tells what happened.
   * @param refuses why nothing may be sent to an address; undefined when it may.
   */
  readonly testMessage?:
    | ((agent: AgentDefinition, refuses: (address: string) => string | undefined) => Promise<TestMessageAnswer>)
    | undefined
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
  /** Every agent there is: `definitions()` are those in force. */
  readonly agents: Agents
  readonly tokens: Tokens
  /** What was seen of discovery and twins. */
  readonly views: Views
}
