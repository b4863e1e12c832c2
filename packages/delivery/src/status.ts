/** Where each agent stands, for the portal and for `status()`: its connection's state, since when, and the last error with
 *  the operator's next move. Published on change and as a heartbeat. */
import { agentStatusTopic, type Clock, describeError, type ErrorCode, type RelayError } from '@siem-relay/common'
import { StatusPublisher, type World } from '@siem-relay/service-kit'
import type { SenderService } from './sender.ts'

/** `created`: not connected yet and nothing known to be wrong. */
export type ConnectionState = 'created' | 'connected' | 'error'

/** Value of the agent-status topic, as JSON. Times in milliseconds since the epoch. */
export interface AgentStatus {
  readonly agent: string
  readonly instance: string
  readonly state: ConnectionState
  readonly sinceMs: number
  readonly lastConnectedMs: number | undefined
  readonly lastError: StatusError | undefined
  /** `host:port` of the receiver in use or last used. */
  readonly target: string | undefined
  /** When this was published: older than a few heartbeats means that the instance is gone. */
  readonly heartbeatMs: number
  /** Where it is delivered from, when that is in another network, and by which process. */
  readonly host?: string | undefined
  readonly remote?: RemoteInstance | undefined
}

/** A `siem-relay agent` as it introduced itself. */
export interface RemoteInstance {
  readonly instance: string
  readonly host: string
  readonly version: string
  /** When it last asked. */
  readonly askedMs: number
}

export interface StatusError {
  readonly code: ErrorCode
  readonly message: string
  readonly nextMove: string
  readonly atMs: number
}

/** The state of one agent's connection. */
export class ConnectionStatus {
  readonly #agent: string
  readonly #instance: string
  readonly #clock: Clock
  readonly #onChange: () => void
  #state: ConnectionState = 'created'
  #sinceMs: number
  #lastConnectedMs: number | undefined
  #lastError: StatusError | undefined
  #target: string | undefined

  constructor(agent: string, instance: string, clock: Clock, onChange: () => void) {
    this.#agent = agent
    this.#instance = instance
    this.#clock = clock
    this.#onChange = onChange
    this.#sinceMs = clock.nowMs()
  }

  get state(): ConnectionState {
    return this.#state
  }

  connected(target: string): void {
    this.#lastConnectedMs = this.#clock.nowMs()
    const isNews = this.#state !== 'connected' || this.#target !== target
    this.#target = target
    this.#enter('connected', isNews)
  }

  failed(error: RelayError): void {
    const isNews = this.#state !== 'error' || this.#lastError?.code !== error.code
    this.#lastError = {
      code: error.code,
      message: describeError(error),
      nextMove: error.nextMove,
      atMs: this.#clock.nowMs(),
    }
    this.#enter('error', isNews)
  }

  snapshot(): AgentStatus {
    return {
      agent: this.#agent,
      instance: this.#instance,
      state: this.#state,
      sinceMs: this.#sinceMs,
      lastConnectedMs: this.#lastConnectedMs,
      lastError: this.#lastError,
      target: this.#target,
      heartbeatMs: this.#clock.nowMs(),
    }
  }

  #enter(state: ConnectionState, isNews: boolean): void {
    if (state !== this.#state) this.#sinceMs = this.#clock.nowMs()
    this.#state = state
    if (isNews) this.#onChange()
  }
}

/** Tells agents' status to the agent-status topic, under agent and instance. */
export function agentStatusPublisher(
  service: SenderService,
  world: World,
  present: () => readonly AgentStatus[],
): StatusPublisher<AgentStatus> {
  return new StatusPublisher({
    world,
    topic: agentStatusTopic,
    ownerId: `${service}/${world.instanceId}`,
    present: () => present().map((status) => [statusKey(status.agent, world), status]),
    newsOf: ({ state, sinceMs, target, lastError }) => JSON.stringify([state, sinceMs, target, lastError?.code]),
    encode: (status) => Buffer.from(JSON.stringify(status)),
  })
}

export function statusKey(agent: string, { instanceId }: Pick<World, 'instanceId'>): string {
  return `${agent}/${instanceId}`
}
