import { createHash } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { startForTest } from '../test-support.ts'
import type { AlertRecord } from './records.ts'
import { type SampleLine, sampleLines, sampleRecords } from './samples.ts'

/** The fields of a line's extension; enough for these twelve, no CEF parser. */
function extensionOf(line: string): Readonly<Record<string, string>> {
  const extension = line.split('|').slice(7).join('|')
  const fields = extension.split(/ (?=[a-zA-Z0-9]+=)/).map((field) => {
    const at = field.indexOf('=')
    return [field.slice(0, at), field.slice(at + 1).replaceAll('\\=', '=')] as const
  })
  return Object.fromEntries(fields)
}

const lines = sampleLines()
const activityLines = lines.flatMap((each) => (each.kind === 'activities' ? [each] : []))
const alertLines = lines.flatMap((each) => (each.kind === 'alerts' ? [each] : []))

function headerOf({ line }: SampleLine): readonly string[] {
  return line.split('|').slice(0, 7)
}

function entityOf(record: AlertRecord, type: string) {
  return record.entities?.find((entity) => entity.type === type)
}

describe('sample lines', () => {
  test('are the twelve of the specification, activities first', () => {
    expect(lines.map((each) => [each.kind, each.index])).toEqual([
      ...[0, 1, 2, 3, 4, 5].map((index) => ['activities', index]),
      ...[0, 1, 2, 3, 4, 5].map((index) => ['alerts', index]),
    ])
    const digest = createHash('sha256')
      .update(lines.map((each) => `${each.line}\n`).join(''))
      .digest('hex')
    expect(digest).toBe('af0d8d0fc4ae127a7d3fca83fd5551fa6bf4e2ec669637160dac1de3bd75a1fa')
  })

  test('name the version and the system of their headers', () => {
    for (const each of lines) {
      const [prefix, vendor, product, version] = headerOf(each)
      expect([vendor, product, version]).toEqual(['MCAS', 'SIEM_Agent', each.deviceVersion])
      const time = new Date(each.record.timestamp).toISOString()
      expect(prefix).toBe([time, ...(each.systemName === undefined ? [] : [each.systemName]), 'CEF:0'].join(' '))
    }
  })

  test('are from the records that sampleRecords gives', () => {
    const records = sampleRecords()
    expect(activityLines.map((each) => each.record)).toEqual(records.activities)
    expect(alertLines.map((each) => each.record)).toEqual(records.alerts)
  })
})

describe('sample records', () => {
  test.each(activityLines)('activity $index holds every value of its line', ({ line, record, portalUrl }) => {
    const [, , , , signatureId, name, severity] = line.split('|')
    expect([signatureId, severity]).toEqual([record.eventTypeName, '0'])
    expect(record.description?.split(':')[0]).toBe(name)
    const id = record._id
    expect(extensionOf(line)).toEqual({
      externalId: id,
      rt: `${record.timestamp}`,
      start: `${record.timestamp}`,
      end: `${record.timestamp}`,
      msg: record.description,
      suser: record.user?.userName,
      destinationServiceName: record.appName,
      dvc: record.device?.clientIP ?? '',
      requestClientApplication: record.device?.userAgent ?? '',
      cs1Label: 'portalURL',
      cs1: `${portalUrl}/#/audits?activity.id=eq(${id},)`,
      cs2Label: 'uniqueServiceAppIds',
      cs2: 'APPID_SERVICENOW',
      cs3Label: 'targetObjects',
      cs3: record.mainInfo?.eventObjects?.map((object) => object.name).join(','),
      cs4Label: 'policyIDs',
      cs4: '',
      c6a1Label: '"Device IPv6 Address"',
      c6a1: '',
    })
    expect(record.appId).toBe(14509)
    // The id of the time begins with the moment of saving.
    expect(id.startsWith(`${record.created}_`)).toBe(true)
  })

  test.each(alertLines)('alert $index holds every value of its line', ({ line, record, portalUrl }) => {
    const [, , , , signatureId, name, severity] = line.split('|')
    const policy = entityOf(record, 'policyRule')
    expect([signatureId, severity]).toEqual(['ALERT_CABINET_EVENT_MATCH_AUDIT', '3'])
    expect([policy?.policyType, record.severityValue]).toEqual(['AUDIT', 0])
    expect(policy?.label).toBe(name)
    const appIds: Readonly<Record<string, string>> = {
      10489: 'APPID_BOX',
      11114: 'APPID_SALESFORCE',
      11161: 'APPID_O365',
      23456: 'APPID_O365_PORTAL',
      20893: 'APPID_OUTLOOK',
    }
    const service = entityOf(record, 'service')
    expect(extensionOf(line)).toEqual({
      externalId: record._id,
      start: `${record.timestamp}`,
      end: `${record.timestamp}`,
      msg: record.description,
      suser: entityOf(record, 'account')?.pa,
      destinationServiceName: service?.label,
      cn1Label: 'riskScore',
      cn1: record.threatScore === null ? '' : `${record.threatScore}`,
      cs1Label: 'portalURL',
      cs1: record.URL,
      cs2Label: 'uniqueServiceAppIds',
      cs2: appIds[String(service?.id)] ?? `APPID_${service?.id}`,
      cs3Label: 'relatedAudits',
      cs3: record.audits?.join(','),
      cs4Label: 'policyIDs',
      cs4: policy?.id ?? '',
    })
    expect(record.URL).toBe(`${portalUrl}/#/alerts/${record._id}`)
  })

  test('come through the API as they are', async () => {
    await using simulator = await startForTest()
    const records = sampleRecords()
    for (const record of records.activities) simulator.store.addActivity(record)
    for (const record of records.alerts) simulator.store.addAlert(record)
    expect(simulator.store.all('activities')).toEqual(records.activities)
    expect(simulator.store.all('alerts')).toEqual(records.alerts)
  })
})
