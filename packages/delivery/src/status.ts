/** Where each agent stands, for the portal and for `status()`: its connection's state, since when, and the last error with
 *  the operator's next move. Published on change and as a heartbeat. */
import type { NewRecord, Writer } from '@siem-relay/bus'
import { agentStatusTopic, type Clock, describeError, type ErrorCode, type RelayError } from '@siem-relay/common'
import type { World } from '@siem-relay/service-kit'
import { Bell } from './bell.ts'
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

const heartbeatMs = 30_000
/** A connection that comes and goes is told at this pace. */
const gapMs = 1_000

/** Writes all agents' status to the agent-status topic: on change, and every 30 s. Trouble with the log never stops sending. */
export class StatusPublisher {
  readonly #service: SenderService
  readonly #world: World
  readonly #snapshots: () => readonly AgentStatus[]
  readonly #bell: Bell
  readonly #closing = new AbortController()
  /** Agents not delivered for any more, whose status is to be taken back. */
  readonly #left = new Set<string>()
  #running: Promise<void> = Promise.resolve()

  constructor(service: SenderService, world: World, snapshots: () => readonly AgentStatus[]) {
    this.#service = service
    this.#world = world
    this.#snapshots = snapshots
    this.#bell = new Bell(world.clock)
  }

  start(): void {
    this.#running = this.#run()
  }

  changed(): void {
    this.#bell.ring()
  }

  /** The agent has no sender here any more. */
  left(agent: string): void {
    this.#left.add(agent)
    this.#bell.ring()
  }

  /** Publishes once more and lets go of the log. */
  async stop(): Promise<void> {
    this.#closing.abort()
    this.#bell.ring()
    await this.#running
  }

  async #run(): Promise<void> {
    const { clock, log } = this.#world
    let writer: Writer | undefined
    for (;;) {
      const isLast = this.#closing.signal.aborted
      try {
        writer ??= await this.#world.bus.writer(`${this.#service}/${this.#world.instanceId}`)
        await this.#publish(writer)
      } catch (error) {
        log.warn({ error: describeError(error) }, 'agent status not published')
        // The owner id is this instance's alone: also a commit of unknown outcome is followed by a new claim.
        await dispose(writer)
        writer = undefined
      }
      if (isLast) break
      await clock.sleep(gapMs, this.#closing.signal).catch(() => {})
      if (!this.#closing.signal.aborted) await this.#bell.wait(clock.monotonicMs() + heartbeatMs - gapMs)
    }
    this.#bell.close()
    await dispose(writer)
  }

  async #publish(writer: Writer): Promise<void> {
    const snapshots = this.#snapshots()
    const left = [...this.#left]
    const records = [
      ...left
        .filter((agent) => !snapshots.some((status) => status.agent === agent))
        .map((agent) => statusRecord(agent, this.#world.instanceId, null)),
      ...snapshots.map((status) => statusRecord(status.agent, status.instance, Buffer.from(JSON.stringify(status)))),
    ]
    if (records.length > 0) await writer.commit({ records })
    for (const agent of left) this.#left.delete(agent)
  }
}

function statusRecord(agent: string, instance: string, value: Buffer | null): NewRecord {
  return { topic: agentStatusTopic.name, key: `${agent}/${instance}`, value, headers: {} }
}

async function dispose(writer: Writer | undefined): Promise<void> {
  try {
    await writer?.[Symbol.asyncDispose]()
  } catch {
    // A writer that failed has nothing left to lose.
  }
}
