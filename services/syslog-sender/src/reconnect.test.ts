import { RelayError } from '@siem-relay/common'
import { describe, expect, test } from 'vitest'
import { ReconnectDelay } from './transports/reconnect.ts'

const closed = new RelayError('RELAY_RECEIVER_CLOSED', 'closed')
const unconfirmed = new RelayError('RELAY_RECEIVER_UNCONFIRMED', 'unconfirmed')
const refused = new RelayError('RELAY_RECEIVER_AUTH', 'refused')
const most = () => 0.999_999

describe('ReconnectDelay', () => {
  test('grows from 100 ms to 30 s for a receiver that is away, and starts anew after progress', () => {
    const delay = new ReconnectDelay(most, 30_000)
    const waits = Array.from({ length: 12 }, () => delay.after(closed))
    expect(waits.slice(0, 3)).toEqual([99, 199, 399])
    expect(waits.at(-1)).toBe(29_999)
    delay.reset()
    expect(delay.after(closed)).toBe(99)
  })

  test('waits about 30 s for what a person has to mend', () => {
    expect(new ReconnectDelay(() => 0, 30_000).after(refused)).toBe(24_000)
    expect(new ReconnectDelay(most, 30_000).after(refused)).toBe(36_000)
  })

  test('asks a receiver that never confirms less and less often, never at once, at most every 5 min', () => {
    const delay = new ReconnectDelay(() => 0, 30_000)
    const waits = Array.from({ length: 9 }, () => delay.after(unconfirmed))
    expect(waits).toEqual([2_500, 5_000, 10_000, 20_000, 40_000, 80_000, 150_000, 150_000, 150_000])
    const latest = new ReconnectDelay(most, 30_000)
    expect(Array.from({ length: 9 }, () => latest.after(unconfirmed)).at(-1)).toBeLessThanOrEqual(300_000)
  })
})
