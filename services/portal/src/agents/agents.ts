/** All agents there are, and what is done with those of the portal. */
import { type AgentDefinition, type DecodedAgent, idSchema, type StoredAgent, tenantsOf } from '@siem-relay/common'
import type { World } from '@siem-relay/service-kit'
import type { PortalConfig } from '../config.ts'
import type { PortalParts } from '../context.ts'
import type { AgentCheck, AgentDetail, AgentNotification, AgentRow } from '../contract/agents.ts'
import { ApiError, invalid } from '../server/errors.ts'
import { Backlog } from './backlog.ts'
import { type Checked, type CheckRules, checkDefinition } from './check.ts'
import type { Forgetting } from './forgetting.ts'
import { hidden, notificationsOf, unreadable } from './notifications.ts'
import { changedPaths, withSecretsOf } from './secrets.ts'
import { standingOf } from './status.ts'
import type { StatusTable } from './status-table.ts'
import { type AgentStore, noAgent } from './store.ts'
import { newToken, type Tokens } from './tokens.ts'
import { detailOf, rowOf, unreadableRow } from './view.ts'

type Definition = Readonly<Record<string, unknown>>

export interface AgentsParts {
  readonly config: Pick<PortalConfig, 'allowCidrs'>
  readonly world: Pick<World, 'clock' | 'hostName'>
  readonly app: Pick<PortalParts, 'control' | 'fileAgents' | 'sources' | 'version'>
  readonly store: AgentStore
  readonly tokens: Tokens
  readonly statuses: StatusTable
  readonly forgetting: Forgetting
  readonly hasAccount: (name: string) => boolean
}

export class Agents {
  readonly #parts: AgentsParts
  readonly #backlog: Backlog
  /** Agents of the file, and when they were seen first: nothing else tells how old they are. */
  #seenMs: ReadonlyMap<string, number> = new Map()
  readonly #more: ((agent: AgentDefinition) => readonly AgentNotification[])[] = []

  constructor(parts: AgentsParts) {
    this.#parts = parts
    this.#backlog = new Backlog(parts.app.control, parts.world.clock)
    this.#see()
  }

  /** Those in force: the file's, then the portal's that can be read and that no agent of the file hides. */
  definitions(): readonly AgentDefinition[] {
    const { app, store } = this.#parts
    const file = app.fileAgents()
    const ids = new Set(file.map(({ id }) => id))
    return [...file, ...store.all().flatMap((entry) => ('agent' in entry && !ids.has(entry.id) ? [entry.agent] : []))]
  }

  tenants(): readonly string[] {
    return tenantsOf(this.#parts.app.sources())
  }

  states(): readonly AgentRow['state'][] {
    const { statuses, world } = this.#parts
    const nowMs = world.clock.nowMs()
    return this.definitions().map((agent) => standingOf(agent, statuses.of(agent.id), nowMs).state)
  }

  /** What another part of the portal knows of agents. */
  notifyAlso(notifications: (agent: AgentDefinition) => readonly AgentNotification[]): void {
    this.#more.push(notifications)
  }

  async rows(): Promise<readonly AgentRow[]> {
    const { app, store } = this.#parts
    this.#see()
    const lags = await this.#backlog.all()
    const file = app.fileAgents()
    const ids = new Set(file.map(({ id }) => id))
    return [
      ...file.map((agent) => this.#row(agent, undefined, lags)),
      ...store.all().flatMap((entry) => (ids.has(entry.id) ? [] : [this.#rowOfEntry(entry, lags)])),
    ]
  }

  /** @throws {ApiError} `not_found` */
  async detail(id: string): Promise<AgentDetail> {
    const lags = await this.#backlog.all()
    const own = this.#parts.app.fileAgents().find((agent) => agent.id === id)
    if (own !== undefined) return detailOf(this.#row(own, undefined, lags), own)
    const entry = this.#parts.store.get(id)
    if (entry === undefined) throw noAgent(id)
    return detailOf(this.#rowOfEntry(entry, lags), entry.stored?.definition ?? {})
  }

  /** A draft that has no id yet gets one, as it would when it is made. @throws {ApiError} `invalid` */
  draft(definition: Definition): AgentDefinition {
    return this.#accepted({ ...definition, id: definition.id ?? this.#idFor(definition.name) ?? 'draft' })
  }

  check(definition: Definition): AgentCheck {
    const { agent, ...answer } = this.#check({ ...definition, id: definition.id ?? this.#idFor(definition.name) })
    return answer
  }

  /** @returns the token too, the only time it is told. @throws {ApiError} `invalid`, `conflict` */
  async create(
    definition: Definition,
    by: string,
    wantsToken: boolean | undefined,
  ): Promise<{ readonly agent: AgentDetail; readonly token?: string }> {
    const whole = { ...definition, id: definition.id ?? this.#idFor(definition.name) }
    const { id, remote } = this.#accepted(whole)
    if (this.#parts.app.fileAgents().some((agent) => agent.id === id)) throw taken(id)
    const nowMs = this.#parts.world.clock.nowMs()
    const made = (wantsToken ?? remote) ? newToken(id, by, nowMs) : undefined
    await this.#parts.store.change(id, (before) => {
      if (before !== undefined) throw taken(id)
      return {
        version: 1,
        revision: 1,
        definition: whole,
        createdBy: by,
        createdMs: nowMs,
        updatedBy: by,
        updatedMs: nowMs,
        ...(made === undefined ? {} : { token: made.kept }),
      }
    })
    return { agent: await this.detail(id), ...(made === undefined ? {} : { token: made.token }) }
  }

  /** @returns what changed, for the audit log. @throws {ApiError} `invalid`, `conflict`, `not_found` */
  async edit(id: string, revision: number, definition: Definition, by: string): Promise<readonly string[]> {
    let changed: readonly string[] = []
    await this.#change(id, revision, by, (before) => {
      const after = withSecretsOf(before.definition, { ...definition, id: definition.id ?? id })
      if (after.id !== id)
        throw invalid([{ path: ['id'], message: 'the id names topics in the log and cannot change' }])
      this.#accepted(after)
      changed = changedPaths(before.definition, after)
      return after
    })
    return changed
  }

  /** @throws {ApiError} `conflict`, `not_found` */
  async enable(id: string, revision: number, enabled: boolean, by: string): Promise<void> {
    await this.#change(id, revision, by, ({ definition: { retire, ...rest } }) => {
      // One that retires delivers what is left, which a disabled one does not.
      const after = { ...rest, enabled, ...(enabled && retire !== undefined ? { retire } : {}) }
      if (enabled) this.#accepted(after)
      return after
    })
  }

  /** What is kept for it goes once nothing works for it any more. @throws {ApiError} `invalid`, `conflict`, `not_found` */
  async remove(id: string, revision: number, name: string): Promise<void> {
    this.#refuseFile(id)
    await this.#parts.store.change(id, (before) => {
      const current = this.#current(id, before, revision)
      const wanted = typeof current.definition.name === 'string' ? current.definition.name : id
      if (name !== wanted)
        throw invalid([{ path: ['name'], message: `type the name of the agent, ${wanted}, to delete it` }])
      return null
    })
    this.#parts.forgetting.add(id)
  }

  /** @throws {ApiError} `conflict` for an agent of the file, `not_found`. */
  refuseForeign(id: string): void {
    this.#refuseFile(id)
    if (this.#parts.store.get(id) === undefined) throw noAgent(id)
  }

  async #change(
    id: string,
    revision: number,
    by: string,
    next: (before: StoredAgent) => Record<string, unknown>,
  ): Promise<void> {
    this.#refuseFile(id)
    await this.#parts.store.change(id, (before) => {
      const current = this.#current(id, before, revision)
      return {
        ...current,
        revision: current.revision + 1,
        definition: next(current),
        updatedBy: by,
        updatedMs: this.#parts.world.clock.nowMs(),
      }
    })
  }

  #current(id: string, before: StoredAgent | undefined, revision: number): StoredAgent {
    if (before === undefined) throw noAgent(id)
    if (before.revision !== revision)
      throw new ApiError('conflict', `${before.updatedBy} has changed the agent in the meantime`, {
        nextMove: 'Load it again and make your change on what is there now.',
      })
    return before
  }

  #refuseFile(id: string): void {
    if (this.#parts.app.fileAgents().some((agent) => agent.id === id))
      throw new ApiError('conflict', `${id} is an agent of the configuration file`, {
        nextMove: 'Change it there; the relay follows the file while it runs.',
      })
  }

  #check(definition: Definition): Checked {
    return checkDefinition(definition, this.#rules())
  }

  #accepted(definition: Definition): AgentDefinition {
    const { agent, problems } = this.#check(definition)
    if (agent === undefined) throw invalid([...problems])
    return agent
  }

  #rules(): CheckRules {
    const { config, world, app } = this.#parts
    return {
      allowCidrs: config.allowCidrs,
      tenants: this.tenants(),
      hostName: world.hostName,
      version: app.version,
      nowMs: () => world.clock.nowMs(),
    }
  }

  /** Of the letters of the name; free. Undefined where there is no name to go by. */
  #idFor(name: unknown): string | undefined {
    if (typeof name !== 'string') return undefined
    const taken = new Set([...this.#parts.app.fileAgents(), ...this.#parts.store.all()].map(({ id }) => id))
    const letters = name.slice(0, 200).normalize('NFKD').toLowerCase()
    const base =
      letters
        .replace(/[^a-z0-9]+/g, '-')
        .replace(/^-+|-+$/g, '')
        .slice(0, 58) || 'agent'
    for (let suffix = 1; suffix < 10_000; suffix++) {
      const id = suffix === 1 ? base : `${base}-${suffix}`
      if (!taken.has(id) && idSchema.safeParse(id).success) return id
    }
    return undefined
  }

  #see(): void {
    const { app, world } = this.#parts
    const nowMs = world.clock.nowMs()
    this.#seenMs = new Map(app.fileAgents().map(({ id }) => [id, this.#seenMs.get(id) ?? nowMs]))
  }

  #rowOfEntry(entry: DecodedAgent, lags: Awaited<ReturnType<Backlog['all']>>): AgentRow {
    if ('agent' in entry) return this.#row(entry.agent, entry.stored, lags)
    const sinceMs = entry.stored?.updatedMs ?? this.#parts.world.clock.nowMs()
    return unreadableRow(entry.id, entry.stored, unreadable(entry.problem, sinceMs))
  }

  #row(agent: AgentDefinition, stored: StoredAgent | undefined, lags: Awaited<ReturnType<Backlog['all']>>): AgentRow {
    const { world, statuses, tokens, store, hasAccount, app } = this.#parts
    const nowMs = world.clock.nowMs()
    const standing = standingOf(agent, statuses.of(agent.id), nowMs)
    const types = new Set(app.sources().map(({ type }) => type))
    const hasTwins =
      types.has('graph-alerts') && (types.has('defender-for-cloud-apps') || types.has('defender-streaming'))
    const bornMs = stored?.updatedMs ?? this.#seenMs.get(agent.id) ?? nowMs
    const isHiding = stored === undefined && store.get(agent.id) !== undefined
    return rowOf({
      agent,
      stored,
      standing,
      lag: lags.get(agent.id),
      tokenUsedMs: stored?.token === undefined ? undefined : tokens.lastUsedMs(stored.token.id),
      notifications: [
        ...(isHiding ? [hidden(agent.id, bornMs)] : []),
        ...notificationsOf({ agent, stored, standing, hasOwner: hasAccount, hasTwins, bornMs, nowMs }),
        ...this.#more.flatMap((of) => of(agent)),
      ],
    })
  }
}

function taken(id: string): ApiError {
  return new ApiError('conflict', `there is an agent ${id} already`, { nextMove: 'Choose another name.' })
}
