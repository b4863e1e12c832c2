import { describe, expect, test } from 'vitest'
import { ManualClock } from '../testing/manual-clock.ts'
import type { Core } from './core.ts'
import { restoreState } from './state.ts'
import type { TransactionalOwner } from './transactions.ts'
import { ByteWriter } from './wire/bytes.ts'
import { endTime } from './wire/cluster-requests.ts'
import type { KafkaRequest } from './wire/request.ts'

const place = { topic: 'state', partition: 1, prefix: 'copy|' }
const transactionTimeoutMs = 60_000

/** An owner that does not know how its last transaction ended. */
const unknowing = { knowsEnd: false } as TransactionalOwner

/** A log of one record at 0 that readers get, and one behind it whose transaction does not end before `end` is called. */
function hanging(clock: ManualClock): {
  readonly core: Core
  readonly waiting: Promise<void>
  readonly end: () => void
} {
  const { promise: waiting, resolve } = Promise.withResolvers<void>()
  let isEnded = false
  const listOffset = (request: KafkaRequest<unknown>): number => {
    const writer = new ByteWriter()
    request.write(writer)
    // The time is the request's last field.
    return Number(writer.written.readBigInt64BE(writer.length - 8)) === endTime ? 2 : 0
  }
  const second = {
    isHidden: false,
    next: 2,
    records: () => [{ offset: 1, key: 'copy|count', value: Buffer.from('2') }],
  }
  const first = { isHidden: false, next: 1, records: () => [{ offset: 0, key: 'copy|count', value: Buffer.from('1') }] }
  const core = {
    options: { prefix: '', transactionTimeoutMs },
    cluster: {
      clock,
      ask: (work: () => Promise<unknown>) => work(),
      leader: async () => 1,
      connection: async () => ({
        send: async (request: KafkaRequest<unknown>) => [{ error: 0, offset: listOffset(request) }],
      }),
    },
    fetcher: {
      fetch: ({ offset }: { readonly offset: number }, signal: AbortSignal) => {
        if (offset === 0) return Promise.resolve({ batches: [first] })
        if (isEnded) return Promise.resolve({ batches: [second] })
        resolve()
        return new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
      },
    },
  }
  const end = (): void => {
    isEnded = true
  }
  return { core: core as unknown as Core, waiting, end }
}

describe('restoreState', () => {
  test('waits for open transactions, and says so when one outlives every timeout', async () => {
    const clock = new ManualClock()
    const { core, waiting } = hanging(clock)
    const restoring = restoreState(core, unknowing, place, new AbortController().signal)
    let isSettled = false
    const settled = restoring.catch(() => undefined).then(() => (isSettled = true))
    await waiting
    clock.advance(2 * transactionTimeoutMs - 1)
    await new Promise((resolve) => setImmediate(resolve))
    expect(isSettled).toBe(false)
    clock.advance(1)
    await settled
    await expect(restoring).rejects.toMatchObject({
      code: 'RELAY_BUS_END_LOST',
      message: expect.stringContaining('state/1'),
    })
  })

  test('ends the owner’s own transaction when it holds readers back and how it ended is known', async () => {
    const clock = new ManualClock()
    const { core, waiting, end } = hanging(clock)
    const ended: unknown[] = []
    const owner = {
      knowsEnd: true,
      endAt: async (places: unknown) => {
        ended.push(places)
        end()
      },
    } as unknown as TransactionalOwner
    const restoring = restoreState(core, owner, place, new AbortController().signal)
    await waiting
    expect(ended).toEqual([])
    clock.advance(5_000)
    expect((await restoring).get('count')?.toString()).toBe('2')
    expect(ended).toEqual([[{ topic: 'state', partition: 1 }]])
  })

  test('stops waiting with its signal', async () => {
    const { core, waiting } = hanging(new ManualClock())
    const stopping = new AbortController()
    const restoring = restoreState(core, unknowing, place, stopping.signal)
    await waiting
    stopping.abort(new Error('the worker stops'))
    await expect(restoring).rejects.toThrow('the worker stops')
  })
})
