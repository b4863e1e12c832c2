/** Delivers one agent's messages: bus → encoder → window → transport, and back from confirmation to acknowledgement. All
 *  partitions feed one connection; the order within each is kept. */
import type { Acknowledger, BusRecord, PartitionDelivery, Worker } from '@siem-relay/bus'
import {
  type AgentDefinition,
  createAgentHeader,
  describeError,
  framingOf,
  headerBytesMax,
  markReplayed,
  messageBytesMaxOf,
  outHeaders,
  outTopic,
  type RelayError,
  type ReplayMark,
  type SyslogDestination,
  senderGroup,
  windowMessagesMaxOf,
} from '@siem-relay/common'
import { type AgentStatus, ConnectionStatus, letterFor, type Sender, type SenderInput } from '@siem-relay/delivery'
import type { World } from '@siem-relay/service-kit'
import { type EncoderSettings, encodeSegment } from './encoder.ts'
import { type SenderMetrics, senderMetrics } from './metrics.ts'
import { acknowledgeMessages, type Feed, type Segment } from './segment.ts'
import type { Transport, TransportContext, TransportReport } from './transport.ts'
import { Window } from './window.ts'

const batchRecordsMax = 500
const batchBytesMax = 1_048_576
/** What one write hands to the wire. */
const segmentBytesMax = 65_536
/** Lines on a console have no receiver that could refuse them. */
const consoleMessageBytesMax = 1_048_576

export interface AgentSenderOptions {
  readonly agent: AgentDefinition
  readonly world: World
  readonly createTransport: (context: TransportContext) => Transport
  readonly onStatus: () => void
  /** Default: the agent's own messages, for its own group. */
  readonly input?: SenderInput
  /** Default: the metrics of live delivery. */
  readonly metrics?: SenderMetrics
  /** Default: the pace of the agent's receiver. Sizes what goes out at once; the transport keeps to it. */
  readonly messagesPerSecondMax?: number
  /** What is put behind the value of each message, where it fits. */
  readonly mark?: ReplayMark
}

export class AgentSender implements Sender {
  readonly #agent: AgentDefinition
  readonly #world: World
  readonly #input: SenderInput
  readonly #mark: ReplayMark | undefined
  readonly #metrics: SenderMetrics
  readonly #status: ConnectionStatus
  readonly #window: Window
  readonly #transport: Transport
  readonly #encoder: EncoderSettings
  readonly #segmentMessagesMax: number
  #worker: Worker | undefined
  #sending: Promise<void> = Promise.resolve()
  /** New messages are let into the window. */
  #isTaking = true
  /** Feeds are to return at once: the worker is stopping. */
  #isClosing = false
  #onEmpty: (() => void) | undefined

  constructor(options: AgentSenderOptions) {
    const { agent, world, createTransport, onStatus, input, metrics, mark } = options
    const { syslog } = agent
    this.#input = input ?? { group: senderGroup(agent.id), topics: [outTopic(agent.id)] }
    this.#mark = mark
    this.#agent = agent
    this.#world = world
    this.#metrics = metrics ?? senderMetrics(world.metrics, agent.id, syslog?.protocol ?? 'console')
    this.#status = new ConnectionStatus(agent.id, world.instanceId, world.clock, onStatus)
    const roundMessages = roundMessagesOf(syslog)
    this.#window = new Window(
      { bytesMax: syslog?.windowBytesMax ?? 16_777_216, messagesMax: 2 * roundMessages },
      { pushed: () => this.#pushed(), confirmed: (segment, from, to) => this.#confirmed(segment, from, to) },
    )
    const perSecond = options.messagesPerSecondMax ?? syslog?.messagesPerSecondMax ?? Number.POSITIVE_INFINITY
    this.#segmentMessagesMax = Math.max(1, Math.floor(Math.min(roundMessages, perSecond / 10)))
    this.#encoder = encoderOf(agent, world)
    this.#transport = createTransport({
      window: this.#window,
      clock: world.clock,
      random: world.random,
      report: this.#report(),
    })
  }

  get status(): AgentStatus {
    return this.#status.snapshot()
  }

  /** Begins to take and send; returns what rejects when the bus cannot go on. */
  start(): Promise<never> {
    const { bus, log } = this.#world
    this.#sending = this.#transport.run()
    this.#worker = bus.deliver({
      ...this.#input,
      batchRecordsMax,
      batchBytesMax,
      open: (_, acknowledger) => this.#openFeed(acknowledger),
      onError: (error) => log.warn({ agent: this.#agent.id, error: describeError(error) }, 'reading messages failed'),
    })
    // The transport tries everything again; if it ends nevertheless, the service must not look alive.
    const ended = this.#sending.then(() => new Promise<never>(() => {}))
    return Promise.race([this.#worker.failed, ended])
  }

  /**
   * Stops taking, sends and confirms what is in the window, acknowledges, closes. What is not confirmed in time stays
   * unacknowledged and comes again after a restart.
   */
  async stop(drainMs: number): Promise<void> {
    const { clock, log } = this.#world
    this.#isTaking = false
    this.#transport.drain()
    if (!this.#window.isEmpty && drainMs > 0) {
      const timeout = new AbortController()
      const emptied = new Promise<void>((resolve) => {
        this.#onEmpty = resolve
      })
      await Promise.race([emptied, clock.sleep(drainMs, timeout.signal).catch(() => {})])
      timeout.abort()
    }
    if (!this.#window.isEmpty)
      log.warn({ agent: this.#agent.id, unconfirmed: this.#window.messages }, 'stopped before all was confirmed')
    const stopped = this.#worker?.stop()
    this.#isClosing = true
    this.#window.wakeFeeds()
    await stopped
    this.#transport.close()
    await this.#sending.catch(() => {})
    this.#metrics.ended()
  }

  #openFeed(acknowledger: Acknowledger): PartitionDelivery {
    const feed: Feed = { acknowledger, revoked: false }
    return {
      deliver: (batch) => this.#take(feed, this.#marked(batch)),
      revoked: () => {
        this.#window.forget(feed)
        this.#noteWindow()
      },
    }
  }

  #marked(batch: readonly BusRecord[]): readonly BusRecord[] {
    const mark = this.#mark
    if (mark === undefined) return batch
    const bytesMax = this.#encoder.messageBytesMax - this.#encoder.headerBytesMax
    return batch.map((record) => ({ ...record, value: markReplayed(record.value, mark, bytesMax) }))
  }

  /** Puts a batch into the window as room comes up. Until it returns, the bus gives this partition nothing more. */
  async #take(feed: Feed, batch: readonly BusRecord[]): Promise<void> {
    let next = 0
    while (next < batch.length) {
      const room = this.#isTaking ? this.#window.roomFor(segmentBytesMax) : 0
      if (feed.revoked || this.#isClosing) return
      if (room <= 0) {
        await this.#window.change()
        continue
      }
      const messagesMax = Math.min(room, this.#segmentMessagesMax)
      const encoded = encodeSegment(this.#encoder, feed, batch, next, { bytesMax: segmentBytesMax, messagesMax })
      if (encoded.segment !== undefined) this.#window.push(encoded.segment)
      if (encoded.refused !== undefined) this.#deadLetter(feed, encoded.refused.record, encoded.refused.error)
      next = encoded.next
    }
  }

  #deadLetter(feed: Feed, record: BusRecord, error: RelayError, attempts = 1): void {
    const { topic, partition, offset } = record
    this.#metrics.deadLettered(error.code)
    this.#world.log.warn(
      { agent: this.#agent.id, topic, partition, offset, code: error.code, reason: error.message },
      'message sent to dead letters',
    )
    if (!feed.revoked)
      feed.acknowledger.deadLetter(record, letterFor('syslog-sender', this.#agent.id, record, error, attempts))
  }

  #pushed(): void {
    this.#metrics.unconfirmed(this.#window.messages)
    this.#transport.pushed()
  }

  #confirmed(segment: Segment, from: number, to: number): void {
    acknowledgeMessages(segment, from, to)
    const { records, refused, eventTimesMs } = segment
    const nowMs = this.#world.clock.nowMs()
    let delivered = to - from
    for (let index = from; index < to; index++) {
      if (refused?.has(index)) delivered--
      const headers = records[index]?.headers
      const eventTimeMs = eventTimesMs[index] ?? Number.NaN
      const receivedMs = Number(headers?.[outHeaders.receivedMs] ?? Number.NaN)
      this.#metrics.delay({ kind: headers?.[outHeaders.kind], eventTimeMs, receivedMs }, nowMs)
    }
    this.#metrics.delivered(delivered)
    this.#noteWindow()
  }

  #noteWindow(): void {
    this.#metrics.unconfirmed(this.#window.messages)
    if (this.#window.isEmpty) this.#onEmpty?.()
  }

  #report(): TransportReport {
    const { log } = this.#world
    const agent = this.#agent.id
    return {
      connected: (target) => {
        if (this.#status.state !== 'connected') log.info({ agent, target }, 'receiver connected')
        this.#metrics.connection('opened')
        this.#metrics.sinkUp(true)
        this.#status.connected(target)
      },
      recovered: (target) => {
        log.info({ agent, target }, 'receiver recovered')
        this.#metrics.sinkUp(true)
        this.#status.connected(target)
      },
      failed: (error, retryInMs) => {
        const { code, nextMove } = error
        log.warn({ agent, code, error: describeError(error), nextMove, retryInMs }, 'delivery interrupted')
        this.#metrics.sinkUp(false)
        this.#status.failed(error)
      },
      connectFailed: () => this.#metrics.connection('failed'),
      sent: (messages, bytes, again) => {
        this.#metrics.sent(messages)
        this.#metrics.sentBytes(bytes)
        this.#metrics.resent(again)
      },
      checkpoint: (seconds) => this.#metrics.checkpoint(seconds),
      certificate: (holder, validUntilMs) => this.#metrics.certificate(holder, validUntilMs),
      refused: () => this.#metrics.udpRefused(),
      declined: () => this.#metrics.declined(),
      deadLetter: ({ feed, records }, index, error, attempts) => {
        const record = records[index]
        if (record !== undefined) this.#deadLetter(feed, record, error, attempts)
      },
    }
  }
}

/** What may be on its way at a time. As much again is kept ready behind it, so that the wire does not wait for the log. */
function roundMessagesOf(syslog: SyslogDestination | undefined): number {
  if (syslog?.protocol === 'relp') return Math.max(batchRecordsMax, windowMessagesMaxOf(syslog))
  return syslog?.checkpointMessages ?? 5_000
}

/** How an agent's messages are written and framed. */
export function encoderOf(
  agent: AgentDefinition,
  { hostName, clock }: Pick<World, 'hostName' | 'clock'>,
): EncoderSettings {
  const { syslog, header, device } = agent
  return {
    framing: syslog === undefined ? 'lf' : framed(syslog),
    header: createAgentHeader(agent, hostName, () => clock.nowMs()),
    headerBytesMax: headerBytesMax(header, hostName, device.vendor),
    messageBytesMax: syslog === undefined ? consoleMessageBytesMax : messageBytesMaxOf(syslog),
  }
}

function framed(syslog: SyslogDestination): EncoderSettings['framing'] {
  return syslog.protocol === 'udp' || syslog.protocol === 'relp' ? 'none' : framingOf(syslog)
}
