import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Alert } from '../events.ts'
import { account, cloudApps, device, guid, identity, minuteMs, timeMs, type, windowMs } from './samples.ts'
import { bareAlertId, matchTwins, twinKeysOf } from './twin-keys.ts'

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
    left: Parameters<typeof account>[0][],
    right: Parameters<typeof account>[0][],
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
