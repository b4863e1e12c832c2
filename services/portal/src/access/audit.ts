/** The audit log: who changed what, from where. Names and details are text others wrote: what steers terminals is taken out of it,
 *  and it is cut. */
import type { DatabaseSync } from 'node:sqlite'
import { type Clock, printable } from '@siem-relay/common'
import type { World } from '@siem-relay/service-kit'
import type { AuditEntry } from '../contract/access.ts'
import type { AuditNote } from '../server/route.ts'

const entriesMax = 100_000
const textLengthMax = 1_000
/** Entries beyond the most are removed once in so many. */
const sweepEvery = 1_000

export class AuditLog {
  readonly #database: DatabaseSync
  readonly #clock: Pick<Clock, 'nowMs'>
  readonly #log: Pick<World['log'], 'info'>
  #sinceSweep = sweepEvery

  constructor(database: DatabaseSync, clock: Pick<Clock, 'nowMs'>, log: Pick<World['log'], 'info'>) {
    this.#database = database
    this.#clock = clock
    this.#log = log
  }

  note({ actor, action, subject, detail, address }: AuditNote): void {
    const entry = {
      actor: clean(actor),
      action,
      ...(subject === undefined ? {} : { subject: clean(subject) }),
      ...(detail === undefined ? {} : { detail: clean(detail) }),
      ...(address === undefined ? {} : { address: clean(address) }),
    }
    this.#database
      .prepare('insert into audit (at_ms, actor, action, subject, detail, address) values (?, ?, ?, ?, ?, ?)')
      .run(this.#clock.nowMs(), entry.actor, action, entry.subject ?? null, entry.detail ?? null, entry.address ?? null)
    this.#log.info(entry, 'portal: noted')
    if (++this.#sinceSweep >= sweepEvery) {
      this.#sinceSweep = 0
      this.#database.prepare('delete from audit where id <= (select max(id) from audit) - ?').run(entriesMax)
    }
  }

  /** Newest first. */
  page({ before, limit }: { readonly before?: string | undefined; readonly limit: number }): {
    readonly entries: readonly AuditEntry[]
    readonly next?: string
  } {
    const rows = this.#database
      .prepare('select * from audit where id < ? order by id desc limit ?')
      .all(before === undefined ? Number.MAX_SAFE_INTEGER : Number(before), limit + 1)
    const entries = rows.slice(0, limit).map(entryOf)
    const last = entries.at(-1)
    return { entries, ...(rows.length > limit && last !== undefined ? { next: last.id } : {}) }
  }
}

function clean(text: string): string {
  const short = text.length > textLengthMax ? `${text.slice(0, textLengthMax - 1)}…` : text
  return printable(short)
}

function entryOf(row: Record<string, unknown>): AuditEntry {
  const optional = (name: string): object => (row[name] === null ? {} : { [name]: String(row[name]) })
  return {
    id: String(row.id),
    atMs: Number(row.at_ms),
    actor: String(row.actor),
    action: String(row.action),
    ...optional('subject'),
    ...optional('detail'),
    ...optional('address'),
  }
}
