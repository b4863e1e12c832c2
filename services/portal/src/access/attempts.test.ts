import { FakeClock } from '@siem-relay/service-kit/testing'
import { describe, expect, test } from 'vitest'
import { Attempts, accountLimits, addressLimits, placeOf, SignInAttempts } from './attempts.ts'

describe('attempts to sign in', () => {
  test('wait twice as long each time, up to a limit, and are forgiven by a success', async () => {
    const clock = new FakeClock()
    const attempts = new Attempts(clock, accountLimits)
    const waits: number[] = []
    for (let n = 0; n < 13; n++) {
      await clock.advance(attempts.waitSeconds('ada') * 1_000)
      attempts.begin('ada')
      waits.push(attempts.waitSeconds('ada'))
    }
    expect(waits).toEqual([0, 0, 0, 0, 1, 2, 4, 8, 16, 32, 60, 60, 60])
    attempts.succeeded('ada')
    attempts.begin('ada')
    expect(attempts.waitSeconds('ada')).toBe(0)
  })

  test('count when they begin: many at once are no way around', () => {
    const attempts = new SignInAttempts(new FakeClock())
    const begun = Array.from({ length: 100 }, () => {
      try {
        attempts.begin('192.0.2.1', 'ada')
        return true
      } catch {
        return false
      }
    })
    expect(begun.filter(Boolean)).toHaveLength(accountLimits.free)
  })

  test('of one address on many accounts wait too, and one account’s do not stop others', () => {
    const attempts = new SignInAttempts(new FakeClock())
    for (let n = 0; n < addressLimits.free; n++) attempts.begin('192.0.2.1', `account-${n}`)
    expect(() => attempts.begin('192.0.2.1', 'another')).toThrow(/too many/)
    expect(() => attempts.begin('192.0.2.2', 'another')).not.toThrow()
  })

  test('take bounded memory', () => {
    const attempts = new Attempts(new FakeClock(), addressLimits)
    for (let n = 0; n < 50_000; n++) attempts.begin(`key-${n}`)
    expect(attempts.size).toBe(10_000)
  })

  test.each([
    ['192.0.2.1', '192.0.2.1'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['2001:db8::6', '2001:db8:0:0::/64'],
    ['::1', '0:0:0:0::/64'],
    ['::ffff:192.0.2.1', '::ffff:192.0.2.1'],
  ])('%s is counted as %s', (address, place) => expect(placeOf(address)).toBe(place))
})
