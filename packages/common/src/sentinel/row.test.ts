/** Rows of Sentinel tables: what they say, and that Azure would store them as they are. */

import { createGenerator, createScenario, sampleRecords } from '@siem-relay/simulator'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { agentSchema } from '../agent.ts'
import type { EventKind } from '../events.ts'
import { createPipeline, type PipelineInput } from '../pipeline.ts'
import { problemOfRow, rowSchemas } from './check.ts'
import { fieldBytesMax } from './row.ts'
import { sentinelTables } from './schema.ts'

const pipeline = createPipeline(
  agentSchema.parse({
    id: 'sentinel',
    activities: { enabled: true },
    sentinel: {
      endpoint: 'https://soc-a1b2.westeurope-1.ingest.monitor.azure.com',
      ruleId: `dcr-${'0123456789abcdef'.repeat(2)}`,
      auth: { type: 'managed-identity' },
    },
  }),
  { defaultVersion: '1.2.3', bytesMax: 999_998, nowMs: () => 0 },
)

function outcomeOf(record: unknown, kind: EventKind, envelope: Partial<PipelineInput> = {}) {
  const outcome = pipeline(
    {
      body: Buffer.from(JSON.stringify(record)),
      kind,
      tenant: 'contoso',
      source: 'contoso-mda',
      portalUrl: 'https://contoso.portal.cloudappsecurity.com',
      receivedMs: 1_767_225_600_000,
      ...envelope,
    },
    () => false,
  )
  if (outcome.outcome !== 'message') throw new Error(JSON.stringify(outcome))
  return outcome
}
const rowOf = (record: unknown, kind: EventKind, envelope?: Partial<PipelineInput>): Record<string, unknown> =>
  JSON.parse(outcomeOf(record, kind, envelope).line)

describe('every generated record', () => {
  const generator = createGenerator(11)
  test.each(['alert', 'activity', 'discovery'] as const)('of kind %s is a row that Azure stores as it is', (kind) => {
    for (let index = 0; index < 2_000; index++) {
      const { line, rowSchema } = outcomeOf(generator[kind](1_767_225_600_000 + index * 1_000), kind)
      expect(problemOfRow(kind, JSON.parse(line)), line).toBeUndefined()
      expect(rowSchema).toBe(rowSchemas[kind])
      expect(line).not.toMatch(/[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\ufeff]/)
    }
  })

  test('of both products too', () => {
    const scenario = createScenario(3, {
      startMs: 1_767_225_600_000,
      pairs: 40,
      nearMisses: 20,
      singles: 20,
      updates: 10,
      others: 10,
    })
    for (const { body, api } of scenario) {
      const row = rowOf(body, 'alert', api === 'graph' ? { shape: 'graph-alert' } : {})
      expect(problemOfRow('alert', row)).toBeUndefined()
    }
  })
})

describe('an alert', () => {
  const [sample] = sampleRecords().alerts
  const record = {
    _id: '603f704aaf7417985bbf3b22',
    timestamp: 1_677_791_402_022,
    title: 'Suspicious inbox rule',
    description: 'A rule was set',
    severityValue: 2,
    statusValue: 0,
    resolutionStatusValue: 5,
    entities: [
      { type: 'account', id: 'a1', label: 'Megan Bowen', pa: 'meganb@contoso.com', em: 'megan@contoso.com' },
      { type: 'ip', id: '203.0.113.9' },
      { type: 'service', id: 20893, label: 'Microsoft Exchange Online' },
    ],
  }

  test('has the values Microsoft’s own connector writes', () =>
    expect(rowOf(record, 'alert')).toMatchObject({
      TimeGenerated: '2023-03-02T21:10:02.022Z',
      EventTime: '2023-03-02T21:10:02.022Z',
      RecordId: 'alert:603f704aaf7417985bbf3b22',
      SourceTenant: 'contoso',
      AlertSeverity: 'High',
      ProviderName: 'MCAS',
      ProductName: 'Microsoft Cloud App Security',
      VendorName: 'Microsoft',
      SystemAlertId: '603f704aaf7417985bbf3b22',
      AlertType: expect.stringMatching(/^MCAS_ALERT_/),
      Status: 'Resolved',
      CompromisedEntity: 'meganb@contoso.com',
      AlertLink: 'https://contoso.portal.cloudappsecurity.com/#/alerts/603f704aaf7417985bbf3b22',
    }))

  test('names the app as its first entity, then accounts and addresses', () =>
    expect(JSON.parse(String(rowOf(record, 'alert').Entities))).toEqual([
      { $id: '1', Type: 'cloud-application', AppId: 20_893, Name: 'Microsoft Exchange Online' },
      { $id: '2', Type: 'account', Name: 'meganb', UPNSuffix: 'contoso.com', DisplayName: 'Megan Bowen' },
      { $id: '3', Type: 'ip', Address: '203.0.113.9' },
    ]))

  test('of Defender for Identity is told by its product', () => {
    const graph = {
      id: 'aa1',
      createdDateTime: '2026-01-01T00:00:00Z',
      serviceSource: 'microsoftDefenderForIdentity',
      title: 'x',
      severity: 'low',
    }
    expect(rowOf(graph, 'alert', { shape: 'graph-alert' })).toMatchObject({
      ProviderName: 'Azure Advanced Threat Protection',
      ProductName: 'Azure Advanced Threat Protection',
      AlertSeverity: 'Low',
      Status: 'New',
    })
  })

  test('in another version is another row', () =>
    expect(rowOf(sample, 'alert', { version: 'v2' }).RecordId).toBe(`alert:${sample?._id}@v2`))

  test('with thousands of hostile entities still has entities that are JSON', () => {
    const entities = Array.from({ length: 5_000 }, (_, index) => ({
      type: 'account',
      id: String(index),
      label: '"\\\u0000'.repeat(2_000),
    }))
    const row = rowOf({ ...record, entities }, 'alert')
    expect(problemOfRow('alert', row)).toBeUndefined()
    expect(Array.isArray(JSON.parse(String(row.Entities)))).toBe(true)
    expect(Buffer.byteLength(String(row.Entities))).toBeLessThanOrEqual(fieldBytesMax)
  })
})

describe('a text longer than Azure keeps', () => {
  test.each([
    ['of one byte a character', 'x'],
    ['of four bytes a character', '🏴'],
    ['that is escaped in JSON', '"'],
  ])('%s is cut at 64 KB with a mark, and the row says so', (_, character) => {
    const { line, shortenedFields } = outcomeOf(
      { _id: 'a1', timestamp: 1_677_791_402_022, title: 't', description: character.repeat(200_000), severityValue: 0 },
      'alert',
    )
    const { Description } = JSON.parse(line) as { Description: string }
    expect(Buffer.byteLength(Description)).toBeLessThanOrEqual(fieldBytesMax)
    expect(Buffer.byteLength(Description)).toBeGreaterThan(fieldBytesMax * 0.9)
    expect(Description).toMatch(/\.\.\.$/)
    expect(Description.isWellFormed()).toBe(true)
    expect(shortenedFields).toBe(1)
  })
})

describe('an activity', () => {
  test('is stored in the columns in which Azure’s agent stores the SIEM agent’s line', () => {
    const record = {
      _id: '97134001_11161_x',
      timestamp: 1_511_373_004_000,
      eventTypeName: 'EVENT_CATEGORY_LOGIN',
      description: 'Log on',
      appName: 'Office 365',
      appId: 11161,
      user: { userName: 'ann@contoso.com' },
      device: { clientIP: '2001:db8::7', userAgent: 'Mozilla/5.0' },
      mainInfo: { eventObjects: [{ name: '' }, { name: 'a' }, { name: 'b' }] },
    }
    expect(rowOf(record, 'activity')).toEqual({
      TimeGenerated: '2017-11-22T17:50:04.000Z',
      DeviceVendor: 'MCAS',
      DeviceProduct: 'SIEM_Agent',
      DeviceVersion: '1.2.3',
      DeviceEventClassID: 'EVENT_CATEGORY_LOGIN',
      Activity: 'Log on',
      LogSeverity: '0',
      ExtID: '97134001_11161_x',
      ReceiptTime: '1511373004000',
      StartTime: '2017-11-22T17:50:04.000Z',
      EndTime: '2017-11-22T17:50:04.000Z',
      Message: 'Log on',
      SourceUserName: 'ann@contoso.com',
      DestinationServiceName: 'Office 365',
      RequestClientApplication: 'Mozilla/5.0',
      DeviceCustomString1: 'https://contoso.portal.cloudappsecurity.com/#/audits?activity.id=eq(97134001_11161_x,)',
      DeviceCustomString1Label: 'portalURL',
      DeviceCustomString2: 'APPID_O365',
      DeviceCustomString2Label: 'uniqueServiceAppIds',
      DeviceCustomString3: 'a,b',
      DeviceCustomString3Label: 'targetObjects',
      DeviceCustomIPv6Address1: '2001:db8::7',
      DeviceCustomIPv6Address1Label: 'Device IPv6 Address',
    })
  })
})

describe('a discovery row', () => {
  test('keeps the 15 columns that are not Azure’s own', () => {
    const record = {
      TenantId: 'workspace',
      SourceSystem: 'Azure',
      Type: 'McasShadowItReporting',
      TimeGenerated: '2026-01-01T00:00:00Z',
      StreamName: 'Global view',
      AppName: 'Box',
      AppId: 10_489,
      AppTags: ['sanctioned'],
      AppScore: 9,
      UploadedBytes: 3_000_000_000,
    }
    expect(rowOf(record, 'discovery')).toEqual({
      TimeGenerated: '2026-01-01T00:00:00.000Z',
      EventTime: '2026-01-01T00:00:00.000Z',
      RecordId: expect.stringMatching(/^[0-9a-f]{32}$/),
      SourceTenant: 'contoso',
      SourceName: 'contoso-mda',
      StreamName: 'Global view',
      AppName: 'Box',
      AppId: 10_489,
      AppTags: ['sanctioned'],
      AppScore: 9,
      UploadedBytes: 3_000_000_000,
    })
  })
})

describe('the check before sending', () => {
  const row = { TimeGenerated: '2026-01-01T00:00:00Z', RecordId: 'r' }
  test.each([
    [[row], 'the row is not an object: Azure would accept and lose it'],
    [null, 'the row is not an object: Azure would accept and lose it'],
    [{ ...row, Colour: 'red' }, 'column "Colour" is not in McasShadowItReporting_CL: Azure would drop it'],
    [
      { ...row, TotalEvents: '5' },
      'column TotalEvents of McasShadowItReporting_CL is a long, not "5": Azure would store null',
    ],
    [
      { ...row, AppScore: 3e9 },
      'column AppScore of McasShadowItReporting_CL is a int, not 3000000000: Azure would store null',
    ],
    [
      { ...row, TimeGenerated: 'today' },
      'column TimeGenerated of McasShadowItReporting_CL is a datetime, not "today": Azure would store null',
    ],
    [{ TimeGenerated: row.TimeGenerated }, 'column RecordId of McasShadowItReporting_CL is missing'],
    [{ ...row, constructor: 1 }, 'column "constructor" is not in McasShadowItReporting_CL: Azure would drop it'],
  ])('%j: %s', (value, problem) => expect(problemOfRow('discovery', value)).toBe(problem))

  test('takes null for any column', () =>
    expect(problemOfRow('discovery', { ...row, TotalEvents: null })).toBeUndefined())

  test('never throws, and tells no more than it must', () =>
    fc.assert(
      fc.property(fc.jsonValue(), fc.constantFrom('alert', 'activity', 'discovery'), (value, kind) => {
        expect((problemOfRow(kind as EventKind, value) ?? '').length).toBeLessThan(600)
      }),
    ))

  test('finds as much before a row is written as after: what a formatter found good stays good', () =>
    fc.assert(
      fc.property(
        fc.dictionary(
          fc.constantFrom('TimeGenerated', 'RecordId', 'TotalEvents', 'AppScore', 'AppTags', 'AppName', 'Colour'),
          fc.oneof(fc.jsonValue(), fc.constant(undefined), fc.double(), fc.constant('2026-01-01T00:00:00Z')),
        ),
        (row) => {
          if (problemOfRow('discovery', row) === undefined)
            expect(problemOfRow('discovery', JSON.parse(JSON.stringify(row)))).toBeUndefined()
        },
      ),
      { numRuns: 500 },
    ))

  test('no column has a name that Azure keeps to itself', () => {
    const reserved = new Set(['tenantid', 'type', 'id', 'title', 'uniqueid', 'sourcesystem', 'mg'])
    for (const { columns } of Object.values(sentinelTables))
      for (const name of Object.keys(columns)) {
        expect(name).toMatch(/^[A-Za-z][A-Za-z0-9_]{0,44}$/)
        expect(reserved.has(name.toLowerCase())).toBe(false)
      }
  })
})
