/** Twins that were left out, newest first, as the formatter told of them in `discarded`. */
import type { DatabaseSync, SQLInputValue, StatementSync } from 'node:sqlite'
import { letterHeaders } from '@siem-relay/common'
import { z } from 'zod'
import type { Duplicate } from '../contract/records.ts'
import { type Batch, type Counts, type Model, noCounts, type ReadRecord } from './model.ts'

const evidenceMax = 20
const textMax = 500

const shortText = z.string().transform((text) => text.toWellFormed().slice(0, textMax))
const nameSchema = z.object({ id: shortText, source: shortText.optional(), product: shortText.optional() })
/** What the formatter writes; anyone with rights on the topic may have written something else. */
const toldSchema = z.object({
  discarded: nameSchema,
  kept: nameSchema,
  matched: z.array(shortText).transform((matched) => matched.slice(0, evidenceMax)),
  distanceMs: z.number().min(0),
  policy: shortText,
})

export class DuplicatesModel implements Model {
  readonly #insert: StatementSync

  constructor(db: DatabaseSync) {
    this.#insert = db.prepare(
      'INSERT OR IGNORE INTO duplicates(at_ms, part, place, agent, told) VALUES (?, ?, ?, ?, ?)',
    )
  }

  add({ partition, records }: Batch): Counts {
    const counts = noCounts()
    for (const record of records) {
      if (record.headers[letterHeaders.reason] !== 'duplicate') {
        counts.other++
        continue
      }
      const told = read(record)
      if (told === undefined) {
        counts.unreadable++
        continue
      }
      const agent = (record.headers[letterHeaders.agent] ?? '').slice(0, textMax)
      this.#insert.run(record.appendedMs, partition, record.offset, agent, JSON.stringify(told))
      counts.counted++
    }
    return counts
  }

  forget(): void {}
}

function read({ value }: ReadRecord): z.output<typeof toldSchema> | undefined {
  try {
    return toldSchema.safeParse(JSON.parse(new TextDecoder().decode(value))).data
  } catch {
    return undefined
  }
}

export interface DuplicatesQuery {
  readonly agent?: string | undefined
  /** `next` of the page before. */
  readonly before?: string | undefined
  readonly limit: number
}

export interface DuplicatesPage {
  readonly duplicates: readonly Duplicate[]
  readonly next?: string
  readonly total: number
}

export function listDuplicates(db: DatabaseSync, { agent, before, limit }: DuplicatesQuery): DuplicatesPage {
  const ofAgent = agent === undefined ? '' : 'AND agent = ?'
  const named: readonly SQLInputValue[] = agent === undefined ? [] : [agent]
  const place = /^(\d{1,15})-(\d{1,6})-(\d{1,15})$/.exec(before ?? '')
  const behind = place === null ? '' : 'AND (at_ms, part, place) < (?, ?, ?)'
  const rows = db
    .prepare(
      `SELECT * FROM duplicates WHERE 1 ${ofAgent} ${behind} ORDER BY at_ms DESC, part DESC, place DESC LIMIT ${limit + 1}`,
    )
    .all(...named, ...(place ?? []).slice(1).map(Number))
  const duplicates = rows.slice(0, limit).map((row): Duplicate => {
    const { discarded, kept, matched, distanceMs, policy } = toldSchema.parse(JSON.parse(String(row.told)))
    return {
      id: `${row.at_ms}-${row.part}-${row.place}`,
      atMs: Number(row.at_ms),
      agent: String(row.agent),
      policy,
      leftOut: discarded,
      kept,
      evidence: matched.map((text) => {
        const colon = text.indexOf(':')
        return { key: text.slice(0, Math.max(0, colon)), value: text.slice(colon + 1) }
      }),
      distanceSeconds: distanceMs / 1_000,
    }
  })
  const last = duplicates.at(-1)
  return {
    duplicates,
    ...(rows.length > limit && last !== undefined ? { next: last.id } : {}),
    total: Number(db.prepare(`SELECT count(*) AS n FROM duplicates WHERE 1 ${ofAgent}`).get(...named)?.n),
  }
}
