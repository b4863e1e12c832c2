/** The services as processes of their own on a cluster, as they run in production. */
import { randomUUID } from 'node:crypto'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { type Bus, openKafkaBus } from '@siem-relay/bus'
import { kafkaOptions } from '../../support/kafka-bus.ts'
import type { KafkaCluster } from '../../support/kafka-cluster.ts'
import { type RelayProcess, startRelayProcess } from '../../support/process.ts'

/** The log of one run: its `bus:` and how to look into it afterwards. */
export interface KafkaLog {
  readonly name: string
  readonly config: { readonly bus: object }
  readonly open: () => Promise<Bus>
}

export function kafkaLog(cluster: Pick<KafkaCluster, 'addresses'>): KafkaLog {
  const prefix = `run-${randomUUID().slice(0, 8)}.`
  const replication = cluster.addresses.length
  const minInsyncReplicas = Math.min(2, replication)
  return {
    name: replication === 1 ? 'Kafka' : `Kafka with ${replication} brokers`,
    config: { bus: { type: 'kafka', brokers: cluster.addresses, prefix, replication, minInsyncReplicas } },
    open: () => openKafkaBus(kafkaOptions(cluster.addresses, prefix)),
  }
}

export type Role = 'collector' | 'formatter' | 'syslog-sender'

/** Processes that run until they are killed or the run ends. */
export class Fleet implements AsyncDisposable {
  readonly #directory: string
  readonly #log: KafkaLog
  #config: object
  readonly #processes: { readonly role: Role; readonly relay: RelayProcess }[] = []

  /** @param config without `bus:`, which the log brings. */
  constructor(directory: string, log: KafkaLog, config: object) {
    this.#directory = directory
    this.#log = log
    this.#config = { ...log.config, ...config }
  }

  async start(...roles: readonly Role[]): Promise<void> {
    await Promise.all(
      roles.map(async (role) => {
        const directory = join(this.#directory, randomUUID().slice(0, 8))
        mkdirSync(directory)
        this.#processes.push({ role, relay: await startRelayProcess(directory, this.#config, {}, [role]) })
      }),
    )
  }

  of(role: Role): readonly RelayProcess[] {
    return this.#processes.filter((one) => one.role === role).map(({ relay }) => relay)
  }

  /** Gives every process another configuration, as an edit of its file does. */
  configure(config: object): void {
    this.#config = { ...this.#log.config, ...config }
    for (const { relay } of this.#processes) relay.configure(this.#config)
  }

  /** kill -9 of one process. */
  async kill(relay: RelayProcess): Promise<void> {
    this.#processes.splice(
      this.#processes.findIndex((one) => one.relay === relay),
      1,
    )
    await relay.kill('SIGKILL')
  }

  /** kill -9 of all. */
  async killAll(): Promise<void> {
    await Promise.all(this.#processes.splice(0).map(({ relay }) => relay.kill('SIGKILL')))
  }

  /** SIGTERM to all, sources first. @returns their exit codes. */
  async stop(): Promise<readonly (number | null)[]> {
    const codes: (number | null)[] = []
    for (const role of ['collector', 'formatter', 'syslog-sender'] as const)
      codes.push(...(await Promise.all(this.of(role).map((relay) => relay.kill('SIGTERM')))))
    this.#processes.splice(0)
    return codes
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.killAll()
  }
}
