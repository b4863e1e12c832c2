import { describe, expect, test } from 'vitest'
import { ManualClock } from '../testing/manual-clock.ts'
import type { Core } from './core.ts'
import { restoreState } from './state.ts'
import { ByteWriter } from './wire/bytes.ts'
import { endTime } from './wire/cluster-requests.ts'
import type { KafkaRequest } from './wire/request.ts'

const place = { topic: 'state', partition: 1, prefix: 'copy|' }
const transactionTimeoutMs = 60_000

/** A log of one record at 0 that readers get, and one behind it whose transaction never ends. */
function hanging(clock: ManualClock): { readonly core: Core; readonly waiting: Promise<void> } {
  const { promise: waiting, resolve } = Promise.withResolvers<void>()
  const listOffset = (request: KafkaRequest<unknown>): number => {
    const writer = new ByteWriter()
    request.write(writer)
    // The time is the request's last field.
    return Number(writer.written.readBigInt64BE(writer.length - 8)) === endTime ? 2 : 0
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
        resolve()
        return new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
      },
    },
  }
  return { core: core as unknown as Core, waiting }
}

describe('restoreState', () => {
  test('waits for open transactions, and says so when one outlives every timeout', async () => {
    const clock = new ManualClock()
    const { core, waiting } = hanging(clock)
    const restoring = restoreState(core, place, new AbortController().signal)
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

  test('stops waiting with its signal', async () => {
    const { core, waiting } = hanging(new ManualClock())
    const stopping = new AbortController()
    const restoring = restoreState(core, place, stopping.signal)
    await waiting
    stopping.abort(new Error('the worker stops'))
    await expect(restoring).rejects.toThrow('the worker stops')
  })
})
