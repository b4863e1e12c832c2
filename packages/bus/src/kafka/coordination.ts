/** What an owner of a transactional id asks coordinators, and over which connections its transaction went. */
import type { OwnerOptions } from './appender.ts'
import { type Connection, ConnectionError } from './driver.ts'
import { KafkaError, kafkaErrors } from './wire/error-codes.ts'
import type { Producer } from './wire/record-batch.ts'
import type { KafkaRequest } from './wire/request.ts'
import { initProducerIdRequest } from './wire/transaction-requests.ts'

/** How long the coordinator may be busy with the markers of the last transaction. */
const busyMs = { min: 1, max: 50 }

export class Coordination {
  readonly #id: string
  readonly #options: OwnerOptions
  readonly #used = new Set<Connection>()

  constructor(transactionalId: string, options: OwnerOptions) {
    this.#id = transactionalId
    this.#options = options
  }

  /** A new transaction begins: it is its connections that count from now on. */
  begin(): void {
    this.#used.clear()
  }

  /** A broker of the last transaction went away since: when it comes back, it may have lost an end that it acknowledged. */
  get isInterrupted(): boolean {
    return this.#used.values().some((connection) => !connection.isUsable)
  }

  async connection(node: number): Promise<Connection> {
    const connection = await this.#options.cluster.connection(node, this.#options.lane)
    this.#used.add(connection)
    return connection
  }

  /**
   * The next epoch of the id. The answer of a coordinator that moves or loads is asked for again, and so is a busy one's: claiming twice
   * is claiming.
   * @param current undefined takes the id over. @param busy called before every further attempt.
   */
  async claim(current: Producer | undefined, busy?: () => Promise<void>): Promise<Producer> {
    const { cluster, lane, timeoutMs } = this.#options
    const request = initProducerIdRequest(this.#id, timeoutMs, current)
    const producer = await this.#whileBusy(() => cluster.askCoordinator('transaction', this.#id, lane, request), busy)
    this.#used.clear()
    return producer
  }

  /** The coordinator may still be writing the markers of the transaction before: that is waited for, nothing was done yet. */
  async ofTransaction(request: KafkaRequest<void>): Promise<void> {
    const { cluster } = this.#options
    await this.#whileBusy(async () => {
      try {
        const connection = await this.connection(await cluster.coordinator('transaction', this.#id))
        await connection.send(request)
      } catch (error) {
        if (error instanceof ConnectionError || (error instanceof KafkaError && error.isElsewhere))
          cluster.forgetCoordinator('transaction', this.#id)
        throw error
      }
    })
  }

  async ofGroup(group: string, request: KafkaRequest<void>): Promise<void> {
    const { cluster } = this.#options
    try {
      const connection = await this.connection(await cluster.coordinator('group', group))
      await connection.send(request)
    } catch (error) {
      cluster.forgetCoordinator('group', group)
      throw error
    }
  }

  async #whileBusy<T>(call: () => Promise<T>, busy?: () => Promise<void>): Promise<T> {
    const { clock } = this.#options.cluster
    const untilMs = clock.monotonicMs() + this.#options.timeoutMs
    for (let attempt = 0; ; attempt++) {
      try {
        return await call()
      } catch (error) {
        const isBusy = error instanceof KafkaError && error.code === kafkaErrors.concurrentTransactions
        if (!isBusy || clock.monotonicMs() > untilMs) throw error
        await clock.sleep(Math.min(busyMs.max, busyMs.min * 2 ** Math.min(attempt, 10)))
        await busy?.()
      }
    }
  }
}
