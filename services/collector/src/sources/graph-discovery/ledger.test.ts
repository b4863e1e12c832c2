import { describe, expect, test } from 'vitest'
import { Ledger, placeKeyOf } from './ledger.ts'

const place = { stream: placeKeyOf('s'), app: placeKeyOf('a') }
const other = { stream: placeKeyOf('s'), app: placeKeyOf('b') }
const baseline = { period: 'P7D', counts: { TotalEvents: 1 }, sizes: {}, lastSeenMs: 5, due: { users: 3 }, absences: 0 }
const names = Buffer.concat([Buffer.of(1), Buffer.alloc(24)])

function filled(): { ledger: Ledger; state: Map<string, Buffer> } {
  const ledger = new Ledger()
  const changes = [
    ledger.changeSweep({ sequence: 4, wholeAtMs: 9 }),
    ...ledger.changesTo(place, baseline),
    ...ledger.changesTo(other, { ...baseline, lastSeenMs: undefined }),
    ...ledger.changesToNames('users', place, names),
  ]
  ledger.apply(changes)
  return { ledger, state: new Map(changes.map(({ key, value }) => [key, Buffer.from(value as Uint8Array)])) }
}

describe('ledger', () => {
  test('knows after a restart what it knew', () => {
    const { state } = filled()
    const ledger = new Ledger()
    ledger.restore(state)
    expect(ledger.sweep).toEqual({ sequence: 4, wholeAtMs: 9 })
    expect(ledger.baseline(place)).toEqual(baseline)
    expect(ledger.baseline(other)).toEqual({ ...baseline, lastSeenMs: undefined })
    expect(ledger.namesIn('users', place)).toEqual(names)
    expect(ledger.namesIn('ipAddresses', place)).toBeUndefined()
    expect([ledger.apps, ledger.names]).toEqual([2, 2])
  })

  test('changes nothing that is as it was', () => {
    const { ledger } = filled()
    expect(ledger.changesTo(place, baseline)).toEqual([])
    expect(ledger.changesToNames('users', place, names)).toEqual([])
  })

  test('forgets an app with its names', () => {
    const { ledger } = filled()
    ledger.apply(ledger.forget(place))
    expect([ledger.apps, ledger.names, ledger.places()]).toEqual([1, 0, [other]])
    expect(ledger.forget(place)).toEqual([])
  })

  test.each([
    ['sweep', '{'],
    ['sweep', '{"sequence":-1}'],
    [`app/${place.stream}/${place.app}`, '{"counts":{"TotalEvents":"many"}}'],
    [`users/${place.stream}/${place.app}`, '"names"'],
  ])('%s holding %s stops the source', (key, value) => {
    const restore = () => {
      const ledger = new Ledger()
      ledger.restore(new Map([[key, Buffer.from(value)]]))
      return ledger.sweep
    }
    expect(restore).toThrow(expect.objectContaining({ code: 'RELAY_LOG_CORRUPT', disposition: 'stop' }))
  })
})
