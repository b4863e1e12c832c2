/** The port between what every sending service does the same way (which agents, their status, retirement, replays) and what a
 *  service knows alone: its destination. */
import type { DeliverSpec } from '@siem-relay/bus'
import type { AgentDefinition } from '@siem-relay/common'
import type { World } from '@siem-relay/service-kit'
import type { AgentStatus } from './status.ts'

/** A service that delivers; part of owner ids and of letters. */
export type SenderService = 'syslog-sender' | 'sentinel-sender' | 'remote-sender'

/** Delivers one agent's messages. */
export interface Sender {
  readonly status: AgentStatus
  /** Begins to take and send; returns what rejects when the bus cannot go on. */
  start(): Promise<never>
  /** Stops taking, delivers what is on its way within the time, acknowledges, closes. The rest comes again after a restart. */
  stop(drainMs: number): Promise<void>
}

export type SenderInput = Pick<DeliverSpec, 'group' | 'topics' | 'stretches'>

/** What a sender of a replay does differently. */
interface ReplayInput {
  readonly input: SenderInput
  readonly messagesPerSecondMax: number
  /** The job its messages are marked with. */
  readonly markedJob: string | undefined
}

export interface SenderOptions {
  readonly agent: AgentDefinition
  readonly world: World
  readonly onStatus: () => void
  /** Default: the agent's own messages, for its own group. */
  readonly replay?: ReplayInput
}

/** What a service can deliver, and how. */
export interface SenderKind {
  readonly service: SenderService
  /** Whether the agent's destination is one of this service's. */
  serves(agent: AgentDefinition): boolean
  /** @throws {RelayError} `RELAY_CONFIG_INVALID` for what this machine cannot do for the agent. */
  check(agent: AgentDefinition): void
  create(options: SenderOptions): Sender
  /** What delivery depends on: two agents alike in it are delivered alike. */
  deliveryOf(agent: AgentDefinition): unknown
  /** Settings that are allowed and dangerous, for the log. */
  warningsOf(agent: AgentDefinition): readonly string[]
}
