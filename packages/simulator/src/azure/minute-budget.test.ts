import { describe, expect, test } from 'vitest'
import { discovery, otherRuleId, receivedMs, rowsOf, rule, ruleId, startForTest, stream } from './testing/client.ts'

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
