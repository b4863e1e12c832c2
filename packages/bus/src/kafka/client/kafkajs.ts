/** The driver on kafkajs 2.2.4: its connections (TLS, SASL, framing of requests) and its admin client. Why not its producer and
 *  consumer is told in docs/adr/0005. */
import { Kafka, logLevel, type SASLOptions } from 'kafkajs'
import loggers from 'kafkajs/src/loggers/index.js'
import KafkaJsConnection from 'kafkajs/src/network/connection.js'
import createSocketFactory from 'kafkajs/src/network/socketFactory.js'
import {
  type Address,
  type Admin,
  type Connection,
  ConnectionError,
  type DriverOptions,
  type KafkaDriver,
} from '../driver.ts'
import { type ApiVersions, apiVersionsRequest, checkVersions, isSpoken } from '../wire/api-versions.ts'
import { ByteReader, ByteWriter } from '../wire/bytes.ts'
import { KafkaError } from '../wire/error-codes.ts'
import type { KafkaRequest } from '../wire/request.ts'

const silent = (): (() => void) => () => undefined
/** Connections are replaced this long before the broker would end an authenticated session. */
const expiryMarginMs = 30_000

export function kafkaJsDriver(options: DriverOptions): KafkaDriver {
  const logger = loggers.createLogger({ level: logLevel.NOTHING, logCreator: silent })
  const socketFactory = createSocketFactory()
  const sasl = saslOf(options)
  const common = {
    clientId: options.clientId,
    connectionTimeout: options.connectTimeoutMs,
    requestTimeout: options.requestTimeoutMs,
    ...(options.tls === undefined ? {} : { ssl: options.tls }),
    ...(sasl === undefined ? {} : { sasl }),
  }
  return {
    async connect(address) {
      // Timeouts are ours: one timer per request instead of ten a second per connection.
      const connection = new KafkaJsConnection({
        ...common,
        ...address,
        logger,
        socketFactory,
        enforceRequestTimeout: false,
        reauthenticationThreshold: 0,
      })
      // Nothing is ever queued here, yet it would set a timer with a negative delay after every answer.
      connection.requestQueue.scheduleCheckPendingRequests = () => undefined
      const link = new KafkaJsLink(connection, address, options)
      await link.open()
      return link
    },
    async admin() {
      const kafka = new Kafka({
        ...common,
        brokers: options.brokers.map(({ host, port }) => `${host}:${port}`),
        logLevel: logLevel.NOTHING,
        logCreator: silent,
        retry: { retries: 3, initialRetryTime: 100 },
      })
      const admin = kafka.admin()
      await translated('reaching Kafka', () => admin.connect())
      return adminOf(admin)
    },
  }
}

class KafkaJsLink implements Connection {
  readonly #connection: KafkaJsConnection
  readonly #name: string
  readonly #options: DriverOptions
  #isClosed = false
  #versions: ApiVersions = {}
  #expiresMs = Number.POSITIVE_INFINITY

  constructor(connection: KafkaJsConnection, { host, port }: Address, options: DriverOptions) {
    this.#connection = connection
    this.#name = `${host}:${port}`
    this.#options = options
  }

  /** @throws {ConnectionError | KafkaError} */
  async open(): Promise<void> {
    try {
      await this.#connection.connect()
      // Every version of Kafka the relay runs on has SaslAuthenticate; kafkajs asks for it before it authenticates.
      this.#connection.setSupportAuthenticationProtocol(true)
      const versions = await this.send(apiVersionsRequest)
      checkVersions(versions, this.#name)
      this.#connection.setVersions(versions)
      this.#versions = versions
      await this.#connection.authenticate()
    } catch (error) {
      this.close()
      throw toDriverError(error, `connecting to ${this.#name}`, true)
    }
    const lifetimeMs = this.#connection.sessionLifetime.toNumber()
    if (lifetimeMs > 0)
      this.#expiresMs = this.#options.clock.monotonicMs() + Math.max(lifetimeMs / 2, lifetimeMs - expiryMarginMs)
  }

  get isUsable(): boolean {
    return !this.#isClosed && this.#connection.isConnected() && this.#options.clock.monotonicMs() < this.#expiresMs
  }

  speaks({ apiKey, apiVersion }: KafkaRequest<unknown>): boolean {
    return isSpoken(this.#versions, apiKey, apiVersion)
  }

  async send<Answer>(request: KafkaRequest<Answer>): Promise<Answer> {
    if (this.#isClosed || !this.#connection.isConnected())
      throw new ConnectionError(`the connection to ${this.#name} is closed`, true)
    const answer = this.#connection.send<Answer>({
      request: {
        apiKey: request.apiKey,
        apiVersion: request.apiVersion,
        apiName: request.name,
        encode: async () => {
          const writer = new ByteWriter()
          request.write(writer)
          return { buf: writer.written, buffer: writer.written }
        },
      },
      response: {
        decode: async (bytes) => ({ answer: request.read(new ByteReader(bytes)), clientSideThrottleTime: 0 }),
        parse: async ({ answer }: { answer: Answer }) => answer,
      },
      logResponseError: false,
    })
    const afterMs = this.#options.requestTimeoutMs + (request.waitMs ?? 0)
    const cancel = this.#options.clock.after(afterMs, () => {
      this.#connection.rejectRequests(
        new ConnectionError(`${this.#name} gave no answer to ${request.name} within ${afterMs} ms`, false),
      )
      this.close()
    })
    try {
      return await answer
    } catch (error) {
      throw toDriverError(error, `${request.name} to ${this.#name}`, false)
    } finally {
      cancel()
    }
  }

  close(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#connection.rejectRequests(new ConnectionError(`the connection to ${this.#name} was closed`, false))
    this.#connection.socket?.destroy()
    this.#connection.disconnect().catch(() => undefined)
  }
}

function saslOf({ sasl }: DriverOptions): SASLOptions | undefined {
  if (sasl === undefined) return undefined
  if (sasl.mechanism !== 'oauthbearer') return sasl
  return { mechanism: 'oauthbearer', oauthBearerProvider: async () => ({ value: await sasl.token() }) }
}

function adminOf(admin: ReturnType<Kafka['admin']>): Admin {
  return {
    createTopics: (topics) =>
      translated('creating topics', async () => {
        await admin.createTopics({
          topics: topics.map(({ name, partitions, replication, settings }) => ({
            topic: name,
            numPartitions: partitions,
            replicationFactor: replication,
            configEntries: Object.entries(settings).map(([key, value]) => ({ name: key, value })),
          })),
          // Leaders are looked for when they are needed.
          waitForLeaders: false,
          timeout: 30_000,
        })
      }),
    deleteTopics: (names) =>
      translated('deleting topics', () => admin.deleteTopics({ topics: [...names], timeout: 30_000 })),
    memberCount: (group) =>
      translated(`describing ${group}`, async () => {
        const { groups } = await admin.describeGroups([group])
        return groups[0]?.members.length ?? 0
      }),
    deleteGroup: (group) =>
      translated(`deleting ${group}`, async () => {
        try {
          await admin.deleteGroups([group])
        } catch (error) {
          const code = groupErrorCode(error)
          if (code === 69) return
          if (code !== undefined) throw new KafkaError(code, `deleting ${group}`)
          throw error
        }
      }),
    [Symbol.asyncDispose]: () => admin.disconnect(),
  }
}

/** deleteGroups hides the broker's answer in a list. */
function groupErrorCode(error: unknown): number | undefined {
  const { groups } = Object(error) as { groups?: readonly { readonly errorCode?: number }[] }
  return groups?.[0]?.errorCode
}

async function translated<T>(doing: string, call: () => Promise<T>): Promise<T> {
  try {
    return await call()
  } catch (error) {
    throw toDriverError(error, doing, false)
  }
}

/** kafkajs's errors by what they mean here: an answer with a code, or no answer. */
function toDriverError(error: unknown, doing: string, isUnsent: boolean): unknown {
  if (error instanceof KafkaError || error instanceof ConnectionError || error instanceof RangeError) return error
  const { name, code, errors, originalError, cause } = Object(error) as Record<string, unknown>
  if (Array.isArray(errors) && errors.length > 0) return toDriverError(errors[0], doing, isUnsent)
  if (name === 'KafkaJSSASLAuthenticationError') return new KafkaError(58, `${doing}: ${messageOf(error)}`)
  if (name === 'KafkaJSProtocolError' || name === 'KafkaJSCreateTopicError') {
    if (typeof code === 'number' && code > 0) return new KafkaError(code, doing)
  }
  const inner = originalError ?? (name === 'KafkaJSNumberOfRetriesExceeded' ? cause : undefined)
  if (inner !== undefined) return toDriverError(inner, doing, isUnsent)
  return new ConnectionError(`${doing}: ${messageOf(error)}`, isUnsent, error)
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
