/** Membership of one group: joins, keeps the place by heartbeats, tells what is assigned. What a member keeps over a rebalance goes on
 *  undisturbed; correctness never rests on membership, since whoever works on a partition has claimed it (transactions.ts). */
import {
  assign,
  decodeAssignment,
  decodeSubscription,
  encodeAssignment,
  encodeSubscription,
  protocolName,
} from './assignor.ts'
import type { Cluster } from './cluster.ts'
import { type Connection, ConnectionError } from './driver.ts'
import { KafkaError, kafkaErrors } from './wire/error-codes.ts'
import {
  heartbeatRequest,
  type Joined,
  joinGroupRequest,
  leaveGroupRequest,
  type Member,
  MemberIdRequired,
  syncGroupRequest,
} from './wire/group-requests.ts'
import type { TopicPartition } from './wire/request.ts'

export interface MembershipOptions {
  readonly cluster: Cluster
  readonly group: string
  readonly topics: readonly string[]
  /** Of each topic only so many are shared out; the same for all members. Default: all. */
  readonly partitionsMax?: number
  readonly sessionTimeoutMs: number
  readonly random: () => number
  /** Everything this member works on from now on; what is missing was taken away. Called after every rebalance, and with nothing when the place is lost. */
  assigned(partitions: readonly TopicPartition[]): void
  /** What will be tried again. */
  onError(error: unknown): void
}

const rebalanceTimeoutMs = 30_000
const backoffMs = { min: 100, max: 5_000 }

export class Membership {
  readonly #options: MembershipOptions
  readonly #stopping = new AbortController()
  readonly #running: Promise<void>
  #member: Member | undefined
  /** The group has not begun to rebalance since the last join. */
  #isJoined = false
  /** As leader: how many partitions were shared out. */
  #sharedOut: ReadonlyMap<string, number> = new Map()
  #connection: Connection | undefined
  #owned: readonly TopicPartition[] = []
  #failures = 0
  #wakeUp: (() => void) | undefined
  /** Resolved by the next word of the coordinator. */
  #verifications: (() => void)[] = []

  constructor(options: MembershipOptions) {
    this.#options = options
    this.#running = this.#run()
  }

  /** Leaves the group. */
  async stop(): Promise<void> {
    this.#stopping.abort(new Error(`${this.#options.group} stops`))
    this.#wakeUp?.()
    // A join may wait for other members for a while.
    if (!this.#isJoined) this.#connection?.close()
    await this.#running
  }

  /** Resolves once the place in the group has been confirmed or lost again; what is assigned then is told by `assigned`. */
  verify(): Promise<void> {
    if (this.#stopping.signal.aborted) return Promise.resolve()
    const verified = new Promise<void>((resolve) => this.#verifications.push(resolve))
    this.#wakeUp?.()
    return verified
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping
    while (!signal.aborted) {
      try {
        if (!this.#isJoined) await this.#join()
        this.#failures = 0
        await this.#stay()
      } catch (error) {
        if (signal.aborted) break
        await this.#failed(error)
      }
    }
    await this.#leave()
    this.#owned = []
    for (const verified of this.#verifications.splice(0)) verified()
  }

  async #join(): Promise<void> {
    const { group, topics, sessionTimeoutMs } = this.#options
    const connection = await this.#reach()
    const metadata = encodeSubscription({ topics, owned: this.#owned, generation: this.#member?.generation ?? -1 })
    const settings = { group, sessionTimeoutMs, rebalanceTimeoutMs, protocol: protocolName, metadata }
    const join = (memberId: string) => connection.send(joinGroupRequest({ ...settings, memberId }))
    const joined = await join(this.#member?.memberId ?? '').catch((error: unknown) => {
      if (!(error instanceof MemberIdRequired)) throw error
      this.#member = { group, generation: -1, memberId: error.memberId }
      return join(error.memberId)
    })
    const member = { group, generation: joined.generation, memberId: joined.memberId }
    this.#member = member
    const isLeader = joined.leaderId === joined.memberId
    const assignments = isLeader ? await this.#shareOut(joined.members) : new Map<string, Buffer>()
    const assignment = await connection.send(syncGroupRequest(member, assignments, rebalanceTimeoutMs))
    this.#isJoined = true
    this.#tell(decodeAssignment(assignment).filter(({ topic }) => topics.includes(topic)))
  }

  async #shareOut(joined: Joined['members']): Promise<Map<string, Buffer>> {
    const members = joined.map(({ memberId, metadata }) => ({ memberId, ...decodeSubscription(metadata) }))
    const partitions = await this.#partitionsOf(new Set(members.flatMap(({ topics }) => topics)))
    this.#sharedOut = partitions
    return new Map(Array.from(assign(members, partitions), ([memberId, mine]) => [memberId, encodeAssignment(mine)]))
  }

  async #partitionsOf(topics: Iterable<string>): Promise<Map<string, number>> {
    const { cluster, partitionsMax = Number.POSITIVE_INFINITY } = this.#options
    const partitions = new Map<string, number>()
    for (const topic of topics)
      partitions.set(topic, Math.min((await cluster.partitionCount(topic)) ?? 0, partitionsMax))
    return partitions
  }

  /** Heartbeats until the group rebalances or the place is lost. */
  async #stay(): Promise<void> {
    const { signal } = this.#stopping
    while (!signal.aborted) {
      const verified = this.#verifications.splice(0)
      try {
        await (await this.#reach()).send(heartbeatRequest(this.#member as Member))
        for (const resolve of verified) resolve()
      } catch (error) {
        this.#verifications.push(...verified)
        throw error
      }
      for (const [topic, count] of await this.#partitionsOf(this.#sharedOut.keys()))
        if (count !== this.#sharedOut.get(topic)) this.#isJoined = false
      if (!this.#isJoined) return
      if (this.#verifications.length === 0) await this.#pause(this.#options.sessionTimeoutMs / 4)
    }
  }

  async #failed(error: unknown): Promise<void> {
    const { cluster, group, random, onError } = this.#options
    const code = error instanceof KafkaError ? error.code : undefined
    if (code === kafkaErrors.rebalanceInProgress) {
      this.#isJoined = false
      return
    }
    // Overtaken: nothing that was ours is ours any more.
    if (code === kafkaErrors.unknownMember || code === kafkaErrors.illegalGeneration) {
      this.#member = undefined
      this.#isJoined = false
      this.#tell([])
      return
    }
    if (error instanceof ConnectionError || (error instanceof KafkaError && error.isElsewhere)) {
      cluster.forgetCoordinator('group', group)
      this.#connection?.close()
    }
    // The first moments of a moving coordinator are nobody's business.
    if (this.#failures++ > 0) onError(error)
    const ceilingMs = Math.min(backoffMs.max, backoffMs.min * 2 ** Math.min(this.#failures - 1, 10))
    await this.#pause(ceilingMs * (0.5 + random() / 2))
  }

  #tell(partitions: readonly TopicPartition[]): void {
    this.#owned = partitions
    this.#options.assigned(partitions)
    for (const verified of this.#verifications.splice(0)) verified()
  }

  async #leave(): Promise<void> {
    const member = this.#member
    if (member !== undefined) {
      const left = this.#reach().then((connection) => connection.send(leaveGroupRequest(member)))
      // Who cannot say goodbye is missed after the session timeout.
      await left.catch(() => undefined)
    }
    this.#connection?.close()
  }

  /** A connection of its own: a join waits at the broker for the other members, and with it everything behind it. */
  async #reach(): Promise<Connection> {
    if (this.#connection?.isUsable) return this.#connection
    const { cluster, group } = this.#options
    const node = await cluster.coordinator('group', group)
    this.#connection = await cluster.dedicated(node)
    return this.#connection
  }

  async #pause(ms: number): Promise<void> {
    const waking = new AbortController()
    this.#wakeUp = () => waking.abort()
    const { clock } = this.#options.cluster
    await clock.sleep(ms, waking.signal).catch(() => undefined)
    this.#wakeUp = undefined
  }
}
