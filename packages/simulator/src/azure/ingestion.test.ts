/** Uploads that are answered 204, and what becomes of their rows. */
import { Readable } from 'node:stream'
import { gzipSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { receivedMs, rowsOf, ruleId, startForTest, stream, uuid } from './testing/client.ts'

describe('an upload', () => {
  test.each([false, true])('is answered 204 with nothing, and its rows are in the table; gzip: %s', async (isGzip) => {
    await using setup = await startForTest()
    const { status, text, headers } = await setup.upload(rowsOf('a', 'b'), { isGzip })
    expect({ status, text }).toEqual({ status: 204, text: '' })
    expect(headers['x-ms-request-id']).toMatch(uuid)
    expect(headers.date).toBe(new Date(receivedMs).toUTCString())
    expect(setup.azure.stored()).toEqual(
      rowsOf('a', 'b').map((row) => ({
        row,
        ruleId,
        stream,
        table: 'McasShadowItReporting_CL',
        requestId: headers['x-ms-request-id'],
        receivedMs,
        droppedColumns: [],
        nulledColumns: [],
        truncatedColumns: [],
        isTimeClamped: false,
      })),
    )
  })

  test('is written down with its bytes as sent and unpacked', async () => {
    await using setup = await startForTest()
    const rows = rowsOf('a', 'b', 'c')
    const clientRequestId = '0f8fad5b-d9cb-469f-a165-70867728950e'
    const { headers } = await setup.upload(rows, {
      isGzip: true,
      headers: { 'x-ms-client-request-id': clientRequestId },
    })
    expect(headers['x-ms-client-request-id']).toBe(clientRequestId)
    const [wireBytes, rawBytes] = [gzipSync(JSON.stringify(rows)).length, JSON.stringify(rows).length]
    expect(setup.azure.requests).toEqual([
      {
        atMs: receivedMs,
        requestId: headers['x-ms-request-id'],
        clientRequestId,
        ruleId,
        stream,
        encoding: 'gzip',
        wireBytes,
        rawBytes,
        rows: 3,
        status: 204,
        stored: 3,
        lost: 0,
      },
    ])
    expect(setup.azure.totals).toEqual({
      uploads: 1,
      statuses: { 204: 1 },
      wireBytes,
      rawBytes,
      wireBytesMax: wireBytes,
      stored: 3,
      lost: 0,
      storedUnanswered: 0,
    })
  })

  test('may spell its query percent-encoded', async () => {
    await using setup = await startForTest()
    expect((await setup.upload(rowsOf('a'), { query: 'api%2Dversion=2023-01-01' })).status).toBe(204)
  })

  test('of no rows is accepted: a way to ask whether one may', async () => {
    await using setup = await startForTest()
    expect((await setup.upload([])).status).toBe(204)
    expect(setup.azure.totals).toMatchObject({ stored: 0, lost: 0 })
  })

  test('may come in pieces without a length', async () => {
    await using setup = await startForTest()
    const reply = await setup.ask(`/dataCollectionRules/${ruleId}/streams/${stream}?api-version=2023-01-01`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${await setup.token()}` },
      body: Readable.from(['[{"RecordId":', '"a"}]']),
    })
    expect(reply.status).toBe(204)
    expect([...setup.azure.ids]).toEqual([['a', 1]])
  })

  test('tells which columns lost something, of which stream and in how many rows', async () => {
    await using setup = await startForTest()
    const old = new Date(receivedMs - 3 * 86_400_000).toISOString()
    await setup.upload([
      { RecordId: 'a', TotalBytes: '1', Extra: 1, AppName: 'x'.repeat(65_537) },
      { RecordId: 'b', TotalBytes: '2', TimeGenerated: old },
    ])
    expect(setup.azure.columnLosses).toEqual([
      { stream, column: 'Extra', loss: 'dropped', rows: 1 },
      { stream, column: 'TotalBytes', loss: 'nulled', rows: 2 },
      { stream, column: 'AppName', loss: 'truncated', rows: 1 },
      { stream, column: 'TimeGenerated', loss: 'clamped', rows: 1 },
    ])
    expect(setup.azure.stored()[0]).toMatchObject({
      droppedColumns: ['Extra'],
      nulledColumns: ['TotalBytes'],
      truncatedColumns: ['AppName'],
    })
  })
})

describe('a shape Azure accepts and forgets', () => {
  test('is one object instead of a list: 204, nothing stored', async () => {
    await using setup = await startForTest()
    expect((await setup.upload(rowsOf('a')[0])).status).toBe(204)
    expect(setup.azure.stored()).toEqual([])
    expect(setup.azure.totals).toMatchObject({ stored: 0, lost: 1 })
    expect(setup.azure.requests[0]).toMatchObject({ status: 204, rows: 1, stored: 0, lost: 1 })
  })

  test('is an item that is no object: 204, the others stored', async () => {
    await using setup = await startForTest()
    expect((await setup.upload([1, 'x', null, ['y'], ...rowsOf('a')])).status).toBe(204)
    expect(setup.azure.stored().map(({ row }) => row.RecordId)).toEqual(['a'])
    expect(setup.azure.totals).toMatchObject({ stored: 1, lost: 4 })
  })
})
