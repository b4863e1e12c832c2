import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { RelayError } from '../errors.ts'
import { activityName } from './activity-names.ts'
import { alertTypeOf } from './alert-types.ts'
import { appIdName } from './app-ids.ts'
import { normalizeDefenderActivity } from './defender-activity.ts'
import { normalizeDefenderAlert } from './defender-alert.ts'
import { timeOf } from './values.ts'

const origin = { tenant: 'contoso', source: 'contoso' }

describe('timeOf', () => {
  test.each([
    ['milliseconds', 1_511_373_004_000, 1_511_373_004_000],
    ['milliseconds as text', '1511373004000', 1_511_373_004_000],
    ['seconds', 1_511_373_004, 1_511_373_004_000],
    ['seconds with a fraction', 1_511_373_004.5, 1_511_373_004_500],
    ['ISO 8601 with seven digits', '2017-11-22T17:50:04.1234567Z', 1_511_373_004_123],
    ['zero', 0, undefined],
    ['negative', -5, undefined],
    ['100 ns ticks', 131_558_466_040_000_000, undefined],
    ['after the year 9999', 253_402_300_800_000, undefined],
    ['not a number', Number.NaN, undefined],
    ['infinite', Number.POSITIVE_INFINITY, undefined],
    ['no date', 'yesterday', undefined],
    ['a date that is none', '2017-13-45T00:00:00Z', undefined],
    ['null', null, undefined],
    ['an object', {}, undefined],
  ])('%s: %j is %j', (_, value, ms) => expect(timeOf(value)).toBe(ms))
})

describe('normalizeDefenderAlert', () => {
  test('sorts entities by what they are and keeps every one', () => {
    const alert = normalizeDefenderAlert(
      {
        _id: '596a7e360c204203a335a3fb',
        timestamp: 1_500_151_350_531,
        severityValue: 0,
        idValue: 15_728_642,
        entities: [
          {
            type: 'account',
            id: 'u',
            inst: 0,
            saas: 11161,
            label: 'Ann',
            pa: 'ann@contoso.com',
            em: 'a@contoso.com',
            entityRole: 'Source',
          },
          { type: 'service', id: 10489, label: 'Box' },
          { type: 'policyRule', id: 'p', label: 'myPolicy', policyType: 'AUDIT' },
          { type: 'ip', id: '192.0.2.1', label: '192.0.2.1' },
          { type: 'device', id: 'd', label: 'CLIENT1' },
        ],
        audits: ['a1', 'a2'],
      },
      origin,
    )
    expect(alert.entities).toHaveLength(5)
    expect(alert.accounts).toMatchObject([
      { upn: 'ann@contoso.com', email: 'a@contoso.com', role: 'Source', saas: '11161', instance: '0' },
    ])
    expect(alert.services).toMatchObject([{ id: '10489', label: 'Box' }])
    expect(alert.policies).toMatchObject([{ id: 'p', label: 'myPolicy', policyType: 'AUDIT' }])
    expect(alert.ips).toEqual(['192.0.2.1'])
    expect(alert).toMatchObject({
      severity: 0,
      alertTypeId: 15_728_642,
      alertType: 'ALERT_CABINET_EVENT_MATCH_AUDIT',
      audits: ['a1', 'a2'],
    })
  })

  test('takes the policy of older records from their policy object', () => {
    const alert = normalizeDefenderAlert({ _id: 'a', policy: { id: 'p', label: 'Old', policyType: 'FILE' } }, origin)
    expect(alert).toMatchObject({ policies: [{ id: 'p', label: 'Old' }], alertType: 'ALERT_CABINET_EVENT_MATCH_FILE' })
  })

  test.each([4, -1, 'high', null, 1.5, {}])('a severity of %j is unknown, not an error', (severityValue) => {
    expect(normalizeDefenderAlert({ _id: 'a', severityValue }, origin).severity).toBeUndefined()
  })
})

describe('alertTypeOf', () => {
  const clues = { typeId: undefined, policyType: '', title: '', isIdentitySourced: false }
  test.each([
    [
      'an identity alert by its title',
      { title: 'Honeytoken activity', isIdentitySourced: true },
      'ALERT_EXTERNAL_AATP_HONEYTOKEN_ACTIVITY_SECURITY_ALERT',
    ],
    [
      'an identity title in other case, punctuation and with a preview mark',
      { title: '[PREVIEW] Suspected Brute-Force Attack (LDAP)', isIdentitySourced: true },
      'ALERT_EXTERNAL_AATP_LDAP_BRUTE_FORCE_SECURITY_ALERT',
    ],
    ['the same title from another source', { title: 'Honeytoken activity', typeId: 7 }, 'ALERT_7'],
    [
      'a built-in detection',
      { title: 'Impossible travel', policyType: 'ANOMALY_DETECTION' },
      'ALERT_ANUBIS_DETECTION_VELOCITY',
    ],
    [
      'a policy that calls itself like a detection',
      { title: 'Impossible travel', policyType: 'AUDIT' },
      'ALERT_CABINET_EVENT_MATCH_AUDIT',
    ],
    ['a number no table knows', { typeId: 15_795_464 }, 'ALERT_15795464'],
    ['nothing', {}, 'ALERT_UNKNOWN'],
  ])('%s', (_, more, type) => expect(alertTypeOf({ ...clues, ...more })).toBe(type))
})

describe('activityName', () => {
  const named = (fields: object) => activityName(normalizeDefenderActivity({ _id: 'a', ...fields }, origin))
  test.each([
    ['a known category', { eventTypeName: 'EVENT_CATEGORY_LOGOUT', description: 'Out: x' }, 'Log out'],
    [
      'the description up to its colon',
      { eventTypeName: 'EVENT_CATEGORY_UNSPECIFIED', description: 'Run task: task X; Parameters: y' },
      'Run task',
    ],
    [
      'the operation',
      { description: 'Ann did something', mainInfo: { prettyOperationName: 'SomeOperation' } },
      'SomeOperation',
    ],
    ['the description when there is nothing else', { description: 'Ann did something' }, 'Ann did something'],
    ['the category when there is nothing at all', { eventTypeName: 'EVENT_CATEGORY_NEW' }, 'EVENT_CATEGORY_NEW'],
  ])('%s', (_, fields, name) => expect(named(fields)).toBe(name))
})

describe('appIdName', () => {
  test.each([
    ['14509', 'ServiceNow', 'APPID_SERVICENOW'],
    ['11161', 'Office 365', 'APPID_O365'],
    ['20893', 'Microsoft Exchange Online', 'APPID_OUTLOOK'],
    ['23456', 'Microsoft 365 admin center', 'APPID_O365_PORTAL'],
    ['33626', 'Google', 'APPID_33626'],
    ['', '', ''],
  ])('%s %s is %s', (id, label, name) => expect(appIdName(id, label)).toBe(name))
})

describe('any JSON', () => {
  test('gives an event or a record error, and nothing of it is null, undefined or an object as text', () => {
    fc.assert(
      fc.property(
        fc.jsonValue(),
        fc.constantFrom(normalizeDefenderAlert, normalizeDefenderActivity),
        (record, normalize) => {
          try {
            expect(JSON.stringify(normalize(record, origin))).not.toMatch(/"(null|undefined|\[object Object\])"/)
          } catch (error) {
            if (!(error instanceof RelayError) || error.code !== 'RELAY_RECORD_INVALID') throw error
          }
        },
      ),
      { numRuns: 500 },
    )
  })

  test('with hostile values in every known field gives an event', () => {
    const hostile = fc.oneof(
      fc.jsonValue(),
      fc.constantFrom(null, [], {}, 'x', 1e308, -0, [null], [{ id: null }], { '0': null }),
    )
    const record = fc.record(
      Object.fromEntries(
        [
          'timestamp',
          'created',
          'entities',
          'policy',
          'audits',
          'severityValue',
          'idValue',
          'title',
          'user',
          'device',
          'location',
          'userAgent',
          'mainInfo',
          'appId',
          'description',
          'policies',
        ].map((field) => [field, hostile]),
      ),
    )
    fc.assert(
      fc.property(record, (fields) => {
        expect(normalizeDefenderAlert({ _id: 'a', ...fields }, origin).id).toBe('a')
        expect(normalizeDefenderActivity({ _id: 'a', ...fields }, origin).id).toBe('a')
      }),
    )
  })

  test('prototype keys are inert', () => {
    const record: unknown = JSON.parse(
      '{"_id":"a","__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}}}',
    )
    normalizeDefenderAlert(record, origin)
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined()
  })
})
