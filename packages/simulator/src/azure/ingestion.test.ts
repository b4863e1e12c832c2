import { Readable } from 'node:stream'
import { gzipSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import {
  discovery,
  otherRuleId,
  receivedMs,
  rowsOf,
  rule,
  ruleId,
  secretForm,
  startForTest,
  stranger,
  stream,
} from './testing/client.ts'

const uuid = /^[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}$/

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

describe('an upload is refused', () => {
  test.each([
    ['that is no JSON', '[{"RecordId":"a"}'],
    ['that is nothing', ''],
    ['that is a word', '"rows"'],
    ['that is null', 'null'],
    ['whose text is not UTF-8', Buffer.from('[{"RecordId":"\xe9"}]', 'latin1')],
  ])('with 400 %s', async (_, body) => {
    await using setup = await startForTest()
    const { status, code, headers } = await setup.upload(body)
    expect({ status, code }).toEqual({ status: 400, code: 'InvalidRequestContent' })
    expect(headers['x-ms-error-code']).toBe('InvalidRequestContent')
    expect(headers['x-ms-request-id']).toMatch(uuid)
    expect(setup.azure.requests[0]).toMatchObject({ status: 400, stored: 0, lost: 0 })
  })

  test('with 400 when it says gzip and is none, or names another encoding', async () => {
    await using setup = await startForTest()
    for (const encoding of ['gzip', 'br']) {
      const { status } = await setup.upload(rowsOf('a'), { headers: { 'content-encoding': encoding } })
      expect(status).toBe(400)
    }
    expect(setup.azure.totals.stored).toBe(0)
  })

  test.each([
    ['no api-version', { query: '' }, 400, 'InvalidApiVersion'],
    ['an api-version nobody knows', { query: 'api-version=2020-01-01' }, 400, 'InvalidApiVersion'],
    ['no token', { token: undefined }, 401, 'AuthenticationFailed'],
    ['a token somebody else made', { token: 'a.b.c' }, 401, 'AuthenticationFailed'],
    ['another content type', { headers: { 'content-type': 'text/plain' } }, 415, 'UnsupportedMediaType'],
    ['an unknown rule', { rule: otherRuleId }, 404, 'NotFound'],
    ['an unknown stream', { stream: 'Custom-Other' }, 400, 'InvalidStream'],
    ['the stream without its prefix', { stream: 'McasDiscovery' }, 400, 'InvalidStream'],
    ['another method', { method: 'PUT' as const }, 404, 'NotFound'],
  ])('for %s', async (_name, options, status, code) => {
    await using setup = await startForTest()
    const reply = await setup.upload(rowsOf('a'), options)
    expect({ status: reply.status, code: reply.code }).toEqual({ status, code })
    expect(setup.azure.totals.stored).toBe(0)
  })

  test('for a rule or a stream nobody knows with the status that is wanted', async () => {
    await using setup = await startForTest({ unknownRuleStatus: 400, unknownStreamStatus: 404 })
    expect((await setup.upload(rowsOf('a'), { rule: otherRuleId })).status).toBe(400)
    expect((await setup.upload(rowsOf('a'), { stream: 'Custom-Other' })).status).toBe(404)
  })

  test('with 401 once its token has lived long enough, or is for another cloud', async () => {
    let nowMs = receivedMs
    await using setup = await startForTest({ nowMs: () => nowMs, tokenSeconds: 60 })
    await setup.token()
    nowMs += 59_999
    expect((await setup.upload(rowsOf('a'))).status).toBe(204)
    nowMs += 1
    expect((await setup.upload(rowsOf('a'))).status).toBe(401)
    const foreign = await setup.askToken(secretForm({ scope: 'https://monitor.azure.us/.default' }))
    const { access_token: token } = JSON.parse(foreign.text) as { access_token: string }
    const reply = await setup.upload(rowsOf('a'), { token })
    expect(reply).toMatchObject({ status: 401, headers: { 'www-authenticate': 'Bearer' } })
    expect(reply.text).toContain('https://monitor.azure.us')
  })

  test('with 401 when all tokens were made to end; a new one is good', async () => {
    await using setup = await startForTest()
    await setup.token()
    setup.azure.expireTokens()
    expect((await setup.upload(rowsOf('a'))).status).toBe(401)
    const { access_token: token } = JSON.parse((await setup.askToken(secretForm())).text) as { access_token: string }
    expect((await setup.upload(rowsOf('a'), { token })).status).toBe(204)
  })

  test('with 403 OperationFailed for an application without the role on this rule', async () => {
    const allowed = { ...stranger, clientId: 'other', roles: [otherRuleId] }
    const rules = [rule, { immutableId: otherRuleId, streams: { [stream]: discovery } }]
    await using setup = await startForTest({ rules, credentials: [stranger, allowed] })
    const tokenOf = async (clientId: string): Promise<string> => {
      const form = secretForm({ client_id: clientId, client_secret: stranger.clientSecret })
      return (JSON.parse((await setup.askToken(form)).text) as { access_token: string }).access_token
    }
    const refused = await setup.upload(rowsOf('a'), { token: await tokenOf('stranger') })
    expect(refused).toMatchObject({ status: 403, code: 'OperationFailed' })
    expect(refused.text).toContain(
      `does not have access to ingest data for the data collection rule with immutable Id '${ruleId}'`,
    )
    const token = await tokenOf('other')
    expect((await setup.upload(rowsOf('a'), { token })).status).toBe(403)
    expect((await setup.upload(rowsOf('a'), { token, rule: otherRuleId })).status).toBe(204)
  })
})

describe('sizes', () => {
  const rowOf = (bytes: number): string => {
    const start = '[{"RecordId":"a","AppName":"'
    return `${start}${'x'.repeat(bytes - start.length - 3)}"}]`
  }

  test('1,048,576 bytes are taken, one more is refused in the words of Azure', async () => {
    await using setup = await startForTest()
    expect((await setup.upload(rowOf(1_048_576))).status).toBe(204)
    const { status, code, text } = await setup.upload(rowOf(1_048_577))
    expect({ status, code }).toEqual({ status: 413, code: 'ContentLengthLimitExceeded' })
    expect(text).toContain(
      'Maximum allowed content length: 1048576 bytes (1 MB). Provided content length: 1048577 bytes.',
    )
    expect(setup.azure.totals).toMatchObject({ stored: 1, wireBytesMax: 1_048_577 })
  })

  test('count as sent: what gzip makes small enough is taken', async () => {
    await using setup = await startForTest()
    expect((await setup.upload(rowOf(20_000_000), { isGzip: true })).status).toBe(204)
    expect(setup.azure.requests[0]).toMatchObject({ rawBytes: 20_000_000, stored: 1 })
    expect(setup.azure.requests[0]?.wireBytes).toBeLessThan(50_000)
  })

  test('after unpacking have a limit of their own', async () => {
    await using setup = await startForTest({ limits: { rawBytesMax: 1000 } })
    expect((await setup.upload(rowOf(1000), { isGzip: true })).status).toBe(204)
    const { status, code } = await setup.upload(rowOf(1001), { isGzip: true })
    expect({ status, code }).toEqual({ status: 413, code: 'PayloadSizeLimitExceeded' })
  })

  test('may be limited to less, so that little data meets the limit', async () => {
    await using setup = await startForTest({ limits: { wireBytesMax: 100 } })
    expect((await setup.upload(rowOf(100))).status).toBe(204)
    expect((await setup.upload(rowOf(101))).text).toContain('100 bytes. Provided content length: 101 bytes.')
  })

  test('a client that sends far too much still gets its 413', async () => {
    await using setup = await startForTest()
    expect((await setup.upload(Buffer.alloc(20_000_000, ' '))).status).toBe(413)
  })
})

describe('the budget of a rule', () => {
  test('is so many requests a minute, then 429 with the seconds to wait', async () => {
    let nowMs = receivedMs
    await using setup = await startForTest({ nowMs: () => nowMs, limits: { requestsPerMinute: 2 } })
    expect((await setup.upload(rowsOf('a'))).status).toBe(204)
    nowMs += 20_500
    expect((await setup.upload(rowsOf('b'))).status).toBe(204)
    const refused = await setup.upload(rowsOf('c'))
    expect(refused).toMatchObject({ status: 429, headers: { 'retry-after': '40' } })
    nowMs += 39_500
    expect((await setup.upload(rowsOf('c'))).status).toBe(204)
    expect([...setup.azure.ids.keys()]).toEqual(['a', 'b', 'c'])
  })

  test('is so many bytes of rows a minute', async () => {
    await using setup = await startForTest({ limits: { bytesPerMinute: 150 } })
    const statuses: number[] = []
    for (let count = 0; count < 4; count += 1) statuses.push((await setup.upload(rowsOf('a'), { isGzip: true })).status)
    // 77 bytes each: the one that crosses the limit passes.
    expect(JSON.stringify(rowsOf('a'))).toHaveLength(77)
    expect(statuses).toEqual([204, 204, 429, 429])
  })

  test('is its own: another rule has another', async () => {
    const rules = [rule, { immutableId: otherRuleId, streams: { [stream]: discovery } }]
    await using setup = await startForTest({ rules, limits: { requestsPerMinute: 1 } })
    expect((await setup.upload(rowsOf('a'))).status).toBe(204)
    expect((await setup.upload(rowsOf('a'))).status).toBe(429)
    expect((await setup.upload(rowsOf('a'), { rule: otherRuleId })).status).toBe(204)
  })

  test('an upload before its Retry-After has passed is noted, one after it is not', async () => {
    let nowMs = receivedMs
    const rules = [rule, { immutableId: otherRuleId, streams: { [stream]: discovery } }]
    await using setup = await startForTest({ rules, nowMs: () => nowMs })
    setup.azure.faults.add({ type: 'throttle', retryAfterSeconds: 30 })
    await setup.upload(rowsOf('a'))
    nowMs += 29_000
    await setup.upload(rowsOf('a'), { rule: otherRuleId })
    expect(setup.azure.earlyUploads).toEqual([])
    const { headers } = await setup.upload(rowsOf('a'))
    const early = { atMs: nowMs, allowedAtMs: receivedMs + 30_000, requestId: headers['x-ms-request-id'], ruleId }
    expect(setup.azure.earlyUploads).toEqual([early])
    nowMs += 1000
    await setup.upload(rowsOf('a'))
    expect(setup.azure.earlyUploads).toEqual([early])
  })
})

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
