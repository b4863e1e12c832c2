import { describe, expect, test } from 'vitest'
import type { Alert } from '../events.ts'
import { cloudApps, device, identity, minuteMs, timeMs, windowMs } from './samples.ts'
import { type TwinPolicy, Twins } from './twins.ts'

describe('Twins', () => {
  const open = (
    policy: TwinPolicy,
    entriesMax = 100,
    state: ReadonlyMap<string, Buffer> = new Map(),
    charactersMax = 1_000_000,
  ) => {
    const twins = new Twins<string>({
      prefix: 'twins/',
      policy,
      windowMs,
      graceMs: 10 * minuteMs,
      entriesMax,
      charactersMax,
    })
    twins.restore(state)
    return twins
  }
  const give = (twins: Twins<string>, alert: Alert, appendedMs = timeMs, isUpdate = false) =>
    twins.decide({ alert, appendedMs, isUpdate, message: alert.id })
  const stateOf = (twins: Twins<string>): Map<string, Buffer> =>
    new Map(twins.takeChanges().flatMap(({ key, value }) => (value === null ? [] : [[key, value]])))

  test('first: the second copy is left out, with both ids, what matched and the distance', () => {
    const twins = open('first')
    expect(give(twins, cloudApps())).toEqual({ type: 'send' })
    expect(give(twins, identity())).toMatchObject({
      type: 'discard',
      evidence: {
        kept: { id: cloudApps().id, product: 'cloud-apps' },
        other: { id: identity().id, source: 'contoso-identity', product: 'identity' },
        distanceMs: 0,
      },
    })
  })

  test('one alert is the twin of one other, and never of one of its own product', () => {
    const twins = open('first')
    give(twins, cloudApps())
    expect(give(twins, cloudApps({ id: '603f704aaf7417985bbf3b23' })).type).toBe('send')
    expect(give(twins, identity()).type).toBe('discard')
    expect(give(twins, identity({ id: 'aa2' })).type).toBe('discard')
    expect(give(twins, identity({ id: 'aa3' })).type).toBe('send')
  })

  test('of several the nearest in time is the twin', () => {
    const twins = open('first')
    give(twins, cloudApps({ id: 'far', startMs: timeMs + 30 * minuteMs, timestampMs: timeMs + 30 * minuteMs }))
    give(twins, cloudApps({ id: 'near', startMs: timeMs + minuteMs, timestampMs: timeMs + minuteMs }))
    const decision = give(twins, identity())
    expect(decision.type === 'discard' && decision.evidence.kept.id).toBe('near')
  })

  test('alerts that Defender for Identity has nothing to do with are sent', () => {
    const twins = open('first')
    give(twins, cloudApps({ alertType: 'ALERT_CABINET_EVENT_MATCH_AUDIT', services: [] }))
    expect(give(twins, identity()).type).toBe('send')
    expect(give(twins, identity({ id: 'x', product: 'other' })).type).toBe('send')
  })

  test('a new version of an alert is sent, also where its first one was left out', () => {
    const twins = open('first')
    give(twins, cloudApps())
    expect(give(twins, identity()).type).toBe('discard')
    expect(give(twins, identity({ status: 1 }), timeMs, true).type).toBe('send')
    expect(give(twins, cloudApps({ status: 1 }), timeMs, true).type).toBe('send')
  })

  test('prefer-identity: the other copy waits, and leaves when its grace is over, also after a restart', () => {
    const before = open('prefer-identity')
    expect(give(before, cloudApps()).type).toBe('hold')
    const twins = open('prefer-identity', 100, stateOf(before))
    expect(twins.dueMs()).toBe(timeMs + 10 * minuteMs)
    expect(twins.release(timeMs + 10 * minuteMs - 1)).toEqual([])
    expect(twins.release(timeMs + 10 * minuteMs)).toEqual([cloudApps().id])
    expect(twins.dueMs()).toBeUndefined()
    // One alert, once: the preferred copy came too late.
    expect(give(twins, identity(), timeMs + 11 * minuteMs).type).toBe('discard')
  })

  test('prefer-identity: a copy that comes in time takes the place of the one that waits', () => {
    const before = open('prefer-identity')
    give(before, cloudApps())
    const twins = open('prefer-identity', 100, stateOf(before))
    expect(give(twins, identity())).toMatchObject({
      type: 'replace',
      held: cloudApps().id,
      evidence: { kept: { id: identity().id }, other: { id: cloudApps().id } },
    })
    expect(twins.dueMs()).toBeUndefined()
  })

  test('prefer-cloud-apps is the same the other way round', () => {
    const twins = open('prefer-cloud-apps')
    expect(give(twins, identity()).type).toBe('hold')
    expect(give(twins, cloudApps()).type).toBe('replace')
  })

  test('annotate sends both and names the first with the second; off sends both', () => {
    const twins = open('annotate')
    give(twins, identity())
    expect(give(twins, cloudApps())).toMatchObject({ type: 'send', twin: { other: { id: identity().id } } })
    const off = open('off')
    give(off, identity())
    expect(give(off, cloudApps())).toEqual({ type: 'send' })
  })

  test('an update of an alert that waits ends its wait: the alert goes first', () => {
    const twins = open('prefer-identity')
    give(twins, cloudApps())
    expect(give(twins, cloudApps({ status: 1 }), timeMs + minuteMs, true)).toEqual({
      type: 'send',
      before: cloudApps().id,
    })
    expect(twins.dueMs()).toBeUndefined()
    expect(give(twins, identity()).type).toBe('discard')
  })

  test('the oldest is forgotten, and let go, when another one needs its room', () => {
    const twins = open('prefer-identity', 2)
    for (const id of ['a', 'b']) give(twins, cloudApps({ id, accounts: [], devices: [device(id)] }))
    expect(twins.advance(timeMs)).toEqual(['a'])
    expect(give(twins, identity({ accounts: [], devices: [device('a')] })).type).toBe('send')
    const long = open('prefer-identity', 100, new Map(), 400)
    give(long, cloudApps({ title: 'x'.repeat(2_000) }))
    expect(long.advance(timeMs)).toEqual([cloudApps().id])
  })

  test('how long an alert is remembered goes by the log, whatever its own time says', () => {
    const twins = open('first')
    give(twins, cloudApps())
    const future = Date.UTC(2099, 0, 1)
    give(twins, cloudApps({ id: 'future', startMs: future, timestampMs: future, devices: [device('other')] }))
    expect(twins.advance(timeMs + 24 * 60 * minuteMs)).toEqual([])
    expect(give(twins, identity(), timeMs + 24 * 60 * minuteMs).type).toBe('discard')
    twins.takeChanges()
    twins.advance(timeMs + 26 * 60 * minuteMs)
    expect(twins.takeChanges().filter(({ value }) => value === null)).toHaveLength(2)
  })

  test.each<TwinPolicy>(['first', 'prefer-identity', 'annotate'])(
    'policy %s: where a batch ends and a worker begins anew changes nothing, also at the bound and over years',
    (policy) => {
      const hourMs = 60 * minuteMs
      const alerts = Array.from({ length: 60 }, (_, index) => {
        const eventMs = timeMs + ((index * 37) % 20) * 20 * hourMs
        const parts = { startMs: eventMs, timestampMs: eventMs, devices: [device(`host${index % 7}`)], accounts: [] }
        return index % 3 === 0 ? identity({ ...parts, id: `i${index}` }) : cloudApps({ ...parts, id: `c${index}` })
      })
      const runIn = (batch: number): readonly string[] => {
        const state = new Map<string, Buffer>()
        const out: string[] = []
        let twins = open(policy, 8)
        for (const [index, alert] of alerts.entries()) {
          const appendedMs = timeMs + index * 4 * minuteMs
          out.push(...twins.advance(appendedMs), `${give(twins, alert, appendedMs).type} ${alert.id}`)
          if (index % batch > 0) continue
          for (const { key, value } of twins.takeChanges())
            if (value === null) state.delete(key)
            else state.set(key, value)
          twins = open(policy, 8, state)
        }
        return out
      }
      const whole = runIn(1_000)
      for (const batch of [1, 2, 7, 13]) expect(runIn(batch)).toEqual(whole)
    },
  )

  test('a state that is not readable stops it', () => {
    expect(() => open('first', 10, new Map([['twins/000000000000', Buffer.from('{')]]))).toThrow('not readable')
  })
})
