/** A log or a port that is not to be had: what clients are told, and that nothing is lost or taken twice. */
import { RelayError } from '@siem-relay/common'
import { describe, expect, test } from 'vitest'
import { IntakeBench, ndjson, rowOf, startMs, token } from '../../testing/intake-bench.ts'
import { rawRequest, requestHead } from '../../testing/raw-request.ts'
import { serve } from '../../testing/servers.ts'

describe('trouble', () => {
  test('a log that takes nothing: come again; what was told to come again is taken once', async () => {
    await using bench = await IntakeBench.http()
    bench.isOpen = false
    const answer = await bench.post(ndjson(rowOf(1)))
    expect([answer.status, answer.headers.get('retry-after')]).toEqual([503, '10'])
    expect(((await answer.json()) as { error: string }).error).toMatch(/the log takes no records: disk is full/)
    expect(await bench.numbers()).toEqual([])
    bench.isOpen = true
    expect(await (await bench.post(ndjson(rowOf(1)))).json()).toMatchObject({ accepted: 1 })
  })

  test('a commit that fails is made again; the client that waits gets its answer', async () => {
    await using bench = await IntakeBench.http()
    bench.beforeCommit = () => {
      throw new RelayError('RELAY_LOG_WRITE', 'no')
    }
    const waiting = bench.post(ndjson(rowOf(1)))
    await bench.until(() => bench.source.status().state === 'waiting')
    expect(bench.source.status().lastError).toMatchObject({ code: 'RELAY_LOG_WRITE' })
    const other = await bench.post(ndjson(rowOf(2)))
    expect(other.status).toBe(503)
    bench.beforeCommit = () => undefined
    await bench.clock.advance(1_000)
    expect(await (await waiting).json()).toMatchObject({ accepted: 1 })
    expect(bench.source.status().state).toBe('collecting')
    expect(await bench.numbers()).toEqual([1])
  })

  test('a client that waited too long is told to come again, and finds its rows taken', async () => {
    await using bench = await IntakeBench.http()
    await bench.post(ndjson(rowOf(0)))
    await bench.clock.advance(7_000)
    expect(await bench.metric('siem_relay_checkpoint_age_seconds')).toBe(0)
    bench.beforeCommit = () => {
      throw new RelayError('RELAY_LOG_WRITE', 'no')
    }
    const waiting = bench.post(ndjson(rowOf(1)))
    await bench.until(() => bench.source.status().state === 'waiting')
    await bench.clock.advance(30_000)
    expect((await waiting).status).toBe(503)
    expect(bench.source.status().streams[0]?.watermarkMs).toBe(startMs)
    expect(await bench.metric('siem_relay_checkpoint_age_seconds')).toBe(37)
    bench.beforeCommit = () => undefined
    await bench.clock.advance(1_000)
    await bench.until(() => bench.source.status().state === 'collecting')
    expect(await (await bench.post(ndjson(rowOf(1)))).json()).toMatchObject({ accepted: 0, repeated: 1 })
    expect(await bench.numbers()).toEqual([0, 1])
  })

  test('another owner of the place in the log ends this life; clients are told to come again', async () => {
    await using bench = await IntakeBench.http()
    bench.beforeCommit = () => {
      throw new RelayError('RELAY_BUS_FENCED', 'another')
    }
    const answer = await bench.post(ndjson(rowOf(1)))
    expect(answer.status).toBe(503)
    await expect(bench.ended).rejects.toMatchObject({ code: 'RELAY_BUS_FENCED' })
    await expect(fetch(bench.url)).rejects.toThrow()
    expect(await bench.numbers()).toEqual([])
  })

  test('a stop answers who waits, and lets go of the port', async () => {
    await using bench = await IntakeBench.http()
    bench.beforeCommit = () => {
      throw new RelayError('RELAY_LOG_WRITE', 'no')
    }
    const waiting = bench.post(ndjson(rowOf(1)))
    await bench.until(() => bench.source.status().state === 'waiting')
    const slow = await rawRequest(bench.url, requestHead(1_000))
    const refused = await rawRequest(bench.url, requestHead(1_000).replace(token, 'wrong'))
    await bench.stop()
    expect((await waiting).status).toBe(503)
    await bench.until(() => slow.socket.closed && refused.socket.closed)
    await expect(fetch(bench.url)).rejects.toThrow()
    expect(bench.clock.pending).toBe(0)
  })

  test('a port that somebody else has is an error with its next move, and taken once it is free', async () => {
    const other = await serve((_, response) => response.end())
    await using bench = await IntakeBench.open({ http: { listen: `127.0.0.1:${other.port}`, token } })
    expect(bench.source.status()).toMatchObject({
      state: 'error',
      streams: [{ hasSucceeded: false }],
      lastError: {
        code: 'RELAY_LISTEN_FAILED',
        message: expect.stringContaining('another process holds it'),
        nextMove: expect.stringContaining('free port'),
      },
    })
    await other[Symbol.asyncDispose]()
    await bench.clock.advance(2_000)
    await bench.until(() => bench.source.status().state === 'collecting')
    expect((await bench.post(ndjson(rowOf(1)))).status).toBe(200)
  })
})
