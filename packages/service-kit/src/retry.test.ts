import { RelayError } from '@siem-relay/common'
import { describe, expect, test } from 'vitest'
import { backoffMs, type RetryOptions, retry } from './retry.ts'
import { FakeClock } from './testing/fake-clock.ts'

const policy = { minMs: 100, maxMs: 10_000 }
const almostOne = () => 0.999_999

describe('backoffMs', () => {
  test.each([
    [1, 99],
    [2, 199],
    [3, 399],
    [7, 6_399],
    [8, 9_999],
    [9, 9_999],
    [100_000, 9_999],
  ])('attempt %i waits at most %i ms', (attempt, ms) => {
    expect(backoffMs(attempt, policy, almostOne)).toBe(ms)
  })

  test('is uniform from zero up (full jitter)', () => {
    expect(backoffMs(5, policy, () => 0)).toBe(0)
    expect(backoffMs(5, policy, () => 0.5)).toBe(800)
  })
})

function failing(errors: readonly unknown[]) {
  let calls = 0
  return {
    work: async (attempt: number): Promise<string> => {
      calls++
      expect(attempt).toBe(calls)
      const error = errors[attempt - 1]
      if (error !== undefined) throw error
      return 'done'
    },
    calls: () => calls,
  }
}

function setup(overrides: Partial<RetryOptions> = {}) {
  const clock = new FakeClock()
  const stop = new AbortController()
  const waits: number[] = []
  const options: RetryOptions = {
    clock,
    random: () => 0.5,
    signal: stop.signal,
    policy,
    onRetry: ({ waitMs }) => waits.push(waitMs),
    ...overrides,
  }
  return { clock, stop, waits, options }
}

describe('retry', () => {
  test('returns the first success without waiting', async () => {
    const { options, waits } = setup()
    await expect(retry(failing([]).work, options)).resolves.toBe('done')
    expect(waits).toEqual([])
  })

  test('tries foreign and retryable errors again, waiting longer each time', async () => {
    const { clock, options, waits } = setup()
    const { work, calls } = failing([new Error('socket hang up'), new RelayError('RELAY_SOURCE_UNAVAILABLE', 'down')])
    const result = retry(work, options)
    await clock.advance(1_000)
    await expect(result).resolves.toBe('done')
    expect(calls()).toBe(3)
    expect(waits).toEqual([50, 100])
  })

  test.each([
    ['stop', new RelayError('RELAY_SOURCE_AUTH', 'token refused')],
    ['dead-letter', new RelayError('RELAY_RECORD_INVALID', 'not an object')],
  ])('throws an error of disposition %s at once', async (_, error) => {
    const { options, waits } = setup()
    await expect(retry(failing([error]).work, options)).rejects.toBe(error)
    expect(waits).toEqual([])
  })

  test('throws the last error when the attempts are used up', async () => {
    const { clock, options } = setup({ policy: { ...policy, attemptsMax: 2 } })
    const result = retry(failing([new Error('one'), new Error('two')]).work, options)
    const failure = expect(result).rejects.toThrow('two')
    await clock.advance(1_000)
    await failure
  })

  test.each([
    ['is obeyed, with jitter on top', 5_000, 5_050],
    ['of zero does not take the back-off away', 0, 50],
    ['above 15 minutes is cut to 15 minutes', 9e12, 900_000],
    ['that is negative is ignored', -5_000, 50],
    ['that is not a number is ignored', Number.NaN, 50],
  ])('a Retry-After that %s', async (_, retryAfterMs, waitMs) => {
    const { clock, options, waits } = setup()
    const result = retry(failing([new RelayError('RELAY_SOURCE_THROTTLED', '429', { retryAfterMs })]).work, options)
    await clock.advance(900_000)
    await expect(result).resolves.toBe('done')
    expect(waits).toEqual([waitMs])
  })

  test("an abort in the middle of a wait rejects with the signal's reason", async () => {
    const { clock, stop, options } = setup()
    const result = retry(failing([new Error('down')]).work, options)
    const failure = expect(result).rejects.toThrow('stopping')
    await clock.settle()
    stop.abort(new Error('stopping'))
    await failure
    expect(clock.pending).toBe(0)
  })

  test('an aborted signal means no attempt', async () => {
    const { options } = setup({ signal: AbortSignal.abort(new Error('stopped')) })
    const { work, calls } = failing([])
    await expect(retry(work, options)).rejects.toThrow('stopped')
    expect(calls()).toBe(0)
  })

  test('a failure caused by the abort is not retried', async () => {
    const { stop, options, waits } = setup()
    const work = async () => {
      stop.abort(new Error('stopping'))
      throw new Error('request aborted')
    }
    await expect(retry(work, options)).rejects.toThrow('stopping')
    expect(waits).toEqual([])
  })
})
