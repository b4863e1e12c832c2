/** What the bus needs of a Kafka client, and no more: connections that are encrypted and authenticated, and the few
 *  administrative calls. Everything that decides about records (transactions, offsets, membership, record batches) is ours, so
 *  that another client can stand beside kafkajs.ts by these functions alone. */
import type { Clock } from '@siem-relay/common'
import type { KafkaRequest } from './wire/request.ts'

/** One TCP connection. A broker works on one request of it at a time: what waits on purpose (long polls, joins) needs its own. */
export interface Connection {
  /** Sends at once; answers come in the order of the requests. Rejects with `KafkaError`, or `ConnectionError` when the outcome is unknown. */
  send<Answer>(request: KafkaRequest<Answer>): Promise<Answer>
  /** Whether the broker knows a request that not every version has which the relay runs on. */
  speaks(request: KafkaRequest<unknown>): boolean
  /** False once it failed or was closed, or its credentials are about to expire: open another one. */
  readonly isUsable: boolean
  /** Rejects what is under way. */
  close(): void
}

/** The connection could not be made or broke: whether the broker acted on what was sent is unknown. */
export class ConnectionError extends Error {
  /** Nothing was sent: there was no connection. */
  readonly isUnsent: boolean

  constructor(message: string, isUnsent: boolean, cause?: unknown) {
    super(message, { cause })
    this.name = 'ConnectionError'
    this.isUnsent = isUnsent
  }
}

export interface TopicToCreate {
  readonly name: string
  readonly partitions: number
  /** -1: the broker's default. */
  readonly replication: number
  readonly settings: Readonly<Record<string, string>>
}

/** Administrative calls; errors are `KafkaError` or `ConnectionError`. */
export interface Admin extends AsyncDisposable {
  /** Creates those that are not there. */
  createTopics(topics: readonly TopicToCreate[]): Promise<void>
  deleteTopics(names: readonly string[]): Promise<void>
  /** Members of a group, over all processes. */
  memberCount(group: string): Promise<number>
  /** Forgets a group's offsets; a group that is not known is left alone. */
  deleteGroup(group: string): Promise<void>
}

export interface Address {
  readonly host: string
  readonly port: number
}

export interface KafkaDriver {
  connect(address: Address): Promise<Connection>
  admin(): Promise<Admin>
}

/** What every driver is made with. */
export interface DriverOptions {
  readonly brokers: readonly Address[]
  readonly clientId: string
  readonly tls: TlsOptions | undefined
  readonly sasl: SaslOptions | undefined
  readonly connectTimeoutMs: number
  /** How long an answer may take beyond what the request waits on purpose. */
  readonly requestTimeoutMs: number
  readonly clock: Clock
}

/** PEM texts, as node:tls takes them. */
export interface TlsOptions {
  readonly ca?: string
  readonly cert?: string
  readonly key?: string
  readonly servername?: string
  readonly rejectUnauthorized: boolean
}

export type SaslOptions =
  | {
      readonly mechanism: 'plain' | 'scram-sha-256' | 'scram-sha-512'
      readonly username: string
      readonly password: string
    }
  | {
      readonly mechanism: 'oauthbearer'
      /** Gives an access token; called for every new connection. */
      readonly token: () => Promise<string>
    }
