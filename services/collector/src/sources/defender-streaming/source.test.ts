/** What becomes of rows and of messages that cannot be read. */
import { deadLettersTopic, rawTopic } from '@siem-relay/common'
import { describe, expect, test } from 'vitest'
import { message } from '../../testing/fake-foreign-log.ts'
import { event, StreamingBench, startMs } from '../../testing/streaming-bench.ts'

const info = (id: string) => ['AlertInfo', { AlertId: id, Title: 'x' }] as const
const evidence = (id: string, n = 1) =>
  ['AlertEvidence', { AlertId: id, EntityType: 'Ip', RemoteIP: `192.0.2.${n}` }] as const

describe('rows', () => {
  test('of CloudAppEvents become records as received, with their envelope', async () => {
    await using bench = await StreamingBench.open({ portalUrl: 'https://contoso.example/' })
    const properties = '{"ReportId":"r1", "n":-640236721980338696}'
    await bench.log.deliver(0, [
      `{"records":[{"category":"AdvancedHunting-CloudAppEvents","properties":${properties}}]}`,
    ])
    const [record] = await bench.records(rawTopic('contoso', 'activities'))
    expect(record?.value.toString()).toBe(properties)
    expect(record?.key).toBe('r1')
    expect(record?.headers).toEqual({
      source: 'contoso',
      tenant: 'contoso',
      kind: 'activities',
      shape: 'cloud-app-event',
      'received-ms': String(startMs),
      'portal-url': 'https://contoso.example',
    })
    expect(await bench.metric('siem_relay_records_received_total', { kind: 'activities' })).toBe(1)
  })

  test('that come twice, in one message or later, are taken once', async () => {
    await using bench = await StreamingBench.open()
    await bench.log.deliver(0, [message(event('r1'), event('r1')), message(event('r1'), event('r2'))])
    await bench.log.deliver(2, [message(event('r2'))])
    expect(await bench.keys('activities')).toEqual(['r1', 'r2'])
    expect(await bench.metric('siem_relay_source_rows_total', { result: 'repeated' })).toBe(3)
  })

  test('of tables nobody wants are counted and passed over', async () => {
    await using bench = await StreamingBench.open({ tables: ['CloudAppEvents'] })
    await bench.log.deliver(0, [message(['DeviceEvents', {}], info('a'), event('r1'))])
    await bench.pass(700_000)
    expect(await bench.keys('activities')).toEqual(['r1'])
    expect(await bench.metric('siem_relay_source_rows_total', { result: 'unwanted', table: 'other' })).toBe(1)
    expect(await bench.metric('siem_relay_source_rows_total', { result: 'unwanted', table: 'AlertInfo' })).toBe(1)
    expect(bench.source.status().streams.map(({ kind }) => kind)).toEqual(['activities'])
  })

  test('many in a message and many messages go through in transactions of limited size', async () => {
    await using bench = await StreamingBench.open()
    const before = bench.commits
    const values = Array.from({ length: 20 }, (_, m) =>
      message(...Array.from({ length: 100 }, (_, n) => event(`r${m}-${n}`, { text: 'x'.repeat(100) }))),
    )
    await bench.log.deliver(0, values)
    expect(await bench.keys('activities')).toHaveLength(2_000)
    expect(bench.commits - before).toBe(4)
    expect(bench.log.position()).toBe(20)
  })
})

describe('what cannot be read', () => {
  test.each([
    ['no JSON', 'hello', /not the expected JSON/, 'hello'],
    ['no records', '{"a":1}', /`records` is missing/, '{"a":1}'],
    ['an empty message', '', /not the expected JSON/, ''],
    ['a row without an id', message(['CloudAppEvents', {}]), /no usable ReportId/, '{}'],
    ['evidence without an alert', message(['AlertEvidence', { AlertId: 7 }]), /no usable AlertId/, '{"AlertId":7}'],
    ['a row without properties', message(['AlertInfo', null]), /no properties/, message(['AlertInfo', null])],
  ])('%s goes to dead-letters with its origin, and reading goes on', async (_, bad, reason, bytes) => {
    await using bench = await StreamingBench.open()
    await bench.log.deliver(7, [bad, message(event('r1'))])
    const [letter, ...others] = await bench.records(deadLettersTopic)
    expect(others).toEqual([])
    expect(letter?.value.toString()).toBe(bytes)
    expect(letter?.headers).toMatchObject({
      stage: 'collector/contoso',
      code: 'RELAY_RECORD_INVALID',
      reason: expect.stringMatching(reason),
      'origin-topic': 'xdr',
      'origin-partition': '0',
      'origin-offset': '7',
    })
    expect(await bench.keys('activities')).toEqual(['r1'])
    expect(await bench.metric('siem_relay_source_rows_total', { result: 'dead_lettered' })).toBe(1)
  })
})

describe('alerts', () => {
  test('leave as one record of their rows after the settle time, and once', async () => {
    await using bench = await StreamingBench.open()
    await bench.log.deliver(0, [message(info('a')), message(evidence('a', 1), evidence('a', 2))])
    await bench.pass(59_000)
    expect(await bench.keys('alerts')).toEqual([])
    const before = bench.commits
    await bench.pass(2_000, () => bench.commits > before)
    const [record] = await bench.records(rawTopic('contoso', 'alerts'))
    expect(record).toMatchObject({ key: 'a', headers: { kind: 'alerts', shape: 'xdr-alert' } })
    expect(JSON.parse(String(record?.value))).toEqual({
      AlertInfo: info('a')[1],
      AlertEvidence: [evidence('a', 1)[1], evidence('a', 2)[1]],
    })
    await bench.log.deliver(2, [message(evidence('a', 3))])
    await bench.pass(700_000)
    expect(await bench.keys('alerts')).toEqual(['a'])
    expect(await bench.metric('siem_relay_source_rows_total', { table: 'AlertEvidence', result: 'repeated' })).toBe(1)
  })

  test('come again with more evidence as a new version where updates are wanted', async () => {
    await using bench = await StreamingBench.open({ alertUpdates: 'all' })
    await bench.log.deliver(0, [message(info('a'), evidence('a', 1))])
    let before = bench.commits
    await bench.pass(61_000, () => bench.commits > before)
    await bench.log.deliver(1, [message(evidence('a', 2))])
    before = bench.commits
    await bench.pass(61_000, () => bench.commits > before)
    const versions = (await bench.records(rawTopic('contoso', 'alerts'))).map(({ headers }) => headers.version)
    expect(new Set(versions).size).toBe(2)
  })

  test('that wait survive a restart, which repeats none that left', async () => {
    await using bench = await StreamingBench.open()
    await bench.log.deliver(0, [message(info('a'), evidence('a')), message(info('b'))])
    await bench.stop()
    await bench.start()
    let before = bench.commits
    await bench.pass(61_000, () => bench.commits > before)
    expect(await bench.keys('alerts')).toEqual(['a'])
    await bench.stop()
    await bench.start()
    await bench.log.deliver(2, [message(info('a'), evidence('a'), evidence('b'))])
    before = bench.commits
    await bench.pass(2_000, () => bench.commits > before)
    expect(await bench.keys('alerts')).toEqual(['a', 'b'])
  })
})
