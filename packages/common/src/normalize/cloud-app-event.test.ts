import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { agentSchema } from '../agent.ts'
import { parseCef } from '../cef/parse.ts'
import { createCefProfile } from '../cef/profile.ts'
import { RelayError } from '../errors.ts'
import { activityName, categoryOf } from './activity-names.ts'
import { normalizeCloudAppEvent } from './cloud-app-event.ts'
import { normalizeDefenderActivity } from './defender-activity.ts'
import { downloadByRest, downloadByStream, googleActivity } from './fixtures/activity-pair.ts'

const origin = { tenant: 'contoso', source: 'contoso' }
const portalUrl = 'https://contoso.portal.cloudappsecurity.com'

describe.each(['generic', 'arcsight'] as const)(
  'one activity through REST and through the stream, as %s CEF',
  (format) => {
    const encode = createCefProfile({
      agent: agentSchema.parse({ id: 'soc', format, syslog: { host: '127.0.0.1', port: 514 } }),
      defaultVersion: '1.0.0',
      bytesMax: 65_536,
    })
    const rest = parseCef(encode(normalizeDefenderActivity(downloadByRest, origin), portalUrl).line)
    const stream = parseCef(encode(normalizeCloudAppEvent(downloadByStream, origin), portalUrl).line)

    test('has the same header', () => {
      expect(stream.signatureId).toBe('EVENT_CATEGORY_DOWNLOAD_FILE')
      expect([stream.signatureId, stream.name, stream.severity]).toEqual([rest.signatureId, rest.name, rest.severity])
    })

    test('has the same extension, except the id, the link made of it, and the policies that only REST knows', () => {
      const differing = [...new Set([...rest.extension.keys(), ...stream.extension.keys()])].filter(
        (key) => rest.extension.get(key) !== stream.extension.get(key),
      )
      // An empty cs4 and its label stay in generic lines; strict ones leave them out.
      const withoutPolicies = format === 'generic' ? ['cs4'] : ['cs4Label', 'cs4']
      expect(differing.toSorted()).toEqual(['cs1', 'externalId', ...withoutPolicies].toSorted())
      expect(stream.extension.get('externalId')).toBe('0f3c9d7b_15600')
      expect(rest.extension.get('externalId')).toMatch(/^91295988_15600_5e0c2a51/)
    })
  },
)

describe('normalizeCloudAppEvent', () => {
  test('reads the same facts for filters as from REST', () => {
    const rest = normalizeDefenderActivity(downloadByRest, origin)
    const stream = normalizeCloudAppEvent(downloadByStream, origin)
    const shared = [
      'appId',
      'appName',
      'countryCode',
      'ipCategory',
      'isAdmin',
      'isImpersonated',
      'origin',
      'organization',
    ] as const
    for (const field of shared) expect([field, stream[field]]).toEqual([field, rest[field]])
    expect(stream.objects.map(({ name, role, id }) => [name, role, id])).toEqual(
      rest.objects.map(({ name, role, id }) => [name, role, id]),
    )
  })

  test('reads a published record of another cloud app', () => {
    const activity = normalizeCloudAppEvent(googleActivity, origin)
    expect(activity).toMatchObject({
      id: 'd87bb92a1ffaaa19f57bdfd48b78af0127742d2a46244dd4dbaeba64521af829_11770',
      timestampMs: Date.UTC(2026, 6, 18, 16, 57, 49, 239),
      eventTypeName: 'EVENT_CATEGORY_ACTIVITY',
      userName: 'someone@example.com',
      appName: 'Google Workspace',
      appId: '11770',
      clientIP: '192.0.2.113',
      ipCategory: 5,
      ipTags: ['Microsoft Azure'],
      organization: 'Microsoft Azure',
      origin: 2,
      isAdmin: false,
      objects: [{ name: 'Some One', role: 4, saas: '11161', instance: '0' }],
    })
    expect(activityName(activity)).toBe('activity')
  })

  test('columns that hold JSON as text read like those that hold JSON', () => {
    const asText = {
      ...downloadByStream,
      RawEventData: JSON.stringify(downloadByStream.RawEventData),
      ActivityObjects: JSON.stringify(downloadByStream.ActivityObjects),
      IPTags: JSON.stringify(downloadByStream.IPTags),
      IsAdminOperation: 'false',
    }
    expect(normalizeCloudAppEvent(asText, origin)).toEqual(normalizeCloudAppEvent(downloadByStream, origin))
  })

  test.each([
    ['several addresses', '192.0.2.1, 2001:db8::1', '192.0.2.1'],
    ['a list of them', ['2001:db8::1', '192.0.2.1'], '2001:db8::1'],
    ['a list as text', '["192.0.2.7"]', '192.0.2.7'],
    ['none', null, ''],
  ])('takes the first of %s', (_, IPAddress, clientIP) =>
    expect(normalizeCloudAppEvent({ ReportId: 'r', IPAddress }, origin).clientIP).toBe(clientIP),
  )

  test.each([
    [
      'the principal name of the raw record',
      { RawEventData: { UserId: 'ann@contoso.com' }, AccountDisplayName: 'Ann' },
      'ann@contoso.com',
    ],
    ['an account id that is one', { AccountId: 'ann@contoso.com', AccountDisplayName: 'Ann' }, 'ann@contoso.com'],
    ['the display name when nothing is', { AccountId: '4f1c', AccountDisplayName: 'Ann' }, 'Ann'],
    ['the account id when there is no name', { AccountId: '4f1c' }, '4f1c'],
    ['nobody', {}, ''],
  ])('the user is %s', (_, row, userName) =>
    expect(normalizeCloudAppEvent({ ReportId: 'r', ...row }, origin).userName).toBe(userName),
  )

  test('without a ReportId the id of the raw record counts; without either the row is refused', () => {
    expect(normalizeCloudAppEvent({ RawEventData: '{"Id":"5e0c"}' }, origin).id).toBe('5e0c')
    expect(() => normalizeCloudAppEvent({ ActionType: 'x' }, origin)).toThrow(
      expect.objectContaining({ code: 'RELAY_RECORD_INVALID' }),
    )
  })

  test('any JSON gives an event or a record error', () => {
    const hostile = fc.oneof(fc.jsonValue(), fc.constantFrom(null, '[', '{"Id":1}', '[null]', {}, [[]]))
    const columns = [
      'ActionType',
      'RawEventData',
      'ActivityObjects',
      'IPAddress',
      'IPTags',
      'IPCategory',
      'Timestamp',
      'AccountId',
    ]
    const row = fc.record(Object.fromEntries(columns.map((column) => [column, hostile])))
    fc.assert(
      fc.property(row, (fields) => {
        const event = normalizeCloudAppEvent({ ReportId: 'r', ...fields }, origin)
        expect(event.eventTypeName).toMatch(/^EVENT_CATEGORY_\w+$/)
        expect(event.objects.every(({ name }) => typeof name === 'string')).toBe(true)
      }),
    )
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        try {
          normalizeCloudAppEvent(value, origin)
        } catch (error) {
          if (!(error instanceof RelayError) || error.code !== 'RELAY_RECORD_INVALID') throw error
        }
      }),
    )
  })
})

describe('categoryOf', () => {
  test.each([
    [['UserLoggedIn'], 'EVENT_CATEGORY_LOGIN'],
    [['Log on'], 'EVENT_CATEGORY_LOGIN'],
    [['FileDownloaded', 'Basic'], 'EVENT_CATEGORY_DOWNLOAD_FILE'],
    [['EVENT_CATEGORY_SHARE'], 'EVENT_CATEGORY_SHARE'],
    [['SendAs', 'Basic'], 'EVENT_CATEGORY_SEND_AS'],
    [['MailItemsAccessed'], 'EVENT_CATEGORY_MAIL_ITEMS_ACCESSED'],
    [['Set-Mailbox'], 'EVENT_CATEGORY_SET_MAILBOX'],
    [['', 'Basic'], 'EVENT_CATEGORY_BASIC'],
    [['設計書'], 'EVENT_CATEGORY_UNSPECIFIED'],
    [['', ''], 'EVENT_CATEGORY_UNSPECIFIED'],
  ])('%j is %s', (names, category) => expect(categoryOf(names)).toBe(category))
})
