/** Rows that come by HTTP: what becomes of good ones, bad ones and repeats. */
import { gzipSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { IntakeBench, ndjson, rowOf, startMs } from '../../testing/intake-bench.ts'

const bad = { ...rowOf(9), AppScore: 99 }

describe('rows by HTTP', () => {
  test('are records with their envelope, as received, once the answer comes', async () => {
    await using bench = await IntakeBench.http()
    const text = '{"AppName":"Box", "TimeGenerated":"2026-11-24T10:00:00Z", "RecordId":"r-1"}'
    const answer = await bench.post(text)
    expect([answer.status, await answer.json()]).toEqual([
      200,
      { accepted: 1, repeated: 0, rejected: [], rejectedTotal: 0 },
    ])
    const [record] = await bench.records()
    expect(record?.value.toString()).toBe(text)
    expect(record?.key).toBe('r-1')
    expect(record?.headers).toEqual({
      source: 'contoso',
      tenant: 'contoso',
      kind: 'discovery',
      shape: 'discovery-row',
      'received-ms': String(startMs),
    })
    expect(bench.source.status()).toMatchObject({
      state: 'collecting',
      streams: [{ kind: 'discovery', hasSucceeded: true, watermarkMs: startMs }],
    })
  })

  test.each([
    ['application/x-ndjson', ndjson(rowOf(1), rowOf(2))],
    ['application/ndjson; charset=UTF-8', ndjson(rowOf(1), rowOf(2))],
    ['application/json', JSON.stringify([rowOf(1), rowOf(2)])],
    [
      'text/csv; charset="utf-8"',
      'TimeGenerated,AppName,TotalEvents\n2026-11-24T10:00:00Z,Box,1\n2026-11-24T10:00:00Z,Box,2',
    ],
  ])('come as %s', async (type, body) => {
    await using bench = await IntakeBench.http()
    expect((await bench.post(body, { 'content-type': type })).status).toBe(200)
    expect((await bench.post(gzipSync(body), { 'content-type': type, 'content-encoding': 'gzip' })).status).toBe(200)
    expect(await bench.numbers()).toEqual([1, 2])
  })

  test('that are good are taken beside bad ones, which are named', async () => {
    await using bench = await IntakeBench.http()
    const answer = await bench.post(`${ndjson(rowOf(1), bad)}nonsense\n${ndjson(rowOf(4))}`)
    expect(await answer.json()).toEqual({
      accepted: 2,
      repeated: 0,
      rejected: [
        { line: 2, problems: ['AppScore: expected a whole number from 0 to 10, not 99'] },
        { line: 3, problems: ['the line is not JSON'] },
      ],
      rejectedTotal: 2,
    })
    expect(await bench.numbers()).toEqual([1, 4])
    const list = await bench.post(JSON.stringify([rowOf(1), bad]), { 'content-type': 'application/json' })
    expect(await list.json()).toMatchObject({ accepted: 0, repeated: 1, rejected: [{ index: 1 }] })
    expect(await bench.metric('siem_relay_intake_rejected_rows_total', { reason: 'columns', way: 'http' })).toBe(2)
    expect(await bench.metric('siem_relay_intake_rejected_rows_total', { reason: 'malformed' })).toBe(1)
    expect(await bench.metric('siem_relay_intake_rows_total', { result: 'accepted' })).toBe(2)
    expect(await bench.metric('siem_relay_intake_rows_total', { result: 'repeated' })).toBe(1)
    expect(await bench.metric('siem_relay_records_received_total', { kind: 'discovery' })).toBe(2)
  })

  test('that are bad are listed up to a hundred, and all counted', async () => {
    await using bench = await IntakeBench.http()
    const answer = await bench.post('x\n'.repeat(250))
    const { rejected, rejectedTotal } = (await answer.json()) as { rejected: unknown[]; rejectedTotal: number }
    expect([rejected.length, rejectedTotal]).toEqual([100, 250])
  })

  test('that are too long are named, and the next one is taken', async () => {
    await using bench = await IntakeBench.http({ maxRowBytes: 1_000 })
    const answer = await bench.post(ndjson(rowOf(1, { UserName: 'x'.repeat(2_000) }), rowOf(2)))
    expect(await answer.json()).toMatchObject({
      accepted: 1,
      rejected: [{ line: 1, problems: ['the row is longer than 1000 bytes'] }],
    })
    expect(await bench.metric('siem_relay_intake_rejected_rows_total', { reason: 'too_long' })).toBe(1)
  })

  test('twice in one body, in two, or across a restart are taken once', async () => {
    await using bench = await IntakeBench.http()
    await bench.post(ndjson(rowOf(1), rowOf(1), rowOf(2)))
    await bench.stop()
    await bench.start()
    expect(bench.source.status().streams[0]?.watermarkMs).toBe(startMs)
    const again = await bench.post(ndjson(rowOf(1), rowOf(2), rowOf(3)))
    expect(await again.json()).toMatchObject({ accepted: 1, repeated: 2 })
    expect(await bench.numbers()).toEqual([1, 2, 3])
  })

  test('that say the same are two where their maker gave them two ids', async () => {
    await using bench = await IntakeBench.http()
    const answer = await bench.post(ndjson(rowOf(1, { RecordId: 'a' }), rowOf(1, { RecordId: 'b' })))
    expect(await answer.json()).toMatchObject({ accepted: 2, repeated: 0 })
  })

  test('are remembered for a week', async () => {
    await using bench = await IntakeBench.http()
    await bench.post(ndjson(rowOf(1)))
    await bench.clock.advance(8 * 86_400_000)
    await bench.post(ndjson(rowOf(2)))
    expect(await (await bench.post(ndjson(rowOf(1)))).json()).toMatchObject({ accepted: 1, repeated: 0 })
  })

  test('many of them go through in transactions of limited size', async () => {
    await using bench = await IntakeBench.http()
    const answer = await bench.post(ndjson(...Array.from({ length: 1_200 }, (_, n) => rowOf(n))))
    expect(await answer.json()).toMatchObject({ accepted: 1_200 })
    expect(bench.commits).toBe(3)
  })

  test('posted at the same time by several are each taken once', async () => {
    await using bench = await IntakeBench.http()
    const rows = [0, 1, 2].map((n) => rowOf(n))
    const answers = await Promise.all([0, 1, 2, 3].map(async () => (await bench.post(ndjson(...rows))).json()))
    const sum = (name: 'accepted' | 'repeated') =>
      (answers as Record<string, number>[]).reduce((all, each) => all + Number(each[name]), 0)
    expect([sum('accepted'), sum('repeated')]).toEqual([3, 9])
    expect(await bench.numbers()).toEqual([0, 1, 2])
  })
})
