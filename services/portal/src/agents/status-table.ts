/** What senders told of agents, read live from the agent-status topic. */
import type { Table } from '@siem-relay/bus'
import { agentStatusTopic } from '@siem-relay/common'
import type { World } from '@siem-relay/service-kit'
import { decodeStatus, type ToldStatus } from './status.ts'

export class StatusTable implements AsyncDisposable {
  readonly #table: Table
  /** By agent, then by key. */
  readonly #told = new Map<string, Map<string, ToldStatus>>()

  static async open({ bus }: Pick<World, 'bus'>): Promise<StatusTable> {
    await bus.ensureTopics([agentStatusTopic])
    return new StatusTable(await bus.table(agentStatusTopic))
  }

  private constructor(table: Table) {
    this.#table = table
    for (const [key, value] of table.entries()) this.#take(key, value)
    table.onChange((key, value) => this.#take(key, value))
  }

  of(agent: string): readonly ToldStatus[] {
    return [...(this.#told.get(agent)?.values() ?? [])]
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#table[Symbol.asyncDispose]()
  }

  /** Keys are `<agent>/<instance>`, and ids of agents have no slash. */
  #take(key: string, value: Buffer | undefined): void {
    const agent = key.slice(0, key.indexOf('/'))
    const status = value === undefined ? undefined : decodeStatus(value)
    const known = this.#told.get(agent) ?? new Map<string, ToldStatus>()
    if (status === undefined) known.delete(key)
    else known.set(key, status)
    if (known.size === 0) this.#told.delete(agent)
    else this.#told.set(agent, known)
  }
}
