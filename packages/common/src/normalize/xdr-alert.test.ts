import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { normalizeXdrAlert } from './xdr-alert.ts'

const origin = { tenant: 'contoso', source: 'contoso' }
const info = {
  Timestamp: '2026-07-18T10:00:00.1234567Z',
  AlertId: 'ca6a7e360c204203a335a3fb12',
  Title: 'Impossible travel activity',
  Category: 'InitialAccess',
  Severity: 'Medium',
  ServiceSource: 'Microsoft Defender for Cloud Apps',
  DetectionSource: 'Microsoft Defender for Cloud Apps',
  AttackTechniques: '["Valid Accounts (T1078)"]',
}
const user = {
  Timestamp: '2026-07-18T09:58:00Z',
  AlertId: info.AlertId,
  EntityType: 'User',
  EvidenceRole: 'Impacted',
  AccountName: 'ann',
  AccountDomain: 'contoso',
  AccountSid: 'S-1-5-21-1',
  AccountObjectId: '4f1c',
  AccountUpn: 'ann@contoso.com',
  Application: 'Office 365',
  ApplicationId: 11161,
}
const related = { EvidenceRole: 'Related', AlertId: info.AlertId }

describe('normalizeXdrAlert', () => {
  test('puts AlertInfo and AlertEvidence together', () => {
    const alert = normalizeXdrAlert(
      {
        AlertInfo: info,
        AlertEvidence: [
          user,
          { ...related, EntityType: 'Ip', RemoteIP: '192.0.2.9' },
          { ...related, EntityType: 'Machine', DeviceId: 'd1', DeviceName: 'client1.contoso.com' },
          { ...related, EntityType: 'CloudApplication', Application: 'Office 365', ApplicationId: 11161 },
        ],
      },
      origin,
    )
    expect(alert).toMatchObject({
      product: 'cloud-apps',
      id: info.AlertId,
      timestampMs: Date.UTC(2026, 6, 18, 10, 0, 0, 123),
      alertType: 'ALERT_ANUBIS_DETECTION_VELOCITY',
      title: info.Title,
      description: 'Impossible travel activity (InitialAccess; Valid Accounts (T1078))',
      severity: 1,
      accounts: [{ upn: 'ann@contoso.com', role: 'Source', accountName: 'ann', domain: 'contoso', sid: 'S-1-5-21-1' }],
      services: [{ id: '11161', label: 'Office 365' }],
      devices: [{ id: 'd1', label: 'client1.contoso.com' }],
      ips: ['192.0.2.9'],
    })
  })

  test.each([
    ['Microsoft Defender for Identity', '', 'identity'],
    ['Azure ATP', '', 'identity'],
    ['Microsoft Defender for Cloud Apps', 'Microsoft Defender for Identity', 'cloud-apps'],
    ['Microsoft Defender XDR', 'Microsoft Defender for Identity', 'identity'],
    ['AAD Identity Protection', 'AAD Identity Protection', 'other'],
    ['Microsoft Defender for Endpoint', 'EDR', 'other'],
  ])('an alert of %s (%s) is of %s', (ServiceSource, DetectionSource, product) =>
    expect(normalizeXdrAlert({ AlertInfo: { ...info, ServiceSource, DetectionSource } }, origin).product).toBe(product),
  )

  test('an identity alert has the type of its title', () => {
    const AlertInfo = { ...info, ServiceSource: 'Microsoft Defender for Identity', Title: 'Honeytoken activity' }
    expect(normalizeXdrAlert({ AlertInfo }, origin).alertType).toBe(
      'ALERT_EXTERNAL_AATP_HONEYTOKEN_ACTIVITY_SECURITY_ALERT',
    )
  })

  test.each([
    ['Low', 0],
    ['medium', 1],
    ['High', 2],
    ['Informational', 3],
    ['Dire', undefined],
  ])('the severity %s is %s', (Severity, severity) =>
    expect(normalizeXdrAlert({ AlertInfo: { ...info, Severity } }, origin).severity).toBe(severity),
  )

  test('evidence alone tells title, severity and time, for the case that the other row never came', () => {
    const row = { ...user, Title: 'Something', Severity: 'High', ServiceSource: 'Azure ATP' }
    expect(normalizeXdrAlert({ AlertInfo: null, AlertEvidence: [row] }, origin)).toMatchObject({
      id: info.AlertId,
      title: 'Something',
      severity: 2,
      product: 'identity',
      timestampMs: Date.UTC(2026, 6, 18, 9, 58),
    })
  })

  test('entities of kinds that are new keep their kind', () => {
    const AlertEvidence = [{ ...related, EntityType: 'AmazonResource', CloudResource: 'bucket' }]
    expect(normalizeXdrAlert({ AlertInfo: info, AlertEvidence }, origin).entities).toMatchObject([
      { type: 'amazonresource', label: 'bucket', role: 'Related' },
    ])
  })

  test('without an AlertId it is refused; any other JSON gives an event', () => {
    expect(() => normalizeXdrAlert({ AlertInfo: { Title: 'x' } }, origin)).toThrow(
      expect.objectContaining({ code: 'RELAY_RECORD_INVALID' }),
    )
    const record = fc.record({ AlertInfo: fc.jsonValue(), AlertEvidence: fc.jsonValue() })
    fc.assert(
      fc.property(record, ({ AlertEvidence }) => {
        const alert = normalizeXdrAlert({ AlertInfo: { AlertId: 'a' }, AlertEvidence }, origin)
        expect(JSON.stringify(alert)).not.toMatch(/"(null|undefined|\[object Object\])"/)
      }),
    )
  })
})
