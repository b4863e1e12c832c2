/** One agent's desk in the portal: what it asks, takes and reports is joined here with its feeds. Whatever belongs to another lease than
 *  the one in force has no effect. */
import { randomInt } from 'node:crypto'
import {
  type AgentDefinition,
  agentLimits,
  describeError,
  type HelloAnswer,
  type LeaseAnswer,
  type LeaseRequest,
  type PollAnswer,
  type PollRequest,
  type ReportRequest,
} from '@siem-relay/common'
import type { AgentStatus } from '@siem-relay/delivery'
import type { World } from '@siem-relay/service-kit'
import { ApiError } from '../server/errors.ts'
import { type Asking, type Lease, LeaseHolding } from './lease.ts'
import { isEmpty, Outbox } from './outbox.ts'
import { type Desked, Places } from './places.ts'
import { leaseLost, tokenRefused } from './refusals.ts'
import { heard, isSilent, type SaidStatus, statusOf } from './status.ts'

/** A token is looked at so often while a poll waits: a revoked one ends within this. */
const lookMs = 1_000
/** Reports of one agent that wait for each other. */
const reportsMax = 4

interface Polling extends Asking {
  readonly signal: AbortSignal
}

type DeskWorld = Pick<World, 'clock' | 'log' | 'instanceId'>

export class Desk {
  readonly agent: string
  readonly #world: DeskWorld
  readonly #knownMs: number | undefined
  readonly #watchedMs: number
  readonly #places = new Places()
  readonly #holding: LeaseHolding
  readonly #outbox = new Outbox()
  #definition: AgentDefinition
  #said: SaidStatus | undefined
  #wasSilent = false
  /** Begins anywhere: what an agent took from an earlier run of this relay must not look like what it took from this one. */
  #lives = randomInt(2 ** 47)
  #turn = 0
  #reportNumber = -1
  #reports = 0
  #reporting: Promise<void> = Promise.resolve()
  #changed = Promise.withResolvers<void>()

  constructor(definition: AgentDefinition, world: DeskWorld, knownMs: number | undefined) {
    this.agent = definition.id
    this.#definition = definition
    this.#world = world
    this.#knownMs = knownMs
    this.#holding = new LeaseHolding(world.clock)
    this.#watchedMs = world.clock.nowMs()
  }

  define(definition: AgentDefinition): void {
    this.#definition = definition
    this.ring()
  }

  /** Something is new for whoever waits. */
  ring(): void {
    const { resolve } = this.#changed
    this.#changed = Promise.withResolvers<void>()
    resolve()
  }

  nextLife(): number {
    this.#lives += 1
    return this.#lives
  }

  attach(desked: Desked): void {
    // What was said of the receiver was said before its messages stopped.
    if (desked.replay === undefined) this.#said = undefined
    this.#places.add(desked)
    this.ring()
  }

  /** Lets the agent send and acknowledge what it has, as far as the time goes. */
  async detach(group: string, drainMs: number): Promise<void> {
    const place = this.#places.get(group)
    if (place === undefined) return
    place.isEnding = true
    const closed = new Promise<void>((resolve) => {
      place.onClosed = resolve
    })
    this.ring()
    const timeout = new AbortController()
    if (drainMs > 0 && this.#holding.isHeld && this.#holding.lease?.isTokenValid() && place.feed.isOpen)
      await Promise.race([closed, this.#world.clock.sleep(drainMs, timeout.signal).catch(() => undefined)])
    timeout.abort()
    this.#places.delete(group)
    await place.feed.close()
    place.metrics.ended()
  }

  status(): AgentStatus {
    return statusOf({ ...this.#sighting(), said: this.#said })
  }

  hello(): HelloAnswer {
    const { id, enabled, syslog } = this.#definition
    const lease = this.#holding.isHeld ? this.#holding.lease : undefined
    const hosts = typeof syslog?.host === 'string' ? syslog.host : (syslog?.host.join(', ') ?? '')
    return {
      agent: id,
      enabled,
      target: `${syslog?.protocol ?? ''}://${hosts}:${syslog?.port ?? ''}`,
      ...(lease && { holder: { host: lease.host, sinceMs: lease.sinceMs } }),
    }
  }

  /** @throws {ApiError} `lease_held` while another process of the same token works. */
  take(request: LeaseRequest, { token, isTokenValid }: Asking): LeaseAnswer {
    this.#holding.assertFreeFor(request.instance, token)
    this.#dropLease()
    const lease = this.#holding.begin(request, { token, isTokenValid })
    this.#said = undefined
    const { host, version, instance } = lease
    this.#world.log.info({ agent: this.agent, host, version, instance }, 'agent in another network connected')
    this.#noteStatus()
    return {
      lease: lease.id,
      leaseMs: agentLimits.leaseMs,
      waitMs: agentLimits.waitMsMax - 5_000,
      orders: this.#places.orders(this.#definition),
    }
  }

  /** @throws {ApiError} `lease_lost`, `unauthorized` when the token ends while it waits. */
  async poll(request: PollRequest, { token, isTokenValid, signal }: Polling): Promise<PollAnswer> {
    const { clock } = this.#world
    const lease = this.#holding.askedBy(request.lease, token)
    this.#holding.pollBegins(lease)
    this.#turn += 1
    const turn = this.#turn
    // An older poll of the same holder has lost its line.
    this.ring()
    const untilMs = clock.monotonicMs() + request.waitMs
    const over = new AbortController()
    try {
      if (!this.#outbox.arrived(request.after)) {
        this.#dropLease()
        throw leaseLost()
      }
      for (;;) {
        const changed = this.#changed.promise
        const nothing: PollAnswer = { number: request.after, batches: [], ended: [] }
        if (this.#turn !== turn || signal.aborted) return nothing
        if (!isTokenValid()) throw tokenRefused()
        if (this.#holding.lease !== lease) throw leaseLost()
        const answer = this.#answer(request.revision)
        const restMs = untilMs - clock.monotonicMs()
        if (answer !== undefined || restMs <= 0) return answer ?? nothing
        const look = clock.sleep(Math.min(restMs, lookMs), AbortSignal.any([over.signal, signal]))
        await Promise.race([changed, look.catch(() => undefined)])
      }
    } finally {
      over.abort()
      this.#holding.pollEnds(lease)
    }
  }

  /** @throws {ApiError} `lease_lost`, `too_many` */
  async report(request: ReportRequest, token: string): Promise<void> {
    const lease = this.#holding.askedBy(request.lease, token)
    if (this.#reports >= reportsMax)
      throw new ApiError('too_many', 'reports of this agent are waiting already', {
        nextMove: 'Send it again in a second.',
        retryAfterSeconds: 1,
      })
    this.#reports += 1
    const mine = this.#reporting.then(() => this.#take(request, lease))
    this.#reporting = mine.catch(() => undefined)
    try {
      await mine
    } finally {
      this.#reports -= 1
    }
  }

  async release(leaseId: string, token: string): Promise<void> {
    this.#holding.askedBy(leaseId, token)
    await this.endLease()
    this.#world.log.info({ agent: this.agent }, 'agent in another network signed off')
    this.#noteStatus()
  }

  /** The line of a waiting poll broke: perhaps whoever asked is gone. */
  lineBroke(leaseId: string): void {
    this.#holding.lineBroke(leaseId)
  }

  /** Looked at every few seconds. */
  look(): void {
    if (this.#holding.isForgotten) this.#dropLease()
    const silent = isSilent(this.#sighting())
    if (silent === this.#wasSilent) return
    this.#noteStatus()
    if (silent) this.#world.log.warn({ agent: this.agent }, 'agent in another network does not ask any more')
  }

  /** Everything unacknowledged is the log's again; resolves when what was acknowledged is committed. */
  async endLease(): Promise<void> {
    this.#holding.end()
    this.#outbox.clear()
    this.#reportNumber = -1
    this.ring()
    await Promise.all(this.#places.feeds.map((feed) => feed.close()))
  }

  #dropLease(): void {
    this.endLease().catch((error: unknown) =>
      this.#world.log.warn({ agent: this.agent, error: describeError(error) }, 'a feed did not end well'),
    )
  }

  async #take(request: ReportRequest, lease: Lease): Promise<void> {
    if (this.#holding.lease !== lease) throw leaseLost()
    const { feeds } = this.#places
    for (const { life, ranges } of request.acknowledged) for (const feed of feeds) feed.acknowledge(life, ranges)
    for (const letter of request.letters) for (const feed of feeds) await feed.deadLetter(letter)
    if (this.#holding.lease !== lease) throw leaseLost()
    if (request.status !== undefined) {
      this.#said = heard(request.status, this.#world.clock.nowMs())
      this.#noteStatus()
    }
    if (request.number <= this.#reportNumber) return
    this.#reportNumber = request.number
    for (const [life, batches] of request.taken) for (const feed of feeds) feed.roomFor(life, batches)
    const openings = new Map(request.feeds.map(({ group, opening }) => [group, opening]))
    for (const place of this.#places) {
      const opening = openings.get(place.feed.group)
      if (opening !== undefined && !place.isEnding) await place.feed.open(opening)
      else if (opening === undefined) {
        await place.feed.close()
        place.onClosed?.()
      }
      // Another process may have taken over while the log was waited for.
      if (this.#holding.lease !== lease) {
        await place.feed.close()
        throw leaseLost()
      }
    }
    this.ring()
  }

  #answer(knownRevision: string): PollAnswer | undefined {
    const orders = this.#places.orders(this.#definition)
    const answer = this.#outbox.next(() => this.#places.take())
    if (orders.revision !== knownRevision) return { ...answer, orders }
    return isEmpty(answer) ? undefined : answer
  }

  #sighting() {
    const { last } = this.#holding
    const { clock, instanceId } = this.#world
    return {
      agent: this.agent,
      instance: instanceId,
      nowMs: clock.nowMs(),
      watchedMs: this.#watchedMs,
      knownMs: this.#knownMs,
      remote: last && { instance: last.instance, host: last.host, version: last.version, askedMs: last.askedMs },
    }
  }

  #noteStatus(): void {
    this.#wasSilent = isSilent(this.#sighting())
    const isUp = this.status().state === 'connected'
    for (const { metrics, onStatus } of this.#places) {
      metrics.sinkUp(isUp)
      onStatus()
    }
  }
}
