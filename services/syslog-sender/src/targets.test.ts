import { FakeClock } from '@siem-relay/service-kit/testing'
import { describe, expect, test } from 'vitest'
import { parseTarget, Targets } from './targets.ts'

describe('parseTarget', () => {
  test.each([
    ['siem.example', 'siem.example', 514, 'siem.example:514'],
    ['siem.example:6514', 'siem.example', 6_514, 'siem.example:6514'],
    ['10.0.0.5:1514', '10.0.0.5', 1_514, '10.0.0.5:1514'],
    ['2001:db8::1', '2001:db8::1', 514, '[2001:db8::1]:514'],
    ['[2001:db8::1]', '2001:db8::1', 514, '[2001:db8::1]:514'],
    ['[2001:db8::1]:6514', '2001:db8::1', 6_514, '[2001:db8::1]:6514'],
  ])('%s', (text, host, port, name) => expect(parseTarget(text, 514)).toEqual({ host, port, name }))

  test.each(['siem.example:0', 'siem.example:70000'])('refuses %s', (text) =>
    expect(() => parseTarget(text, 514)).toThrow('is not between 1 and 65535'),
  )
})

describe('Targets', () => {
  const names = (targets: Targets): string[] => targets.inOrder().map(({ host }) => host)

  test('tries the next after a failure, in a circle', () => {
    const targets = new Targets({ host: ['a', 'b', 'c'], port: 514 }, new FakeClock(), 1_000)
    const [a, b, c] = targets.inOrder()
    if (a === undefined || b === undefined || c === undefined) throw new Error('three targets were configured')
    targets.failed(a)
    expect(names(targets)).toEqual(['b', 'c', 'a'])
    targets.failed(b)
    targets.failed(c)
    expect(names(targets)).toEqual(['a', 'b', 'c'])
  })

  test('stays with the one that took a connection, and goes back to the first after a while', async () => {
    const clock = new FakeClock()
    const targets = new Targets({ host: ['a', 'b'], port: 514 }, clock, 1_000)
    const [, b] = targets.inOrder()
    if (b === undefined) throw new Error('two targets were configured')
    targets.connected(b)
    await clock.advance(999)
    expect([targets.failbackIsDue(), ...names(targets)]).toEqual([false, 'b', 'a'])
    await clock.advance(1)
    expect([targets.failbackIsDue(), ...names(targets)]).toEqual([true, 'a', 'b'])
    // The first is still away: another while on the second.
    targets.connected(b)
    expect([targets.failbackIsDue(), ...names(targets)]).toEqual([false, 'b', 'a'])
  })
})
