import { describe, expect, test } from 'vitest'
import { agentSchema } from '../agent.ts'
import { createPipeline, type Outcome } from '../pipeline.ts'
import { alertTypeOfDetector } from './alert-types.ts'
import { normalizeGraphAlert } from './graph-alert.ts'

const origin = { tenant: 'contoso', source: 'contoso-identity' }

/** In the shape of Microsoft's example of the alert resource. */
const honeytoken = {
  id: 'aafb8d6d2c-1c1f-4a2f-9d1e-0a1b2c3d4e5f',
  providerAlertId: 'fb8d6d2c-1c1f-4a2f-9d1e-0a1b2c3d4e5f',
  status: 'inProgress',
  severity: 'medium',
  classification: 'unknown',
  determination: 'unknown',
  serviceSource: 'microsoftDefenderForIdentity',
  detectionSource: 'microsoftDefenderForIdentity',
  detectorId: 'HoneytokenActivitySecurityAlert',
  title: 'Honeytoken activity',
  description: 'The following activities were performed by honey: Logged in to CLIENT1 via DC1.',
  category: 'CredentialAccess',
  alertWebUrl: 'https://security.microsoft.com/alerts/aafb8d6d2c-1c1f-4a2f-9d1e-0a1b2c3d4e5f?tid=c1',
  createdDateTime: '2026-01-15T12:00:02.1234567Z',
  lastUpdateDateTime: '2026-01-15T12:10:00.7654321Z',
  resolvedDateTime: null,
  firstActivityDateTime: '2026-01-15T11:58:01.0000001Z',
  lastActivityDateTime: '2026-01-15T11:59:09.9999999Z',
  evidence: [
    {
      '@odata.type': '#microsoft.graph.security.userEvidence',
      roles: ['compromised'],
      userAccount: {
        accountName: 'honey',
        domainName: 'CONTOSO',
        userSid: 'S-1-5-21-1-2-3-1104',
        azureAdUserId: '0f0f0f0f-0000-4000-8000-000000000001',
        userPrincipalName: 'honey@contoso.com',
        displayName: 'Honey Token',
      },
    },
    {
      '@odata.type': '#microsoft.graph.security.deviceEvidence',
      roles: ['source'],
      deviceDnsName: 'client1.contoso.com',
      azureAdDeviceId: null,
      mdeDeviceId: 'd1',
    },
    {
      '@odata.type': '#microsoft.graph.security.deviceEvidence',
      roles: ['destination'],
      deviceDnsName: 'dc1.contoso.com',
    },
    { '@odata.type': '#microsoft.graph.security.ipEvidence', ipAddress: '10.0.0.7', countryLetterCode: null },
    {
      '@odata.type': '#microsoft.graph.security.cloudApplicationEvidence',
      appId: 20940,
      displayName: 'Active Directory',
      instanceId: 0,
    },
    { '@odata.type': '#microsoft.graph.security.somethingNew', value: 1 },
  ],
}

describe('normalizeGraphAlert', () => {
  test('reads an alert of Defender for Identity', () => {
    const alert = normalizeGraphAlert(honeytoken, origin)
    expect(alert).toMatchObject({
      kind: 'alert',
      product: 'identity',
      id: 'aafb8d6d2c-1c1f-4a2f-9d1e-0a1b2c3d4e5f',
      timestampMs: Date.parse('2026-01-15T12:00:02.123Z'),
      startMs: Date.parse('2026-01-15T11:58:01.000Z'),
      endMs: Date.parse('2026-01-15T11:59:09.999Z'),
      alertType: 'ALERT_EXTERNAL_AATP_HONEYTOKEN_ACTIVITY_SECURITY_ALERT',
      severity: 1,
      status: 1,
      resolution: 0,
      ips: ['10.0.0.7'],
      policies: [],
      isBuiltIn: true,
    })
    expect(alert.accounts).toMatchObject([
      { upn: 'honey@contoso.com', accountName: 'honey', domain: 'CONTOSO', sid: 'S-1-5-21-1-2-3-1104', role: 'Source' },
    ])
    expect(alert.devices.map(({ label, role }) => [label, role])).toEqual([
      ['client1.contoso.com', 'Source'],
      ['dc1.contoso.com', 'Related'],
    ])
    expect(alert.services).toMatchObject([{ id: '20940', label: 'Active Directory' }])
  })

  test.each([
    ['resolved', 'truePositive', 5],
    ['resolved', 'falsePositive', 3],
    ['resolved', 'informationalExpectedActivity', 4],
    ['resolved', 'unknown', 2],
    ['new', 'truePositive', 0],
    ['unknownFutureValue', 'truePositive', undefined],
  ])('status %s and classification %s give the resolution %s', (status, classification, resolution) => {
    expect(normalizeGraphAlert({ ...honeytoken, status, classification }, origin).resolution).toBe(resolution)
  })

  test.each([
    ['microsoftDefenderForCloudApps', 'cloudAppSecurity', 'cloud-apps'],
    ['unknownFutureValue', 'microsoftDefenderForIdentity', 'identity'],
    ['unknownFutureValue', 'cloudAppSecurity', 'cloud-apps'],
    ['microsoftDefenderForEndpoint', 'antivirus', 'other'],
  ])('%s detected by %s is of the product %s', (serviceSource, detectionSource, product) => {
    expect(normalizeGraphAlert({ ...honeytoken, serviceSource, detectionSource }, origin).product).toBe(product)
  })

  test('the type of an identity alert comes from its title, else from its detector, and no alert is without one', () => {
    const typeOf = (parts: object): string => normalizeGraphAlert({ ...honeytoken, ...parts }, origin).alertType
    expect(typeOf({ detectorId: null })).toBe('ALERT_EXTERNAL_AATP_HONEYTOKEN_ACTIVITY_SECURITY_ALERT')
    expect(typeOf({ title: 'A name of next year', detectorId: 'SamrReconnaissanceSecurityAlert' })).toBe(
      'ALERT_EXTERNAL_AATP_SAMR_RECONNAISSANCE_SECURITY_ALERT',
    )
    expect(typeOf({ title: 'A name of next year', detectorId: null })).toBe(
      'ALERT_MICROSOFT_DEFENDER_FOR_IDENTITY_CREDENTIAL_ACCESS',
    )
    expect(typeOf({ serviceSource: null, detectionSource: null, title: null, category: null, detectorId: null })).toBe(
      'ALERT_GRAPH',
    )
  })

  test('nulls everywhere give an event; only the id is needed', () => {
    const nulls = Object.fromEntries(Object.keys(honeytoken).map((name) => [name, null]))
    const alert = normalizeGraphAlert({ ...nulls, id: 'x' }, origin)
    expect(alert).toMatchObject({ id: 'x', timestampMs: undefined, severity: undefined, title: '', accounts: [] })
    const bare = normalizeGraphAlert({ id: 'x', evidence: [null, 3, 'text', { '@odata.type': null }, {}] }, origin)
    expect(bare.entities).toEqual([])
    const empty = { '@odata.type': '#microsoft.graph.security.userEvidence', userAccount: null, roles: null }
    expect(normalizeGraphAlert({ id: 'x', evidence: [empty] }, origin).accounts).toMatchObject([{ upn: '', role: '' }])
    expect(() => normalizeGraphAlert({ ...honeytoken, id: null }, origin)).toThrow('the alert has no id')
  })
})

describe('alertTypeOfDetector', () => {
  test.each([
    ['LdapBruteForceSecurityAlert', 'ALERT_EXTERNAL_AATP_LDAP_BRUTE_FORCE_SECURITY_ALERT'],
    ['ForgedPacSecurityAlert', 'ALERT_EXTERNAL_AATP_FORGED_PAC_SECURITY_ALERT'],
    // Each stands for several types.
    ['AbnormalProtocolSecurityAlert', undefined],
    ['EncryptionDowngradeSecurityAlert', undefined],
    ['f1a4fb2e-6a5b-4a2c-9f0f-5f0f3a1c2d3e', undefined],
    ['', undefined],
  ])('%s → %s', (name, type) => expect(alertTypeOfDetector(name)).toBe(type))
})

describe('the CEF line of a Graph alert', () => {
  function lineOf(format: 'generic' | 'arcsight', parts: object = {}): string {
    const agent = agentSchema.parse({ id: 'a', console: true, format, device: { version: '1.0' } })
    const outcome: Outcome = createPipeline(agent, { defaultVersion: '', bytesMax: 8_192, nowMs: () => 0 })(
      {
        ...origin,
        body: Buffer.from(JSON.stringify({ ...honeytoken, ...parts })),
        kind: 'alert',
        shape: 'graph-alert',
        portalUrl: 'https://security.microsoft.com',
        receivedMs: 0,
      },
      () => false,
    )
    return outcome.outcome === 'message' ? outcome.line : outcome.outcome
  }

  test('generic: the SIEM agent’s fields, filled by Microsoft’s map', () => {
    expect(lineOf('generic')).toBe(
      'CEF:0|MCAS|SIEM_Agent|1.0|ALERT_EXTERNAL_AATP_HONEYTOKEN_ACTIVITY_SECURITY_ALERT|Honeytoken activity|5|' +
        'externalId=aafb8d6d2c-1c1f-4a2f-9d1e-0a1b2c3d4e5f start=1768478281000 end=1768478349999 ' +
        'msg=The following activities were performed by honey: Logged in to CLIENT1 via DC1. suser=honey@contoso.com ' +
        'destinationServiceName=Active Directory cn1Label=riskScore cn1= cs1Label=portalURL ' +
        'cs1=https://security.microsoft.com/alerts/aafb8d6d2c-1c1f-4a2f-9d1e-0a1b2c3d4e5f?tid\\=c1 ' +
        'cs2Label=uniqueServiceAppIds cs2=APPID_20940 cs3Label=relatedAudits cs3= cs4Label=policyIDs cs4=',
    )
  })

  test('arcsight: rt is when it was raised, src the address', () => {
    expect(lineOf('arcsight')).toBe(
      'CEF:0|MCAS|SIEM_Agent|1.0|ALERT_EXTERNAL_AATP_HONEYTOKEN_ACTIVITY_SECURITY_ALERT|Honeytoken activity|5|' +
        'externalId=aafb8d6d2c-1c1f-4a2f-9d1e-0a1b2c3d4e5f rt=1768478402123 start=1768478281000 end=1768478349999 ' +
        'msg=The following activities were performed by honey: Logged in to CLIENT1 via DC1. suser=honey@contoso.com ' +
        'destinationServiceName=Active Directory src=10.0.0.7 cs1Label=portalURL ' +
        'cs1=https://security.microsoft.com/alerts/aafb8d6d2c-1c1f-4a2f-9d1e-0a1b2c3d4e5f?tid\\=c1 ' +
        'cs2Label=uniqueServiceAppIds cs2=APPID_20940',
    )
  })

  test('arcsight: an IPv6 address is in c6a2', () => {
    const evidence = [{ '@odata.type': '#microsoft.graph.security.ipEvidence', ipAddress: '2001:db8::7' }]
    const line = lineOf('arcsight', { evidence })
    expect(line).toContain('c6a2Label=Source IPv6 Address c6a2=2001:db8::7')
    expect(line).not.toContain(' src=')
  })
})
