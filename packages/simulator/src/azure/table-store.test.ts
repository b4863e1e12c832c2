import { describe, expect, test } from 'vitest'
import { discovery, rowsOf, ruleId, startForTest, stream } from './testing/client.ts'

describe('what is kept', () => {
  test('can be asked for one stream', async () => {
    const rules = [{ immutableId: ruleId, streams: { [stream]: discovery, 'Custom-Any': { columns: 'any' as const } } }]
    await using setup = await startForTest({ rules })
    await setup.upload(rowsOf('a'))
    await setup.upload([{ RecordId: 'b', Anything: 1 }], { stream: 'Custom-Any' })
    expect(setup.azure.stored()).toHaveLength(2)
    expect(setup.azure.stored('Custom-Any')).toMatchObject([{ row: { RecordId: 'b', Anything: 1 }, table: 'Any' }])
    expect(setup.azure.stored('Custom-None')).toEqual([])
  })

  test('is told as it comes, and the upload is answered when that is done', async () => {
    const told: unknown[] = []
    const taken = Promise.withResolvers<void>()
    await using setup = await startForTest({
      onStored: (rows) => {
        told.push(rows.map(({ row }) => row.RecordId))
        return taken.promise
      },
    })
    const first = setup.upload(rowsOf('a', 'b'))
    await expect.poll(() => told).toEqual([['a', 'b']])
    expect(setup.azure.requests[0]).toMatchObject({ stored: 2, status: 0 })
    taken.resolve()
    expect((await first).status).toBe(204)
    await setup.upload([])
    await setup.upload(rowsOf('c'))
    expect(told).toEqual([['a', 'b'], ['c']])
  })

  test('are the latest rows up to a bound; the rest is counted', async () => {
    await using setup = await startForTest({ rowsMax: 10 })
    const ids = Array.from({ length: 30 }, (_, index) => `r${index}`)
    for (const id of ids) await setup.upload(rowsOf(id))
    const kept = setup.azure.stored().map(({ row }) => row.RecordId)
    expect(kept).toEqual(ids.slice(-kept.length))
    expect(kept.length).toBeLessThanOrEqual(11)
    expect(setup.azure.rowsForgotten).toBe(30 - kept.length)
    expect(setup.azure.totals.stored).toBe(30)
    expect(setup.azure.ids.size).toBe(30)
  })

  test('is how often each record came, when only ids are kept, with the columns still looked at', async () => {
    await using setup = await startForTest({ keep: 'ids' })
    await setup.upload(rowsOf('a', 'b'))
    await setup.upload([...rowsOf('b', 'c'), { RecordId: 'd', Extra: 1 }, { AppName: 'no id' }])
    expect(setup.azure.stored()).toEqual([])
    expect(Object.fromEntries(setup.azure.ids)).toEqual({ a: 1, b: 2, c: 1, d: 1 })
    expect(setup.azure.rowsNotCounted).toBe(1)
    expect(setup.azure.totals.stored).toBe(6)
    expect(setup.azure.columnLosses).toEqual([{ stream, column: 'Extra', loss: 'dropped', rows: 1 }])
  })

  test('counts by another column where a table has no RecordId, and so many ids at most', async () => {
    const columns = [{ name: 'ExtID', type: 'string' }] as const
    const streams = {
      'Custom-McasActivities': { columns, idColumn: 'ExtID', outputStream: 'Microsoft-CommonSecurityLog' },
    }
    await using setup = await startForTest({ rules: [{ immutableId: ruleId, streams }], idsMax: 2 })
    const rows = ['x', 'y', 'z', 'x'].map((ExtID) => ({ ExtID }))
    await setup.upload(rows, { stream: 'Custom-McasActivities' })
    expect(Object.fromEntries(setup.azure.ids)).toEqual({ x: 2, y: 1 })
    expect(setup.azure.rowsNotCounted).toBe(1)
    expect(setup.azure.stored()[0]?.table).toBe('CommonSecurityLog')
  })
})
