/** Tokens of agents that run elsewhere: `sra_<agent id>_<secret>`, 256 random bits, shown once. The topic has their SHA-256: the
 *  entropy is high, so nothing slower is needed. One that is revoked or replaced ends as soon as the change is seen here. */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'
import type { DatabaseSync } from 'node:sqlite'
import type { AgentDefinition, Clock, StoredAgent, StoredAgentToken } from '@siem-relay/common'
import type { OwnedTokens } from '../access/account-routes.ts'
import { ApiError } from '../server/errors.ts'
import { type AgentStore, noAgent } from './store.ts'

/** Whose token it is. */
export interface TokenHolder {
  readonly agent: AgentDefinition
  readonly tokenId: string
  readonly owner: string
}

/** Use is written down at most so often. */
const touchMs = 60_000
const tokenPattern = /^sra_([a-z0-9][a-z0-9_-]{0,63})_[A-Za-z0-9_-]{43}$/
const noHash = Buffer.alloc(32)

export class Tokens implements OwnedTokens {
  readonly #store: AgentStore
  readonly #database: DatabaseSync
  readonly #clock: Pick<Clock, 'nowMs'>
  readonly #usedMs = new Map<string, number>()

  constructor(store: AgentStore, database: DatabaseSync, clock: Pick<Clock, 'nowMs'>) {
    this.#store = store
    this.#database = database
    this.#clock = clock
  }

  /** @returns undefined for a token that is none, is not the one in force, or is of an agent that is not there any more. */
  verify(token: string): TokenHolder | undefined {
    const id = token.length > 200 ? undefined : tokenPattern.exec(token)?.[1]
    const entry = id === undefined ? undefined : this.#store.get(id)
    const expected = entry?.stored?.token
    // Also for an agent that is not there: the time of the answer tells nothing.
    const isRight = timingSafeEqual(
      expected === undefined ? noHash : Buffer.from(expected.hash, 'hex'),
      createHash('sha256').update(token).digest(),
    )
    if (!isRight || expected === undefined || entry === undefined || !('agent' in entry)) return undefined
    this.#touch(expected.id)
    return { agent: entry.agent, tokenId: expected.id, owner: expected.owner }
  }

  /** Calls back when a token has ended: an open request that came with it has to end too. The returned function ends that. */
  onEnd(
    { agent, tokenId }: { readonly agent: Pick<AgentDefinition, 'id'>; readonly tokenId: string },
    end: () => void,
  ): () => void {
    return this.#store.onChange((id) => {
      if (id === agent.id && this.#store.get(id)?.stored?.token?.id !== tokenId) end()
    })
  }

  lastUsedMs(tokenId: string): number | undefined {
    const known = this.#usedMs.get(tokenId)
    if (known !== undefined) return known
    const row = this.#database.prepare('select used_ms from token_use where id = ?').get(tokenId)
    return row === undefined ? undefined : Number(row.used_ms)
  }

  /** A new one; the one before ends. @returns the token, which is not kept. */
  async issue(id: string, owner: string): Promise<string> {
    const { token, kept } = newToken(id, owner, this.#clock.nowMs())
    await this.#change(id, owner, () => kept)
    return token
  }

  async revoke(id: string, by: string): Promise<void> {
    await this.#change(id, by, () => undefined)
  }

  /** It stays as it is and becomes the caller's. */
  async takeOverOne(id: string, by: string): Promise<void> {
    await this.#change(id, by, (token) => {
      if (token === undefined) throw new ApiError('conflict', 'the agent has no token', { nextMove: 'Make one.' })
      return { ...token, owner: by }
    })
  }

  ofOwner(owner: string): readonly { readonly id: string; readonly name: string }[] {
    return this.#store
      .all()
      .filter(({ stored }) => stored?.token?.owner === owner)
      .map(({ id, stored }) => ({
        id,
        name: typeof stored?.definition.name === 'string' ? stored.definition.name : id,
      }))
  }

  async takeOver(owner: string, by: string): Promise<void> {
    for (const { id } of this.ofOwner(owner)) await this.takeOverOne(id, by)
  }

  async revokeAll(owner: string, by: string): Promise<void> {
    for (const { id } of this.ofOwner(owner)) await this.revoke(id, by)
  }

  async #change(
    id: string,
    by: string,
    next: (token: StoredAgentToken | undefined) => StoredAgentToken | undefined,
  ): Promise<void> {
    await this.#store.change(id, (before) => {
      if (before === undefined) throw noAgent(id)
      const { token, ...rest } = before
      const after = next(token)
      return {
        ...rest,
        revision: before.revision + 1,
        updatedBy: by,
        updatedMs: this.#clock.nowMs(),
        ...(after === undefined ? {} : { token: after }),
      }
    })
  }

  #touch(tokenId: string): void {
    const nowMs = this.#clock.nowMs()
    if (nowMs - (this.#usedMs.get(tokenId) ?? Number.NEGATIVE_INFINITY) < touchMs) return
    this.#usedMs.set(tokenId, nowMs)
    this.#database
      .prepare(
        'insert into token_use (id, used_ms) values (?, ?) on conflict (id) do update set used_ms = excluded.used_ms',
      )
      .run(tokenId, nowMs)
  }
}

export function newToken(
  id: string,
  owner: string,
  nowMs: number,
): { readonly token: string; readonly kept: NonNullable<StoredAgent['token']> } {
  const token = `sra_${id}_${randomBytes(32).toString('base64url')}`
  const hash = createHash('sha256').update(token).digest('hex')
  return { token, kept: { id: randomBytes(6).toString('hex'), hash, owner, createdMs: nowMs } }
}
