/** Delivers one agent's rows: bus → check → queue of their stream → request, and back from Azure's answer to acknowledgement. Rows of
 *  several requests may be stored in another order; Log Analytics has none. */
import type { Acknowledger, BusRecord, PartitionDelivery, Worker } from '@siem-relay/bus'
import {
  type AgentDefinition,
  describeError,
  type EventKind,
  outHeaders,
  outTopic,
  RelayError,
  rawKindOf,
  type SentinelDestination,
  senderGroup,
  windowBytesMaxOf,
} from '@siem-relay/common'
import {
  type AgentStatus,
  ConnectionStatus,
  createPace,
  letterFor,
  type Pace,
  type Sender,
  type SenderInput,
  type SenderOptions,
} from '@siem-relay/delivery'
import { createDispatchers, type Dispatchers, type Environment } from '@siem-relay/http'
import type { World } from '@siem-relay/service-kit'
import { type UploadResult, upload } from './client.ts'
import type { DeliveryPorts } from './delivery.ts'
import { acknowledge, type Entry, type Feed } from './entry.ts'
import { replaySentinelMetrics, type SentinelMetrics, sentinelMetrics } from './metrics.ts'
import type { Packed } from './packing.ts'
import { markRow } from './replay-mark.ts'
import { kindOf, rowError } from './row-check.ts'
import { RuleGate } from './rule-gate.ts'
import { StreamLoop } from './stream-loop.ts'
import { createTokens, type Tokens } from './tokens.ts'
import { RowWindow } from './window.ts'

const batchRecordsMax = 1_000
const batchBytesMax = 2_097_152
/** Older than this at receipt, Azure puts the time of receipt into TimeGenerated. */
const clampedAfterMs = 48 * 3_600_000

export interface Surroundings {
  readonly env: Environment
  readonly userAgent: string
}

export class SentinelSender implements Sender {
  readonly #agent: AgentDefinition
  readonly #destination: SentinelDestination
  readonly #world: World
  readonly #around: Surroundings
  readonly #input: SenderInput
  readonly #markedJob: string | undefined
  readonly #pace: Pace
  readonly #metrics: SentinelMetrics
  readonly #status: ConnectionStatus
  readonly #gate: RuleGate
  readonly #tokens: Tokens
  readonly #dispatchers: Dispatchers
  readonly #window: RowWindow
  readonly #loops: Readonly<Record<EventKind, StreamLoop>>
  readonly #closing = new AbortController()
  #worker: Worker | undefined
  #sending: Promise<unknown> = Promise.resolve()
  /** Rows are taken from the log. */
  #isTaking = true

  /** @throws {RelayError} `RELAY_CONFIG_INVALID` for an unreadable caFile or a malformed proxy. */
  constructor(
    { agent, world, onStatus, replay }: SenderOptions,
    destination: SentinelDestination,
    around: Surroundings,
  ) {
    this.#agent = agent
    this.#destination = destination
    this.#world = world
    this.#around = around
    this.#input = replay?.input ?? { group: senderGroup(agent.id), topics: [outTopic(agent.id)] }
    this.#markedJob = replay?.markedJob
    this.#pace = createPace(replay?.messagesPerSecondMax, world.clock)
    this.#metrics = (replay === undefined ? sentinelMetrics : replaySentinelMetrics)(world.metrics, agent.id)
    this.#status = new ConnectionStatus(agent.id, world.instanceId, world.clock, onStatus)
    this.#window = new RowWindow(windowBytesMaxOf(destination), (rows) => this.#metrics.unconfirmed(rows))
    this.#gate = new RuleGate(world.clock, world.random)
    const { proxy, caFile, timeoutMs, concurrency } = destination
    this.#dispatchers = createDispatchers({ proxy, caFile, env: around.env, timeoutMs, connections: concurrency * 3 })
    this.#tokens = createTokens(destination, {
      clock: world.clock,
      env: around.env,
      onCertificate: (validUntilMs) => this.#metrics.certificate('own', validUntilMs),
    })
    const loopFor = (kind: EventKind): StreamLoop =>
      new StreamLoop({ kind, settings: destination, clock: world.clock, ports: this.#ports(kind) })
    this.#loops = { alert: loopFor('alert'), activity: loopFor('activity'), discovery: loopFor('discovery') }
  }

  get status(): AgentStatus {
    return this.#status.snapshot()
  }

  start(): Promise<never> {
    const { bus, log } = this.#world
    this.#worker = bus.deliver({
      ...this.#input,
      batchRecordsMax,
      batchBytesMax,
      open: (_, acknowledger) => this.#openFeed(acknowledger),
      onError: (error) => log.warn({ agent: this.#agent.id, error: describeError(error) }, 'reading messages failed'),
    })
    const loops = Object.values(this.#loops).map((loop) => loop.run())
    this.#sending = Promise.allSettled(loops)
    // A loop ends when it is told to; one that ends with an error must not look alive.
    const failed = loops.map((loop) => loop.then(() => new Promise<never>(() => undefined)))
    return Promise.race([this.#worker.failed, ...failed])
  }

  async stop(drainMs: number): Promise<void> {
    const { clock, log } = this.#world
    this.#isTaking = false
    for (const loop of Object.values(this.#loops)) loop.drain()
    if (this.#window.rows > 0 && drainMs > 0) {
      const timeout = new AbortController()
      await Promise.race([this.#window.emptied(), clock.sleep(drainMs, timeout.signal).catch(() => undefined)])
      timeout.abort()
    }
    const { rows } = this.#window
    if (rows > 0) log.warn({ agent: this.#agent.id, rows }, 'stopped before all rows were stored')
    const stopped = this.#worker?.stop()
    this.#closing.abort(new Error('the sender stops'))
    this.#window.wake()
    await stopped
    await this.#sending
    await this.#dispatchers[Symbol.asyncDispose]()
    this.#metrics.ended()
  }

  #openFeed(acknowledger: Acknowledger): PartitionDelivery {
    const feed: Feed = { acknowledger, revoked: false, line: [] }
    let place = 0
    return {
      deliver: async (batch) => {
        for (const record of batch) {
          if (!this.#hasRoom(feed, record) && !(await this.#roomFor(feed, record))) return
          this.#take(feed, record, place++)
        }
      },
      revoked: () => {
        feed.revoked = true
        for (const { queue } of Object.values(this.#loops)) this.#window.done(queue.drop(feed))
      },
    }
  }

  /** Whether a row may be taken at once, which then counts. */
  #hasRoom(feed: Feed, { value }: BusRecord): boolean {
    if (feed.revoked || this.#closing.signal.aborted) return false
    return this.#isTaking && this.#window.hasRoomFor(value.length) && this.#pace.take(1) === 1
  }

  /** Waits until the window and the pace have room; false when nothing is taken any more. */
  async #roomFor(feed: Feed, record: BusRecord): Promise<boolean> {
    const { clock } = this.#world
    const { signal } = this.#closing
    for (;;) {
      if (feed.revoked || signal.aborted) return false
      if (!this.#isTaking || !this.#window.hasRoomFor(record.value.length)) {
        // The oldest row may be one that waits for others to fill its request. Until the worker stops, what is not taken must not look taken.
        for (const loop of Object.values(this.#loops)) loop.hurry()
        await this.#window.change()
        continue
      }
      if (this.#hasRoom(feed, record)) return true
      const waitMs = Math.max(1, this.#pace.nextAtMs() - clock.monotonicMs())
      await clock.sleep(waitMs, signal).catch(() => undefined)
    }
  }

  #take(feed: Feed, record: BusRecord, place: number): void {
    const kind = kindOf(record)
    const row = this.#markedJob === undefined ? record.value : markRow(record.value, kind, this.#markedJob)
    if (kind === undefined) {
      this.#deadLetter(feed, record, new RelayError('RELAY_RECORD_INVALID', 'the message has no kind'))
      return
    }
    const error = rowError(kind, record, row, this.#destination.requestBytesMax)
    if (error !== undefined) {
      this.#deadLetter(feed, record, error)
      return
    }
    const entry: Entry = { feed, record, kind, row, place, wasSent: false, isDone: false }
    this.#window.add(entry)
    this.#loops[kind].queue.push(entry)
  }

  #deadLetter(feed: Feed, record: BusRecord, error: RelayError): void {
    const { topic, partition, offset } = record
    this.#metrics.deadLettered(error.code)
    this.#world.log.warn(
      { agent: this.#agent.id, topic, partition, offset, code: error.code, reason: error.message },
      'row sent to dead letters',
    )
    if (!feed.revoked)
      feed.acknowledger.deadLetter(record, letterFor('sentinel-sender', this.#agent.id, record, error, 1))
  }

  #ports(kind: EventKind): DeliveryPorts {
    const { clock, random } = this.#world
    return {
      clock,
      random,
      gate: this.#gate,
      signal: this.#closing.signal,
      send: (packed) => this.#send(kind, packed),
      tokenRefused: (token) => this.#tokens.refused(token),
      stored: (packed) => this.#stored(packed),
      deadLetter: (entry, error) => {
        this.#deadLetter(entry.feed, entry.record, error)
        this.#window.done([entry])
      },
      trouble: (error, retryInMs) => this.#trouble(error, retryInMs),
    }
  }

  async #send(kind: EventKind, packed: Packed): Promise<UploadResult & { readonly token: string }> {
    const { endpoint, ruleId, streams, timeoutMs } = this.#destination
    const { signal } = this.#closing
    const token = await this.#tokens.get(signal)
    const again = packed.entries.filter((entry) => entry.wasSent).length
    for (const entry of packed.entries) entry.wasSent = true
    this.#metrics.sent(packed.entries.length)
    this.#metrics.resent(again)
    this.#metrics.sentBytes(packed.body.length)
    const result = await upload({
      dispatcher: this.#dispatchers.to(new URL(endpoint)),
      clock: this.#world.clock,
      endpoint,
      ruleId,
      stream: streams[rawKindOf[kind]],
      token,
      body: packed.body,
      timeoutMs,
      userAgent: this.#around.userAgent,
      signal,
    })
    this.#metrics.request(kind, result.status, packed.rawBytes)
    return { ...result, token }
  }

  #stored({ entries }: Packed): void {
    const { log, clock } = this.#world
    const { endpoint, ruleId } = this.#destination
    const target = `${new URL(endpoint).host}/${ruleId}`
    if (this.#status.state !== 'connected') log.info({ agent: this.#agent.id, target }, 'rows are being stored')
    this.#status.connected(target)
    this.#metrics.sinkUp(true)
    acknowledge(entries)
    const nowMs = clock.nowMs()
    for (const { record, kind } of entries) {
      const eventTimeMs = Number(record.headers[outHeaders.eventTimeMs])
      const receivedMs = Number(record.headers[outHeaders.receivedMs] ?? Number.NaN)
      if (nowMs - eventTimeMs > clampedAfterMs) this.#metrics.clamped()
      this.#metrics.delay({ kind, eventTimeMs, receivedMs }, nowMs)
    }
    this.#metrics.delivered(entries.length)
    this.#window.done(entries)
  }

  /** Waiting for a limit is no trouble of the connection; what a person has to act on is. */
  #trouble(error: RelayError, retryInMs: number): void {
    const { code, nextMove } = error
    if (code === 'RELAY_SENTINEL_THROTTLED') {
      this.#world.log.info({ agent: this.#agent.id, code, retryInMs }, error.message)
      return
    }
    this.#world.log.warn(
      { agent: this.#agent.id, code, error: describeError(error), nextMove, retryInMs },
      'delivery interrupted',
    )
    this.#metrics.sinkUp(false)
    this.#status.failed(error)
  }
}
