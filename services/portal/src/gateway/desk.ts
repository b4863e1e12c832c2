/** One agent's place in the portal: who holds its token's lease, what it is to do, what is on its way to it, what came back. One process
 *  works for an agent at a time; whatever belongs to another lease has no effect. */
import { createHash, randomBytes, randomInt } from 'node:crypto'
import {
  type AgentDefinition,
  type AgentOrders,
  agentLimits,
  describeError,
  type HelloAnswer,
  type LeaseAnswer,
  type LeaseRequest,
  type PollAnswer,
  type PollRequest,
  printable,
  type ReportRequest,
  type WireBatch,
} from '@siem-relay/common'
import type { AgentStatus, DeliveryMetrics } from '@siem-relay/delivery'
import type { World } from '@siem-relay/service-kit'
import { ApiError } from '../server/errors.ts'
import type { Feed } from './feed.ts'
import { leaseHeld, leaseLost, tokenRefused } from './refusals.ts'
import { heard, isSilent, type SaidStatus, statusOf } from './status.ts'

/** A holder has a poll open nearly always: one whose line broke gets so long to come back before another may take over, */
const brokenLineMs = 5_000
/** and one that does not ask again after an answer so long. */
const pauseMs = 10_000
/** A holder that is gone keeps its place so long while nobody else wants it: after an outage it goes on without repeats. */
const forgottenMs = 120_000
/** A token is looked at so often while a poll waits: a revoked one ends within this. */
const lookMs = 1_000
/** Reports of one agent that wait for each other. */
const reportsMax = 4

/** What of the feed of an agent the desk needs to know. */
export interface Desked {
  readonly feed: Feed
  readonly metrics: DeliveryMetrics
  /** Undefined: the live messages. */
  readonly replay: AgentOrders['replays'][number] | undefined
  readonly onStatus: () => void
}

interface Place extends Desked {
  isEnding: boolean
  /** While it ends: the agent has given back what it had. */
  onClosed: (() => void) | undefined
}

interface Lease {
  readonly id: string
  readonly token: string
  readonly instance: string
  readonly host: string
  readonly version: string
  readonly sinceMs: number
  readonly isTokenValid: () => boolean
  askedMs: number
  /** On the monotonic clock: when another may take over. */
  freeAtMs: number
}

/** Who asks. */
export interface Asking {
  /** What tells this token from the others of the agent. */
  readonly token: string
  readonly isTokenValid: () => boolean
}

interface Polling extends Asking {
  readonly signal: AbortSignal
}

type DeskWorld = Pick<World, 'clock' | 'log' | 'instanceId'>

export class Desk {
  readonly agent: string
  readonly #world: DeskWorld
  readonly #knownMs: number | undefined
  readonly #watchedMs: number
  readonly #places = new Map<string, Place>()
  #definition: AgentDefinition
  #lease: Lease | undefined
  #last: Lease | undefined
  #said: SaidStatus | undefined
  #wasSilent = false
  /** Begins anywhere: what an agent took from an earlier run of this relay must not look like what it took from this one. */
  #lives = randomInt(2 ** 47)
  /** Number of the last answer that held records, and the answer until it is known to have arrived. */
  #number = 0
  #sent: { readonly batches: readonly WireBatch[]; readonly ended: readonly number[] } | undefined
  #turn = 0
  #pollsOpen = 0
  #reportNumber = -1
  #reports = 0
  #reporting: Promise<void> = Promise.resolve()
  #changed = Promise.withResolvers<void>()

  constructor(definition: AgentDefinition, world: DeskWorld, knownMs: number | undefined) {
    this.agent = definition.id
    this.#definition = definition
    this.#world = world
    this.#knownMs = knownMs
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
    this.#places.set(desked.feed.group, { ...desked, isEnding: false, onClosed: undefined })
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
    if (drainMs > 0 && this.#isHeld() && this.#lease?.isTokenValid() && place.feed.isOpen)
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
    const lease = this.#isHeld() ? this.#lease : undefined
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
    const { clock, log } = this.#world
    const held = this.#lease
    const restMs = held === undefined ? 0 : held.freeAtMs - clock.monotonicMs()
    if (held !== undefined && held.instance !== request.instance && held.token === token && restMs > 0)
      throw leaseHeld(held.host, Math.min(5, Math.ceil(restMs / 1_000)))
    this.#dropLease()
    const nowMs = clock.nowMs()
    const lease: Lease = {
      id: randomBytes(16).toString('base64url'),
      token,
      instance: request.instance,
      host: printable(request.host),
      version: printable(request.version),
      sinceMs: nowMs,
      isTokenValid,
      askedMs: nowMs,
      freeAtMs: 0,
    }
    this.#lease = lease
    this.#last = lease
    this.#said = undefined
    this.#renew(lease)
    const { host, version, instance } = lease
    log.info({ agent: this.agent, host, version, instance }, 'agent in another network connected')
    this.#noteStatus()
    return {
      lease: lease.id,
      leaseMs: agentLimits.leaseMs,
      waitMs: agentLimits.waitMsMax - 5_000,
      orders: this.#orders(),
    }
  }

  /** @throws {ApiError} `lease_lost`, `unauthorized` when the token ends while it waits. */
  async poll(request: PollRequest, { token, isTokenValid, signal }: Polling): Promise<PollAnswer> {
    const { clock } = this.#world
    const lease = this.#holder(request.lease, token)
    this.#pollsOpen += 1
    this.#renew(lease)
    this.#turn += 1
    const turn = this.#turn
    // An older poll of the same holder has lost its line.
    this.ring()
    const untilMs = clock.monotonicMs() + request.waitMs
    const over = new AbortController()
    try {
      this.#arrived(request.after)
      for (;;) {
        const changed = this.#changed.promise
        const nothing: PollAnswer = { number: request.after, batches: [], ended: [] }
        if (this.#turn !== turn || signal.aborted) return nothing
        if (!isTokenValid()) throw tokenRefused()
        if (this.#lease !== lease) throw leaseLost()
        const answer = this.#answer(request.revision)
        const restMs = untilMs - clock.monotonicMs()
        if (answer !== undefined || restMs <= 0) return answer ?? nothing
        const look = clock.sleep(Math.min(restMs, lookMs), AbortSignal.any([over.signal, signal]))
        await Promise.race([changed, look.catch(() => undefined)])
      }
    } finally {
      over.abort()
      this.#pollsOpen -= 1
      if (this.#pollsOpen === 0) this.#freeWithin(lease, pauseMs)
    }
  }

  /** @throws {ApiError} `lease_lost`, `too_many` */
  async report(request: ReportRequest, token: string): Promise<void> {
    const lease = this.#holder(request.lease, token)
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
    this.#holder(leaseId, token)
    await this.endLease()
    this.#world.log.info({ agent: this.agent }, 'agent in another network signed off')
    this.#noteStatus()
  }

  /** The line of a waiting poll broke: perhaps whoever asked is gone. */
  lineBroke(leaseId: string): void {
    const lease = this.#lease
    if (lease?.id === leaseId && this.#pollsOpen === 1) this.#freeWithin(lease, brokenLineMs)
  }

  /** Looked at every few seconds. */
  look(): void {
    const lease = this.#lease
    if (lease !== undefined && this.#world.clock.monotonicMs() > lease.freeAtMs + forgottenMs) this.#dropLease()
    const silent = isSilent(this.#sighting())
    if (silent === this.#wasSilent) return
    this.#noteStatus()
    if (silent) this.#world.log.warn({ agent: this.agent }, 'agent in another network does not ask any more')
  }

  /** Everything unacknowledged is the log's again; resolves when what was acknowledged is committed. */
  async endLease(): Promise<void> {
    this.#lease = undefined
    this.#sent = undefined
    this.#number = 0
    this.#reportNumber = -1
    this.ring()
    await Promise.all([...this.#places.values()].map(({ feed }) => feed.close()))
  }

  #dropLease(): void {
    this.endLease().catch((error: unknown) =>
      this.#world.log.warn({ agent: this.agent, error: describeError(error) }, 'a feed did not end well'),
    )
  }

  async #take(request: ReportRequest, lease: Lease): Promise<void> {
    if (this.#lease !== lease) throw leaseLost()
    const feeds = [...this.#places.values()].map(({ feed }) => feed)
    for (const { life, ranges } of request.acknowledged) for (const feed of feeds) feed.acknowledge(life, ranges)
    for (const letter of request.letters) for (const feed of feeds) await feed.deadLetter(letter)
    if (this.#lease !== lease) throw leaseLost()
    if (request.status !== undefined) {
      this.#said = heard(request.status, this.#world.clock.nowMs())
      this.#noteStatus()
    }
    if (request.number <= this.#reportNumber) return
    this.#reportNumber = request.number
    for (const [life, batches] of request.taken) for (const feed of feeds) feed.roomFor(life, batches)
    const openings = new Map(request.feeds.map(({ group, opening }) => [group, opening]))
    for (const [group, place] of this.#places) {
      const opening = openings.get(group)
      if (opening !== undefined && !place.isEnding) await place.feed.open(opening)
      else if (opening === undefined) {
        await place.feed.close()
        place.onClosed?.()
      }
      // Another process may have taken over while the log was waited for.
      if (this.#lease !== lease) {
        await place.feed.close()
        throw leaseLost()
      }
    }
    this.ring()
  }

  #answer(knownRevision: string): PollAnswer | undefined {
    const orders = this.#orders()
    const news = orders.revision === knownRevision ? {} : { orders }
    if (this.#sent !== undefined) return { number: this.#number, ...news, ...mutable(this.#sent) }
    const batches: WireBatch[] = []
    const ended: number[] = []
    let bytes = 0
    for (const [group, place] of [...this.#places]) {
      ended.push(...place.feed.takeEnded())
      if (bytes >= agentLimits.pollBytesMax) continue
      const taken = place.feed.take(agentLimits.pollBytesMax - bytes)
      if (taken.batches.length === 0) continue
      batches.push(...taken.batches)
      bytes += taken.bytes
      // Whoever was served goes to the end of the line.
      this.#places.delete(group)
      this.#places.set(group, place)
    }
    if (batches.length > 0 || ended.length > 0) {
      this.#number += 1
      this.#sent = { batches, ended }
      return { number: this.#number, ...news, batches, ended }
    }
    return news.orders === undefined ? undefined : { number: this.#number, ...news, batches, ended }
  }

  #arrived(after: number): void {
    if (after === this.#number) this.#sent = undefined
    else if (after !== this.#number - 1 || this.#sent === undefined) {
      this.#dropLease()
      throw leaseLost()
    }
  }

  #holder(id: string, token: string): Lease {
    const lease = this.#lease
    if (lease?.id !== id || lease.token !== token) throw leaseLost()
    this.#renew(lease)
    return lease
  }

  #renew(lease: Lease): void {
    const { clock } = this.#world
    lease.askedMs = clock.nowMs()
    lease.freeAtMs = clock.monotonicMs() + (this.#pollsOpen > 0 ? agentLimits.leaseMs : pauseMs)
  }

  #freeWithin(lease: Lease, ms: number): void {
    lease.freeAtMs = Math.min(lease.freeAtMs, this.#world.clock.monotonicMs() + ms)
  }

  #isHeld(): boolean {
    return this.#lease !== undefined && this.#world.clock.monotonicMs() < this.#lease.freeAtMs
  }

  #orders(): AgentOrders {
    const places = [...this.#places.values()].filter(({ isEnding }) => !isEnding)
    const { id, name, syslog, header, device } = this.#definition
    const live = places.some(({ replay }) => replay === undefined)
    const agent = places.length > 0 ? { id, ...(name === undefined ? {} : { name }), syslog, header, device } : null
    const replays = places
      .flatMap(({ replay }) => replay ?? [])
      .sort((left, right) => (left.id < right.id ? -1 : 1))
      .slice(0, agentLimits.feedsMax - 1)
    const text = JSON.stringify([agent, live, replays])
    return { revision: createHash('sha256').update(text).digest('base64url').slice(0, 22), agent, live, replays }
  }

  #sighting() {
    const last = this.#last
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
    for (const { metrics, onStatus } of this.#places.values()) {
      metrics.sinkUp(isUp)
      onStatus()
    }
  }
}

function mutable({ batches, ended }: { readonly batches: readonly WireBatch[]; readonly ended: readonly number[] }) {
  return { batches: [...batches], ended: [...ended] }
}
