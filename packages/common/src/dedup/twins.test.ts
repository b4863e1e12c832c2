import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Alert } from '../events.ts'
import { alertOf, entity } from '../filter/samples.ts'
import { bareAlertId, matchTwins, twinKeysOf } from './twin-keys.ts'
import { type TwinPolicy, Twins } from './twins.ts'

const timeMs = 1_677_791_402_022
const minuteMs = 60_000
const windowMs = 60 * minuteMs
const type = 'ALERT_EXTERNAL_AATP_HONEYTOKEN_ACTIVITY_SECURITY_ALERT'
const guid = '0f0f0f0f-0000-4000-8000-000000000001'

const account = (parts: Parameters<typeof entity>[0]) => entity({ type: 'account', ...parts })
const device = (label: string, role = 'Source') => entity({ type: 'device', label, role })

function cloudApps(parts: Partial<Alert> = {}): Alert {
  return alertOf({
    id: '603f704aaf7417985bbf3b22',
    alertType: type,
    title: 'Honeytoken activity',
    accounts: [account({ upn: 'honey@contoso.com', id: guid })],
    devices: [device('CLIENT1'), device('DC1', 'Related')],
    services: [entity({ type: 'service', id: '20940' })],
    timestampMs: timeMs,
    startMs: timeMs,
    ...parts,
  })
}

function identity(parts: Partial<Alert> = {}): Alert {
  return alertOf({
    source: 'contoso-identity',
    product: 'identity',
    id: `aa${guid}`,
    alertType: type,
    title: 'Honeytoken activity',
    accounts: [account({ accountName: 'honey', domain: 'CONTOSO' })],
    devices: [device('client1.contoso.com'), device('dc1.contoso.com', 'Related')],
    services: [],
    timestampMs: timeMs + 5 * minuteMs,
    startMs: timeMs,
    ...parts,
  })
}

const match = (left: Alert, right: Alert) => matchTwins(twinKeysOf(left), twinKeysOf(right), windowMs)

describe('two copies', () => {
  test('match by type, account and source device in the forms the products use', () => {
    expect(match(cloudApps(), identity())).toEqual({
      matched: [`type:${type}`, 'account:honey@contoso.com', 'device:client1'],
      distanceMs: 0,
    })
  })

  test('one of account and device is enough where the other is not told', () => {
    expect(match(cloudApps({ devices: [] }), identity())?.matched).toHaveLength(2)
    expect(match(cloudApps({ accounts: [] }), identity())?.matched).toHaveLength(2)
  })

  test('an unknown type leaves it to the title, without regard to case, punctuation and preview marks', () => {
    const unknown = cloudApps({ alertType: 'ALERT_15795464', title: '[PREVIEW] HONEYTOKEN activity' })
    expect(match(unknown, identity())?.matched[0]).toBe('title:honeytoken activity')
  })

  test.each<[string, Partial<Alert>]>([
    ['the tenant', { tenant: 'fabrikam' }],
    ['the type', { alertType: 'ALERT_EXTERNAL_AATP_GOLDEN_TICKET_SECURITY_ALERT' }],
    ['the title of an unknown type', { alertType: 'ALERT_UNKNOWN', title: 'Something else' }],
    ['title and type', { alertType: 'ALERT_UNKNOWN', title: '' }],
    ['both account and device', { accounts: [], devices: [] }],
    ['a time', { startMs: undefined, timestampMs: undefined }],
    ['a time within the window', { startMs: timeMs + 66 * minuteMs, timestampMs: timeMs + 66 * minuteMs }],
    ['the account, though the device is the same', { accounts: [account({ upn: 'other@contoso.com' })] }],
    ['the source device, though the account is the same', { devices: [device('CLIENT2')] }],
    ['a device of the same name in the same domain', { devices: [device('client1.fabrikam.com')] }],
    ['a source device: a shared domain controller is none', { accounts: [], devices: [device('DC1', 'Related')] }],
    ['an account that tells them apart', { accounts: [account({ accountName: 'krbtgt' })], devices: [] }],
    [
      'the account of the same domain',
      { accounts: [account({ accountName: 'honey', domain: 'FABRIKAM' })], devices: [device('CLIENT1')] },
    ],
    ['the id of the account', { accounts: [account({ upn: '', id: guid.replace('1', '2'), sid: '' })], devices: [] }],
  ])('do not match without %s', (_what, parts) => {
    expect(match(cloudApps(parts), identity())).toBeUndefined()
  })
})

describe('accounts', () => {
  const shared = { devices: [device('CLIENT1')] }
  const pair = (
    left: Parameters<typeof entity>[0][],
    right: Parameters<typeof entity>[0][],
    parts: Partial<Alert> = {},
  ) =>
    match(
      cloudApps({ ...shared, ...parts, accounts: left.map(account) }),
      identity({ ...parts, accounts: right.map(account) }),
    )
  const sid = 'S-1-5-21-1-2-3-1104'

  test('that differ keep two alerts apart, also beside one that cannot be compared', () => {
    expect(pair([{ upn: 'alice@contoso.com' }], [{ upn: 'bob@contoso.com' }, { sid }])).toBeUndefined()
    expect(pair([{ upn: 'alice@contoso.com' }], [{ accountName: 'bob', sid }])).toBeUndefined()
  })

  test('that cannot be compared leave it to the device', () => {
    expect(pair([{ upn: 'alice@contoso.com' }], [{ sid }])?.matched).toEqual([`type:${type}`, 'device:client1'])
  })

  test.each([
    ['CONTOSO', 'CONTOSO', true],
    ['CONTOSO', 'contoso.com', true],
    ['corp.contoso.com', 'corp.contoso.com', true],
    ['CONTOSO', '', true],
    ['CONTOSO', 'FABRIKAM', false],
    ['eu.contoso.com', 'us.contoso.com', false],
    // A NetBIOS name need not be the DNS name's first label: nothing is known, and nothing else is shared.
    ['CORP', 'contoso.com', false],
  ])('of one name in %s and %s are one: %s', (left, right, isOne) => {
    const found = pair([{ accountName: 'admin', domain: left }], [{ accountName: 'admin', domain: right }], {
      devices: [],
    })
    expect(found !== undefined).toBe(isOne)
  })

  test.each(['S-1-5-18', 'S-1-5-19', 'S-1-5-7', 'S-1-1-0', 'S-1-5-32-544', 'S-1-5-21-1-2-3-502'])(
    'of everybody, such as %s, make no match, and contradict none',
    (common) => {
      expect(pair([{ sid: common }], [{ sid: common }], { devices: [] })).toBeUndefined()
      expect(pair([{ sid: common, accountName: 'x' }], [{ accountName: 'honey' }])?.matched).toEqual([
        `type:${type}`,
        'device:client1',
      ])
    },
  )

  test('that are known by their SID alone are named by it', () => {
    expect(pair([{ sid }], [{ sid }], { devices: [] })?.matched[1]).toBe(`account:${sid.toLowerCase()}`)
  })
})

describe('what two copies must share', () => {
  const word = fc.stringMatching(/^[a-z]{3,8}$/)
  const alerts = fc.record({
    user: word,
    host: word,
    title: word,
    minutes: fc.integer({ min: 0, max: 59 }),
    isTyped: fc.boolean(),
  })

  test('all of it there: one; any one key missing: two', () => {
    fc.assert(
      fc.property(alerts, ({ user, host, title, minutes, isTyped }) => {
        const alertType = isTyped ? type : 'ALERT_UNKNOWN'
        const left = {
          alertType,
          title,
          accounts: [account({ upn: `${user}@contoso.com` })],
          devices: [device(host)],
        }
        const laterMs = timeMs + minutes * minuteMs
        const right = { ...left, accounts: [account({ accountName: user })], startMs: laterMs, timestampMs: laterMs }
        const twin = identity(right)
        expect(match(cloudApps(left), twin)).toBeDefined()
        const missing: Partial<Alert>[] = [
          { tenant: 'fabrikam' },
          isTyped ? { alertType: `${type}_2` } : { title: '' },
          { accounts: [], devices: [] },
          { startMs: undefined, timestampMs: undefined },
          { startMs: laterMs + 61 * minuteMs, timestampMs: laterMs + 61 * minuteMs },
          { accounts: [account({ upn: `not${user}@contoso.com` })] },
          { devices: [device(`not${host}`)] },
        ]
        for (const parts of missing) expect(match(cloudApps({ ...left, ...parts }), twin)).toBeUndefined()
      }),
    )
  })
})

describe('bareAlertId', () => {
  test.each([
    ['ca603f704aaf7417985bbf3b22', '603f704aaf7417985bbf3b22'],
    [`aa${guid}`, guid],
    // Ids that only begin like a prefix.
    ['aa3f704aaf7417985bbf3b22', 'aa3f704aaf7417985bbf3b22'],
    ['cacacacacacacacacacacaca', 'cacacacacacacacacacacaca'],
    ['aa603f704aaf7417985bbf3b22', 'aa603f704aaf7417985bbf3b22'],
    [`ca${guid}`, `ca${guid}`],
    [guid, guid],
    ['', ''],
  ])('%s → %s', (id, bare) => expect(bareAlertId(id)).toBe(bare))
})

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
