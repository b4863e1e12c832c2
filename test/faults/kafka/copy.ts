/** Exactly-once copying under faults, after Kafka's own transactions_test: every number once, in order, whatever is killed. */
import { type ChildProcess, fork } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { join } from 'node:path'
import { type KafkaBus, openKafkaBus } from '@siem-relay/bus'
import { RelayError } from '@siem-relay/common'
import { seededRandom } from '@siem-relay/service-kit/testing'
import { kafkaOptions } from '../../support/kafka-bus.ts'
import { type KafkaCluster, startKafkaCluster } from '../../support/kafka-cluster.ts'
import type { Report } from '../report.ts'
import { copyGroup, copyState, input, numbered, output, writerState } from './copy-topics.ts'

const batch = 500
/** Every one has transactions of its own: the more are under way, the likelier a kill meets one that is ending. */
const manyPartitions = 48
/** Longer than anything takes that is not stuck. */
const patienceMs = 120_000

/** Copiers in processes of their own on a cluster of their own. */
class Copying implements AsyncDisposable {
  readonly #cluster: KafkaCluster
  readonly #prefix: string
  readonly copiers: ChildProcess[] = []
  readonly bus: KafkaBus
  /** When something was last committed. */
  lastCommitMs = Date.now()
  longestPauseMs = 0
  commits = 0
  /** Numbers the writer has committed, as far as it knows, and what stopped it last. */
  #written = 0
  #trouble: unknown

  private constructor(cluster: KafkaCluster, prefix: string, bus: KafkaBus) {
    this.#cluster = cluster
    this.#prefix = prefix
    this.bus = bus
  }

  static async start(cluster: KafkaCluster, replication = 1, partitions = input.partitions): Promise<Copying> {
    const prefix = `copy-${randomUUID().slice(0, 8)}.`
    const bus = await openKafkaBus(options(cluster, prefix, replication))
    await bus.ensureTopics([{ ...input, partitions }, output, copyState, writerState])
    return new Copying(cluster, prefix, bus)
  }

  async add(): Promise<ChildProcess> {
    const peer = { brokers: this.#cluster.addresses, prefix: this.#prefix }
    const child = fork(join(import.meta.dirname, 'copier-peer.ts'), [JSON.stringify(peer)])
    const failed = once(child, 'exit').then(([code]) => {
      throw new Error(`a copier ended with ${String(code)} before it began`)
    })
    this.copiers.push(child)
    child.on('message', (message: { committed?: number }) => {
      if (message.committed === undefined) return
      const nowMs = Date.now()
      this.longestPauseMs = Math.max(this.longestPauseMs, nowMs - this.lastCommitMs)
      this.lastCommitMs = nowMs
      this.commits++
    })
    await Promise.race([once(child, 'message'), failed])
    failed.catch(() => undefined)
    return child
  }

  async kill(child: ChildProcess): Promise<void> {
    this.copiers.splice(this.copiers.indexOf(child), 1)
    const exited = once(child, 'exit')
    child.kill('SIGKILL')
    await exited
  }

  /** Writes 0 to `count` - 1, each once: the next number is the writer's state, in the transaction of its records. */
  async write(count: number, pauseMs = 0): Promise<void> {
    for (let isDone = false; !isDone; ) {
      try {
        await using writer = await this.bus.writer('numbers', writerState)
        for (let next = Number(writer.state.get('next')?.toString() ?? 0); next < count; ) {
          const end = Math.min(count, next + batch)
          const records = Array.from({ length: end - next }, (_, index) => numbered(next + index))
          await writer.commit({ records, state: [{ key: 'next', value: Buffer.from(String(end)) }] })
          next = end
          this.#written = end
          if (pauseMs > 0) await sleep(pauseMs)
        }
        isDone = true
      } catch (error) {
        if (process.env.COPY_DEBUG)
          console.error(
            new Date().toISOString(),
            'writer',
            (error as Error).message,
            (error as { cause?: Error }).cause?.message,
          )
        if (!(error instanceof RelayError)) throw error
        this.#trouble = error
        await sleep(200)
      }
    }
    this.#written = Number.POSITIVE_INFINITY
  }

  /** A broker that is killed again before anything could be written proves nothing: waits for the next commit of the writer. */
  async wroteMore(): Promise<void> {
    const before = this.#written
    const untilMs = Date.now() + patienceMs
    while (this.#written === before && before !== Number.POSITIVE_INFINITY) {
      if (Date.now() > untilMs) throw new Error('writing stands still', { cause: this.#trouble })
      await sleep(50)
    }
  }

  /** Once all is written. The writer claims its place once more, as a source does that goes on: the end of its last transaction may be lost. */
  async copiedAll(): Promise<void> {
    await this.write(0)
    const untilMs = Date.now() + patienceMs
    for (;;) {
      const positions = await this.bus.positions.of(copyGroup, [input]).catch(() => undefined)
      if (positions?.every(({ lag }) => lag === 0)) return
      if (Date.now() > untilMs) throw new Error(`copying stands still: ${JSON.stringify(positions)}`)
      await sleep(200)
    }
  }

  /** What the output came to. */
  async check(count: number): Promise<{ lost: number; duplicated: number; outOfOrder: number; tornState: number }> {
    const seen = new Map<string, number>()
    let outOfOrder = 0
    for (let partition = 0; partition < output.partitions; partition++) {
      const latest = new Map<string, number>()
      for await (const { key, value } of this.bus.read(output, partition, 0)) {
        seen.set(key, (seen.get(key) ?? 0) + 1)
        const from = value.toString()
        if (Number(key) < (latest.get(from) ?? -1)) outOfOrder++
        latest.set(from, Number(key))
      }
    }
    let duplicated = 0
    for (const times of seen.values()) duplicated += times - 1
    let lost = 0
    for (let n = 0; n < count; n++) if (!seen.has(String(n))) lost++
    const counts = new Map<string, number>()
    for (let partition = 0; partition < copyState.partitions; partition++)
      for await (const { key, value } of this.bus.read(copyState, partition, 0))
        counts.set(key, Number(value.toString()))
    let counted = 0
    for (const value of counts.values()) counted += value
    return { lost, duplicated, outOfOrder, tornState: Math.abs(counted - seen.size - duplicated) }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const child of [...this.copiers]) await this.kill(child)
    await this.bus[Symbol.asyncDispose]()
  }
}

const options = (cluster: KafkaCluster, prefix: string, replication: number) => ({
  ...kafkaOptions(cluster.addresses, prefix),
  replication,
  minInsyncReplicas: replication === 1 ? 1 : 2,
})

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

const isClean = (found: { lost: number; duplicated: number; outOfOrder: number; tornState: number }): boolean =>
  found.lost + found.duplicated + found.outOfOrder + found.tornState === 0

/** Clients and the broker are killed and bounced at random while numbers are written and copied. */
export async function copyUnderKills(count: number, seed: number): Promise<Report> {
  await using cluster = await startKafkaCluster(1)
  await using copying = await Copying.start(cluster)
  const random = seededRandom(seed)
  let clientKills = 0
  let brokerKills = 0
  for (let one = 0; one < 2; one++) await copying.add()
  let isWritten = false
  const writing = copying.write(count, 400).then(() => {
    isWritten = true
  })
  while (!isWritten) {
    await sleep(1_000 + random() * 3_000)
    if (random() < 0.25) {
      await cluster.kill(0)
      await cluster.start(0)
      brokerKills++
      await copying.wroteMore()
    } else {
      const victim = copying.copiers[Math.floor(random() * copying.copiers.length)]
      if (victim !== undefined) await copying.kill(victim)
      await copying.add()
      clientKills++
    }
  }
  await writing
  await copying.copiedAll()
  const found = await copying.check(count)
  return {
    name: `Kafka: copying ${count} records in transactions of up to ${batch}, copiers and broker killed`,
    passed: isClean(found) && clientKills > 0,
    extra: { ...found, clientKills, brokerKills },
  }
}

/** The broker dies again and again amid many transactions: while it starts it may lose the ends of those under way (docs/adr/0008). */
export async function brokerRestarts(count: number, seed: number): Promise<Report> {
  await using cluster = await startKafkaCluster(1)
  await using copying = await Copying.start(cluster, 1, manyPartitions)
  const random = seededRandom(seed)
  for (let one = 0; one < 2; one++) await copying.add()
  let brokerKills = 0
  let isWritten = false
  const writing = copying.write(count, 60).then(() => {
    isWritten = true
  })
  while (!isWritten) {
    await sleep(2_000 + random() * 2_000)
    await cluster.kill(0)
    await cluster.start(0)
    brokerKills++
    await copying.wroteMore()
  }
  await writing
  await copying.copiedAll()
  const found = await copying.check(count)
  return {
    name: `Kafka: copying ${count} records of ${manyPartitions} partitions, the broker killed again and again`,
    passed: isClean(found) && brokerKills > 0,
    extra: { ...found, brokerKills },
  }
}

/** A copier freezes in a transaction for longer than its session; another takes its partitions over; then it wakes. */
export async function zombies(rounds: number, seed: number): Promise<Report> {
  await using cluster = await startKafkaCluster(1)
  await using copying = await Copying.start(cluster)
  const random = seededRandom(seed)
  await copying.add()
  await copying.add()
  const count = rounds * 4_000
  const writing = copying.write(count, 1_100)
  let takenOver = 0
  for (let round = 0; round < rounds; round++) {
    const victim = copying.copiers[round % copying.copiers.length] as ChildProcess
    const commitsBefore = copying.commits
    victim.send({ stopAfterMs: Math.floor(random() * 12) })
    // Longer than the session of 6 s: the other has its partitions, and works on them, before it wakes.
    await sleep(8_500)
    if (copying.commits > commitsBefore) takenOver++
    victim.kill('SIGCONT')
    await sleep(500)
  }
  await writing
  await copying.copiedAll()
  const found = await copying.check(count)
  return {
    name: `Kafka: a copier stopped in a transaction for longer than its session, ${rounds} rounds`,
    passed: isClean(found) && takenOver === rounds,
    extra: { ...found, records: count, takenOver },
  }
}

/** Copiers join and die every two seconds. */
export async function membershipStorm(seconds: number, seed: number): Promise<Report> {
  await using cluster = await startKafkaCluster(1)
  await using copying = await Copying.start(cluster)
  const random = seededRandom(seed)
  await copying.add()
  const count = seconds * 400
  const writing = copying.write(count, 1_000)
  const endMs = Date.now() + seconds * 1_000
  let changes = 0
  copying.lastCommitMs = Date.now()
  while (Date.now() < endMs) {
    await sleep(2_000)
    changes++
    const [oldest] = copying.copiers
    if (copying.copiers.length < 2 || (copying.copiers.length < 4 && random() < 0.5)) await copying.add()
    else if (oldest !== undefined) await copying.kill(oldest)
  }
  await writing
  await copying.copiedAll()
  const found = await copying.check(count)
  return {
    name: `Kafka: copiers join and die every 2 s for ${seconds} s`,
    passed: isClean(found) && copying.longestPauseMs < 30_000,
    extra: { ...found, records: count, changes, longestPauseSeconds: Math.round(copying.longestPauseMs / 1_000) },
  }
}

/** Of three brokers one is killed, then, once it is back, another. */
export async function threeBrokers(count: number): Promise<Report> {
  await using cluster = await startKafkaCluster(3)
  await using copying = await Copying.start(cluster, 3)
  for (let one = 0; one < 2; one++) await copying.add()
  let isWritten = false
  const writing = copying.write(count, 50).then(() => {
    isWritten = true
  })
  copying.lastCommitMs = Date.now()
  for (let broker = 0; !isWritten || broker < 2; broker++) {
    await sleep(4_000)
    await cluster.kill(broker % 3)
    await sleep(8_000)
    await cluster.start(broker % 3)
    await sleep(8_000)
  }
  await writing
  await copying.copiedAll()
  const found = await copying.check(count)
  return {
    name: 'Kafka: three brokers, replication 3, min ISR 2: one killed under load, then another',
    passed: isClean(found) && copying.longestPauseMs < 30_000,
    extra: { ...found, records: count, longestPauseSeconds: Math.round(copying.longestPauseMs / 1_000) },
  }
}
