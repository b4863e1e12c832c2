/** What the doctor writes and sends is what the tables take. */
import { type EventKind, problemOfRow, sentinelTables } from '@siem-relay/common'
import { describe, expect, test } from 'vitest'
import { canaryOf } from './canary.ts'
import { sampleRows } from './samples.ts'

const kinds = Object.keys(sentinelTables) as EventKind[]
const nowMs = Date.UTC(2026, 10, 24, 12)

describe.each(kinds)('%s', (kind) => {
  test('a canary loses nothing in its table, and is found by its query', () => {
    const { row, id, query } = canaryOf(kind, 'b1f7', nowMs)
    expect(problemOfRow(kind, row)).toBeUndefined()
    expect(JSON.stringify(row)).toContain('siem-relay doctor')
    expect(row).toMatchObject({ [sentinelTables[kind].idColumn]: id, TimeGenerated: '2026-11-24T12:00:00.000Z' })
    expect(query).toBe(
      `${sentinelTables[kind].table} | where TimeGenerated > ago(1h) and ${sentinelTables[kind].idColumn} == "canary:b1f7"`,
    )
  })

  test('samples fit their table, and the first has every column', () => {
    const rows = sampleRows(kind, nowMs)
    expect(rows).toHaveLength(10)
    for (const row of rows) expect(problemOfRow(kind, row)).toBeUndefined()
    expect(Object.keys(rows[0] ?? {})).toEqual(Object.keys(sentinelTables[kind].columns))
    expect(Object.values(rows[0] ?? {})).not.toContain(null)
    expect(sampleRows(kind, nowMs)).toEqual(rows)
  })
})
