/** Shares out topics among the workers of a group. On the embedded log all of them are in this process, so a table in memory
 *  does it: every topic has a seat, a seat one holder, and the next holder comes when the one before has let go. */

import { closedError } from '../closed-error.ts'
import type { Holding, ShareSpec, Worker } from '../port.ts'
import type { Core } from './core.ts'
import { Backoff } from './worker.ts'

/** One worker of a group. */
interface Member {
  readonly spec: ShareSpec
  readonly topics: ReadonlySet<string>
  readonly backoff: Backoff
  /** Aborted when the worker stops. */
  readonly signal: AbortSignal
}

/** The groups of a log. */
export class Shares {
  readonly #groups = new Map<string, Group>()

  join(name: string, member: Member): void {
    const group = this.#groups.get(name) ?? new Group()
    this.#groups.set(name, group)
    group.join(member)
  }

  /** Resolves when nothing is held by the member any more. */
  async leave(name: string, member: Member): Promise<void> {
    const group = this.#groups.get(name)
    await group?.leave(member)
    if (group?.isEmpty && this.#groups.get(name) === group) this.#groups.delete(name)
  }
}

export function startShare(core: Core, spec: ShareSpec): Worker {
  core.catalog.ensure(spec.topics)
  const { promise: failed, reject: fail } = Promise.withResolvers<never>()
  failed.catch(() => undefined)
  const stopping = new AbortController()
  const member: Member = {
    spec,
    topics: new Set(spec.topics.map(({ name }) => name)),
    backoff: new Backoff(core),
    signal: stopping.signal,
  }
  core.shares.join(spec.group, member)
  let stopped: Promise<void> | undefined
  const stop = (): Promise<void> => {
    stopping.abort()
    stopped ??= core.shares.leave(spec.group, member)
    return stopped
  }
  const onClosing = (): void => {
    fail(closedError())
    void stop()
  }
  core.closing.addEventListener('abort', onClosing, { signal: stopping.signal })
  return { failed, stop, [Symbol.asyncDispose]: stop }
}

class Group {
  readonly #members = new Set<Member>()
  readonly #seats = new Map<string, Seat>()

  get isEmpty(): boolean {
    return this.#members.size === 0
  }

  join(member: Member): void {
    this.#members.add(member)
    for (const topic of member.topics) if (!this.#seats.has(topic)) this.#seats.set(topic, new Seat(topic))
    this.#shareOut()
  }

  async leave(member: Member): Promise<void> {
    this.#members.delete(member)
    this.#shareOut()
    await Promise.all(Array.from(this.#seats.values(), (seat) => seat.leftBy(member)))
  }

  /** As few topics as possible change hands, and no worker has two more than another that could take one of them. */
  #shareOut(): void {
    const load = new Map(Array.from(this.#members, (member) => [member, 0]))
    const owners = new Map<Seat, Member | undefined>()
    const give = (seat: Seat, to: Member | undefined): void => {
      const from = owners.get(seat)
      if (from !== undefined) load.set(from, (load.get(from) ?? 0) - 1)
      if (to !== undefined) load.set(to, (load.get(to) ?? 0) + 1)
      owners.set(seat, to)
    }
    const leastLoaded = (seat: Seat): Member | undefined =>
      [...this.#members]
        .filter((member) => member.topics.has(seat.topic))
        .reduce<Member | undefined>(
          (best, member) => (best === undefined || (load.get(member) ?? 0) < (load.get(best) ?? 0) ? member : best),
          undefined,
        )
    for (const seat of this.#seats.values())
      if (seat.owner !== undefined && this.#members.has(seat.owner)) give(seat, seat.owner)
    for (const seat of this.#seats.values()) if (owners.get(seat) === undefined) give(seat, leastLoaded(seat))
    for (let isMoving = true; isMoving; ) {
      isMoving = false
      for (const seat of this.#seats.values()) {
        const from = owners.get(seat)
        const to = leastLoaded(seat)
        if (from === undefined || to === undefined || (load.get(from) ?? 0) - (load.get(to) ?? 0) < 2) continue
        give(seat, to)
        isMoving = true
      }
    }
    for (const seat of this.#seats.values()) seat.passTo(owners.get(seat))
  }
}

/** One topic: whose it is to be, who holds it, and the way from one to the other. */
class Seat {
  readonly topic: string
  /** Whose it is, or will be once the holder before has let go. */
  owner: Member | undefined
  #held: { readonly by: Member; readonly holding: Holding } | undefined
  #moving: Promise<void> | undefined

  constructor(topic: string) {
    this.topic = topic
  }

  passTo(owner: Member | undefined): void {
    this.owner = owner
    this.#moving ??= this.#move()
  }

  /** Resolves when the member does not hold it any more. */
  async leftBy(member: Member): Promise<void> {
    while (this.#held?.by === member) await this.#moving
  }

  async #move(): Promise<void> {
    // Later than the call that brought it about: nobody holds a topic before `share` has returned.
    await Promise.resolve()
    while (this.#held?.by !== this.owner) {
      if (this.#held !== undefined) await this.#release(this.#held)
      else if (this.owner !== undefined) await this.#hold(this.owner)
    }
    this.#moving = undefined
  }

  async #release({ by, holding }: { readonly by: Member; readonly holding: Holding }): Promise<void> {
    try {
      await holding.released()
    } catch (error) {
      by.spec.onError?.(error)
    }
    this.#held = undefined
  }

  async #hold(by: Member): Promise<void> {
    try {
      this.#held = { by, holding: by.spec.hold(this.topic) }
      by.backoff.succeeded()
    } catch (error) {
      by.spec.onError?.(error)
      await by.backoff.wait(by.signal)
    }
  }
}
