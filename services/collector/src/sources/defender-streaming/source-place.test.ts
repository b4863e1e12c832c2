/** From where the log is read, and what is told of messages that expired. */
import { deadLettersTopic } from '@siem-relay/common'
import { describe, expect, test } from 'vitest'
import { message } from '../../testing/fake-foreign-log.ts'
import { event, StreamingBench, startMs } from '../../testing/streaming-bench.ts'

describe('the place in the log', () => {
  test('a restart goes on behind what was committed, and drops what is fetched from before', async () => {
    await using bench = await StreamingBench.open()
    await bench.log.deliver(0, [message(event('r1')), message(event('r2'))])
    await bench.stop()
    bench.log.partitions = [{ topic: 'xdr', partition: 0, start: 0, end: 3 }]
    await bench.start()
    expect(bench.log.position()).toBe(2)
    const before = bench.commits
    await bench.log.deliver(0, [message(event('never seen, but passed')), 'not even JSON'])
    expect(bench.commits).toBe(before)
    await bench.log.deliver(1, ['not even JSON', message(event('r3'))])
    expect(await bench.keys('activities')).toEqual(['r1', 'r2', 'r3'])
    expect(await bench.records(deadLettersTopic)).toEqual([])
  })

  test('a first run asks for the offset of lookback ago, or begins with the oldest', async () => {
    await using bench = await StreamingBench.open({ lookback: 'PT1H' })
    expect(bench.log.askedAtMs).toEqual([startMs - 3_600_000])
    await using other = await StreamingBench.open({ start: 'earliest' })
    expect(other.log.askedAtMs).toEqual([undefined])
  })

  test('the start of a first run stays where it was, though nothing was read', async () => {
    await using bench = await StreamingBench.open()
    await bench.stop()
    bench.log.partitions = [{ topic: 'xdr', partition: 0, start: 0, end: 9, at: 5 }]
    await bench.start()
    expect(bench.log.position()).toBe(0)
  })

  test('what expired while the source was away, or before it was read, is told with its extent', async () => {
    await using bench = await StreamingBench.open()
    await bench.log.deliver(0, [message(event('r1'))])
    await bench.stop()
    bench.log.partitions = [{ topic: 'xdr', partition: 0, start: 10, end: 20 }]
    await bench.start()
    expect(await bench.metric('siem_relay_source_expired_messages_total')).toBe(9)
    await bench.log.deliver(15, [message(event('r2'))])
    expect(await bench.metric('siem_relay_source_expired_messages_total')).toBe(14)
    const told = bench.world.entries.filter(({ msg }) => msg === 'messages expired before they were read')
    expect(told.at(-1)).toMatchObject({ topic: 'xdr', partition: 0, from: 10, until: 15 })
  })

  test('what expired is in the status as a time that cannot be read again, also after a restart', async () => {
    await using bench = await StreamingBench.open()
    await bench.log.deliver(0, [message(event('r1'))])
    expect(bench.source.status().streams.map(({ gaps }) => gaps)).toEqual([[], []])
    await bench.stop()
    bench.log.partitions = [{ topic: 'xdr', partition: 0, start: 10, end: 20 }]
    await bench.start()
    // The last message that was read was appended at 1 s; what is left has not been read yet.
    const gap = { fromMs: 1_000, toMs: startMs, reason: 'expired', state: 'unverifiable', sinceMs: startMs }
    expect(bench.source.status().streams.map(({ gaps }) => gaps)).toEqual([[gap], [gap]])
    expect(await bench.metric('siem_relay_source_gap_changes_total', { change: 'unverifiable' })).toBe(2)
    await bench.world.metrics.metrics()
    expect(await bench.metric('siem_relay_source_gaps', { state: 'unverifiable', kind: 'alerts' })).toBe(1)
    await bench.stop()
    await bench.start()
    expect(bench.source.status().streams[0]?.gaps).toEqual([gap])
    expect(await bench.metric('siem_relay_source_gap_changes_total')).toBe(0)
  })

  test('of what expired while it is read, the time until the next message is told', async () => {
    await using bench = await StreamingBench.open()
    await bench.log.deliver(0, [message(event('r1'))])
    const later = [{ offset: 5, value: Buffer.from(message(event('r2'))), appendedMs: 4_000 }]
    await bench.log.deliver(5, [], { records: later, end: 6 })
    expect(bench.source.status().streams[0]?.gaps).toMatchObject([{ fromMs: 1_000, toMs: 4_000 }])
    expect(await bench.keys('activities')).toEqual(['r1', 'r2'])
  })
})
