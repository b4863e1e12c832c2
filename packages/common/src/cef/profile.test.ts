import { describe, expect, test } from 'vitest'
import { agentSchema } from '../agent.ts'
import { normalizeDefenderActivity } from '../normalize/defender-activity.ts'
import { normalizeDefenderAlert } from '../normalize/defender-alert.ts'
import { parseCef } from './parse.ts'
import { createCefProfile } from './profile.ts'

const origin = { tenant: 'contoso', source: 'contoso' }
const portal = 'https://contoso.portal.cloudappsecurity.com'
const profile = (agent: object) =>
  createCefProfile({
    agent: agentSchema.parse({ id: 'siem', console: true, ...agent }),
    defaultVersion: '1.0.0',
    bytesMax: 8_192,
  })
const extension = (line: string) => Object.fromEntries(parseCef(line).extension)

const activity = (fields: object = {}) =>
  normalizeDefenderActivity(
    {
      _id: '97134001_11161_0b076c20-885b-4a86-aec8-f41ade96ee9a',
      timestamp: 1_511_373_004_000,
      eventTypeName: 'EVENT_CATEGORY_LOGIN',
      description: 'Log on',
      appName: 'Office 365',
      appId: 11161,
      user: { userName: 'ann@contoso.com' },
      device: { clientIP: '192.0.2.7', userAgent: 'Mozilla/5.0' },
      mainInfo: { eventObjects: [{ name: '' }, { name: 'a' }, { name: null }] },
      ...fields,
    },
    origin,
  )
const alert = (fields: object = {}) =>
  normalizeDefenderAlert(
    { _id: 'a1', timestamp: 1_500_151_350_531, title: 'Title', description: 'Text', severityValue: 2, ...fields },
    origin,
  )

describe('generic CEF', () => {
  test('keeps empty values as key= and empty items of lists', () => {
    const { line } = profile({})(activity({ device: null }), portal)
    expect(line).toContain(' dvc= requestClientApplication= ')
    expect(line).toContain(
      ' cs3Label=targetObjects cs3=,a, cs4Label=policyIDs cs4= c6a1Label="Device IPv6 Address" c6a1=',
    )
  })

  test('puts an IPv6 client into c6a1 and leaves dvc empty', () => {
    const fields = extension(profile({})(activity({ device: { clientIP: '2001:db8::7' } }), portal).line)
    expect(fields).toMatchObject({ dvc: '', c6a1: '2001:db8::7' })
  })

  test.each([
    [0, 3],
    [1, 5],
    [2, 10],
    [3, 0],
    [undefined, 3],
  ])('severityValue %j is CEF severity %i', (severityValue, severity) => {
    const { line, severity: returned } = profile({})(alert({ severityValue }), portal)
    expect(parseCef(line).severity).toBe(String(severity))
    expect(returned).toBe(severity)
  })

  test('severities, app names and alert types can be configured', () => {
    const { line } = profile({
      severity: { high: 8 },
      appIds: { '15600': 'APPID_ONEDRIVE' },
      alertTypes: { '99': 'ALERT_OURS' },
    })(alert({ idValue: 99, entities: [{ type: 'service', id: 15600, label: 'OneDrive' }] }), portal)
    expect(parseCef(line)).toMatchObject({ severity: '8', signatureId: 'ALERT_OURS' })
    expect(extension(line)).toMatchObject({ cs2: 'APPID_ONEDRIVE' })
  })

  test('links an alert without a URL of its own to the portal', () => {
    expect(extension(profile({})(alert(), portal).line)).toMatchObject({ cs1: `${portal}/#/alerts/a1` })
  })

  test('takes the account marked as source, and joins several services', () => {
    const fields = extension(
      profile({})(
        alert({
          entities: [
            { type: 'account', label: 'Bob', entityRole: 'Related' },
            { type: 'account', label: 'Ann', em: 'ann@contoso.com', entityRole: 'Source' },
            { type: 'service', id: 11161, label: 'Office 365' },
            { type: 'service', id: 10489, label: 'Box' },
          ],
        }),
        portal,
      ).line,
    )
    expect(fields).toMatchObject({
      suser: 'ann@contoso.com',
      destinationServiceName: 'Office 365,Box',
      cs2: 'APPID_O365,APPID_BOX',
    })
  })
})

describe('ArcSight CEF', () => {
  const arcsight = profile({ format: 'arcsight' })

  test('leaves empty values and their labels out, and writes the address as source too', () => {
    const { line } = arcsight(activity({ device: { clientIP: '192.0.2.7:443' } }), portal)
    expect(line).not.toMatch(/=( |$)/)
    expect(extension(line)).toMatchObject({ dvc: '192.0.2.7', src: '192.0.2.7', cs3: 'a' })
    expect(line).not.toContain('cs4Label')
    expect(line).not.toContain('c6a1')
  })

  test('keeps to the lengths of the specification', () => {
    const fields = extension(arcsight(activity({ description: 'd'.repeat(2_000) }), portal).line)
    expect(fields.externalId).toBe('97134001_11161_0b076c20-885b-4a86-aec8-f')
    expect(fields.msg).toHaveLength(1023)
    expect(fields.msg).toMatch(/\.\.\.$/)
  })

  test('an alert has rt, and riskScore only as a number', () => {
    expect(extension(arcsight(alert({ threatScore: 19 }), portal).line)).toMatchObject({
      rt: '1500151350531',
      cn1: '19',
      cn1Label: 'riskScore',
    })
    expect(arcsight(alert({ riskScore: 'very high' }), portal).line).not.toContain('cn1')
  })

  test('an IPv6 address goes to c6a1 and c6a2 with their labels', () => {
    expect(extension(arcsight(activity({ device: { clientIP: '[2001:db8::7]:443' } }), portal).line)).toMatchObject({
      c6a1Label: 'Device IPv6 Address',
      c6a1: '2001:db8::7',
      c6a2Label: 'Source IPv6 Address',
      c6a2: '2001:db8::7',
    })
  })

  test('garbage never reaches a typed field', () => {
    const { line } = arcsight(activity({ timestamp: 'soon', device: { clientIP: 'src=1.2.3.4' } }), portal)
    for (const key of ['rt=', 'start=', 'end=', 'dvc=', ' src=']) expect(line).not.toContain(key)
  })
})
