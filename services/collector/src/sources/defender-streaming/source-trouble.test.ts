/** Either log failing: nothing is lost, nothing taken twice, and the status says what is wrong. */
import { RelayError } from '@siem-relay/common'
import { describe, expect, test } from 'vitest'
import { message } from '../../testing/fake-foreign-log.ts'
import { event, StreamingBench, startMs } from '../../testing/streaming-bench.ts'

describe('trouble', () => {
  test('a broken connection is told, and read again from the last commit after a pause', async () => {
    await using bench = await StreamingBench.open()
    await bench.log.deliver(0, [message(event('r1'))])
    bench.log.fail(new RelayError('RELAY_SOURCE_UNAVAILABLE', 'hub.example:9093 could not be read'))
    await bench.until(() => !bench.log.isRead)
    await bench.until(() => bench.source.status().state === 'waiting')
    expect(bench.source.status().streams[0]?.watermarkMs).toBe(startMs)
    await bench.pass(5_000, () => bench.log.isRead)
    expect(bench.log.position()).toBe(1)
    expect(bench.source.status().streams[0]?.watermarkMs).toBe(bench.clock.nowMs())
    expect(bench.source.status()).toMatchObject({ state: 'collecting', lastError: undefined })
  })

  test('refused credentials are an error with its next move, tried again a minute later', async () => {
    await using bench = await StreamingBench.open()
    bench.log.boundsError = new RelayError('RELAY_SOURCE_AUTH', 'refused')
    bench.log.fail(new RelayError('RELAY_SOURCE_UNAVAILABLE', 'closed'))
    await bench.until(() => bench.source.status().state === 'waiting')
    await bench.pass(5_000, () => bench.source.status().state === 'error')
    expect(bench.source.status().streams[0]?.watermarkMs).toBe(startMs)
    expect(bench.source.status().lastError).toMatchObject({ code: 'RELAY_SOURCE_AUTH' })
    bench.log.boundsError = undefined
    await bench.pass(121_000, () => bench.log.isRead)
    expect(bench.source.status().state).toBe('collecting')
  })

  test('a full log takes nothing: the batch waits, and nothing of it is lost', async () => {
    await using bench = await StreamingBench.open()
    bench.isOpen = false
    let isTaken = false
    const taken = bench.log.deliver(0, [message(event('r1'))]).then(() => {
      isTaken = true
    })
    await bench.pass(10_000, () => bench.source.status().state === 'waiting')
    expect([isTaken, bench.source.status().lastError?.code]).toEqual([false, 'RELAY_LOG_FULL'])
    bench.isOpen = true
    await bench.clock.advance(1_000)
    await taken
    expect(await bench.keys('activities')).toEqual(['r1'])
  })

  test('a commit that failed is made again, once', async () => {
    await using bench = await StreamingBench.open()
    bench.commitError = new RelayError('RELAY_LOG_WRITE', 'no')
    const taken = bench.log.deliver(0, [message(event('r1'))])
    await bench.until(() => bench.source.status().state === 'waiting')
    await bench.clock.advance(1_000)
    await taken
    expect(await bench.keys('activities')).toEqual(['r1'])
  })

  test('another owner of the place in the log ends this life, with nothing of the batch kept', async () => {
    await using bench = await StreamingBench.open()
    bench.commitError = new RelayError('RELAY_BUS_FENCED', 'another')
    const taken = bench.log.deliver(0, [message(event('r1'))])
    await expect(taken).rejects.toMatchObject({ code: 'RELAY_BUS_FENCED' })
    bench.log.fail(new RelayError('RELAY_BUS_FENCED', 'another'))
    await expect(bench.ended).rejects.toMatchObject({ code: 'RELAY_BUS_FENCED' })
    expect(await bench.keys('activities')).toEqual([])
  })

  test('partitions that another reader of the group holds are told', async () => {
    await using bench = await StreamingBench.open()
    bench.log.partitions = [0, 1].map((partition) => ({ topic: 'xdr', partition, start: 0, end: 0 }))
    bench.log.assignment = [{ topic: 'xdr', partition: 0 }]
    await bench.stop()
    await bench.start()
    expect(bench.source.status()).toMatchObject({
      state: 'error',
      lastError: { message: expect.stringMatching(/1 of 2 partitions in the consumer group \$Default/) },
    })
  })
})
