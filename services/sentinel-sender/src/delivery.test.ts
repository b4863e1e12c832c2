/** What becomes of a batch, whatever Azure answers. The clock moves by itself: whoever waits has waited. */
import type { Clock, RelayError } from '@siem-relay/common'
import { describe, expect, test } from 'vitest'
import type { Answer } from './client.ts'
import { type DeliveryPorts, deliver, type StreamMemory } from './delivery.ts'
import { type Packed, packAll } from './packing.ts'
import { RuleGate } from './rule-gate.ts'
import { entriesOf } from './testing/entries.ts'

/** Time passes when somebody waits for it. */
function waitingClock(): Clock & { readonly waitedMs: () => number } {
  let nowMs = 0
  return {
    nowMs: () => nowMs,
    monotonicMs: () => nowMs,
    sleep: async (ms, signal) => {
      await new Promise((resolve) => setImmediate(resolve))
      signal?.throwIfAborted()
      nowMs += ms
    },
    after: () => () => undefined,
    waitedMs: () => nowMs,
  }
}

const refused: Answer = { type: 'refused', reason: 'HTTP 400 InvalidRow', errorCode: 'InvalidRow' }
const stored: Answer = { type: 'stored' }

interface Run {
  readonly stored: string[]
  readonly dead: { readonly row: string; readonly error: RelayError }[]
  readonly troubles: { readonly code: string; readonly retryInMs: number }[]
  readonly requests: number[]
  readonly refusedTokens: string[]
  readonly waitedMs: number
}

/** @param answer what Azure says to a body of these rows; the probe is a body of none. */
async function run(
  rows: readonly string[],
  answer: (rows: readonly string[], request: number, token: string) => Answer,
  memory: StreamMemory = { poisonRun: 0 },
): Promise<Run> {
  const clock = waitingClock()
  const result = { stored: [], dead: [], troubles: [], requests: [], refusedTokens: [] } as unknown as Run & {
    waitedMs: number
  }
  const tooLong = new AbortController()
  let tokens = 0
  const ports: DeliveryPorts = {
    clock,
    random: () => 0.5,
    gate: new RuleGate(clock, () => 0.5),
    signal: tooLong.signal,
    send: async (packed: Packed) => {
      result.requests.push(packed.entries.length)
      if (result.requests.length > 1_000) tooLong.abort(new Error('it goes on for ever'))
      const token = `token-${tokens}`
      const texts = packed.entries.map(({ row }) => row.toString())
      return { answer: answer(texts, result.requests.length, token), status: 0, token }
    },
    tokenRefused: (token) => {
      result.refusedTokens.push(token)
      tokens++
    },
    stored: ({ entries }) => result.stored.push(...entries.map(({ row }) => row.toString())),
    deadLetter: ({ row }, error) => result.dead.push({ row: row.toString(), error }),
    trouble: ({ code }, retryInMs) => result.troubles.push({ code, retryInMs }),
  }
  await deliver(await packAll(entriesOf(rows)), memory, ports)
  return { ...result, waitedMs: clock.waitedMs() }
}

const rows = (count: number): string[] => Array.from({ length: count }, (_, index) => `{"r":${index}}`)

describe('a batch', () => {
  test('that is stored at once is one request', async () =>
    expect(await run(rows(10), () => stored)).toMatchObject({
      stored: rows(10),
      dead: [],
      troubles: [],
      requests: [10],
    }))

  test.each([
    ['a failure', { type: 'failed', reason: 'HTTP 500' }, 'RELAY_SENTINEL_UNAVAILABLE'],
    ['a 429 that says how long', { type: 'throttled', retryAfterMs: 7_000 }, 'RELAY_SENTINEL_THROTTLED'],
    ['a 429 that does not', { type: 'throttled', retryAfterMs: undefined }, 'RELAY_SENTINEL_THROTTLED'],
    ['no access', { type: 'forbidden', reason: 'HTTP 403' }, 'RELAY_SENTINEL_ACCESS'],
    ['no such rule', { type: 'not-found', reason: 'HTTP 404' }, 'RELAY_SENTINEL_TARGET'],
  ] as const)('is sent again after %s, a hundred times over, and loses no row', async (_, answer, code) => {
    const result = await run(rows(3), (_rows, request) => (request <= 100 ? answer : stored))
    expect(result).toMatchObject({ stored: rows(3), dead: [] })
    expect(result.troubles).toHaveLength(100)
    expect(new Set(result.troubles.map((trouble) => trouble.code))).toEqual(new Set([code]))
    expect(Math.max(...result.troubles.map(({ retryInMs }) => retryInMs))).toBeLessThanOrEqual(5 * 60_000)
  })

  test('waits at least as long as Azure asks for', async () => {
    const { waitedMs } = await run(rows(1), (_rows, request) =>
      request === 1 ? { type: 'throttled', retryAfterMs: 90_000 } : stored,
    )
    expect(waitedMs).toBeGreaterThanOrEqual(90_000)
  })

  test('gets a new token after 401 and goes on at once', async () =>
    expect(
      await run(rows(2), (_rows, _request, token) =>
        token === 'token-0' ? { type: 'unauthorized', reason: 'HTTP 401' } : stored,
      ),
    ).toMatchObject({ stored: rows(2), refusedTokens: ['token-0'], troubles: [], waitedMs: 0 }))

  test('waits and tells when the new token is refused too', async () =>
    expect(
      await run(rows(2), (_rows, request) => (request <= 5 ? { type: 'unauthorized', reason: 'HTTP 401' } : stored)),
    ).toMatchObject({ stored: rows(2), troubles: Array(4).fill({ code: 'RELAY_SENTINEL_TOKEN' }) }))

  test('asks for a new token after 403, since rights are part of it', async () =>
    expect(
      (await run(rows(1), (_rows, request) => (request === 1 ? { type: 'forbidden', reason: '' } : stored)))
        .refusedTokens,
    ).toEqual(['token-0']))

  test('that is too large is halved until it is not, in order', async () => {
    const result = await run(rows(10), (body) => (body.length > 3 ? { type: 'too-large' } : stored))
    expect(result).toMatchObject({ stored: rows(10), dead: [] })
  })

  test('a row that is too large alone goes to dead letters, and nothing else does', async () => {
    const result = await run(rows(9), (body) => (body.includes('{"r":4}') ? { type: 'too-large' } : stored))
    expect(result.dead).toMatchObject([{ row: '{"r":4}', error: { code: 'RELAY_FRAME_TOO_LARGE' } }])
    expect(result.stored).toEqual(rows(9).filter((row) => row !== '{"r":4}'))
  })

  test('rows that Azure refuses go to dead letters alone, whatever their places', async () => {
    const poison = new Set(['{"r":0}', '{"r":63}', '{"r":64}', '{"r":99}'])
    const result = await run(rows(100), (body) => (body.some((row) => poison.has(row)) ? refused : stored))
    expect(new Set(result.dead.map(({ row }) => row))).toEqual(poison)
    expect(result.dead[0]?.error.message).toContain('HTTP 400 InvalidRow')
    expect(result.stored).toEqual(rows(100).filter((row) => !poison.has(row)))
    // 4 × log2(100) halvings, not one request for each row.
    expect(result.requests.length).toBeLessThan(60)
  })
})

describe('when Azure refuses every row', () => {
  test('none is called poison while an empty body is refused too: they wait for somebody to act', async () => {
    const result = await run(rows(8), (_rows, request) => (request <= 60 ? refused : stored))
    expect(result.dead).toEqual([])
    expect(result.stored).toEqual(rows(8))
    expect(new Set(result.troubles.map(({ code }) => code))).toEqual(new Set(['RELAY_SENTINEL_TARGET']))
  })

  test('at most twenty in a row are called poison, though an empty body is accepted', async () => {
    let isMended = false
    const result = await run(
      rows(200),
      (body) => {
        if (body.length === 0 || isMended) return stored
        return refused
      },
      memoryThatTells(() => {
        isMended = true
      }),
    )
    expect(result.dead).toHaveLength(20)
    expect(result.stored).toHaveLength(180)
  })
})

/** A memory that tells when the bound is reached, so that the test can mend Azure then. */
function memoryThatTells(reached: () => void): StreamMemory {
  let poisonRun = 0
  return {
    get poisonRun() {
      return poisonRun
    },
    set poisonRun(count) {
      poisonRun = count
      if (count >= 20) reached()
    },
  }
}
