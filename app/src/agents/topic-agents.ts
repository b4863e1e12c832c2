/** Agents made in the portal join those of the configuration file: the agents topic, followed. One that this version cannot read, or
 *  that an agent of the file hides, is left out with a warning. */
import type { Bus, Table } from '@siem-relay/bus'
import { type AgentDefinition, agentsTopic, type DecodedAgent, decodeStoredAgent, printable } from '@siem-relay/common'
import type { World } from '@siem-relay/service-kit'

type Log = Pick<World['log'], 'warn'>

export class TopicAgents implements AsyncDisposable {
  readonly #table: Table
  readonly #log: Log
  /** What was warned of, by agent: the same is told once. */
  readonly #unusable = new Map<string, string>()
  readonly #refused = new Map<string, string>()

  static async open(bus: Bus, log: Log): Promise<TopicAgents> {
    await bus.ensureTopics([agentsTopic])
    return new TopicAgents(await bus.table(agentsTopic), log)
  }

  private constructor(table: Table, log: Log) {
    this.#table = table
    this.#log = log
  }

  onChange(listener: () => void): () => void {
    return this.#table.onChange(() => listener())
  }

  /** By id. @param file agents of the configuration file, which win over others of the same id. */
  beside(file: readonly AgentDefinition[]): readonly AgentDefinition[] {
    const ids = new Set(file.map(({ id }) => id))
    const decoded = [...this.#table.entries()].map(([id, value]) => decodeStoredAgent(id, value))
    return decoded
      .filter((entry) => this.#isUsable(entry, ids))
      .flatMap((entry) => ('agent' in entry ? [entry.agent] : []))
      .toSorted((left, right) => (left.id < right.id ? -1 : 1))
  }

  /** One that a service of this process refuses. */
  refused(id: string, problem: string): void {
    this.#warn(this.#refused, id, problem, 'agent of the portal is left out: it asks for what cannot be done here')
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#table[Symbol.asyncDispose]()
  }

  #isUsable(entry: DecodedAgent, ids: ReadonlySet<string>): boolean {
    if (ids.has(entry.id)) {
      this.#warn(
        this.#unusable,
        entry.id,
        'hidden',
        'agent of the portal is left out: the configuration file has one with the same id',
      )
      return false
    }
    if ('problem' in entry) {
      this.#warn(
        this.#unusable,
        entry.id,
        entry.problem,
        'agent of the portal is left out: this version cannot read its definition',
      )
      return false
    }
    this.#unusable.delete(entry.id)
    return true
  }

  #warn(told: Map<string, string>, id: string, problem: string, message: string): void {
    if (told.get(id) === problem) return
    told.set(id, problem)
    this.#log.warn({ agent: printable(id).slice(0, 64), problem: printable(problem).slice(0, 500) }, message)
  }
}

/** Agents of the topic as they are now, for a command. */
export async function readTopicAgents(
  bus: Bus,
  file: readonly AgentDefinition[],
  log: Log,
): Promise<readonly AgentDefinition[]> {
  await using agents = await TopicAgents.open(bus, log)
  return agents.beside(file)
}
