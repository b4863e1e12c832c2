/** How a discovery row leaves: as CEF in both profiles, and as JSON. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { agentSchema } from '../agent.ts'
import { parseCef } from '../cef/parse.ts'
import { createPipeline } from '../pipeline.ts'
import { discoveryJson } from './json.ts'
import { discoveryColumns } from './row.ts'

const sample = {
  TenantId: 'b459b4u5-912x-46d5-9cb1-p43069212nb4',
  SourceSystem: 'Azure',
  TimeGenerated: '2019-07-23T11:00:35.858Z',
  StreamName: 'Marketing Department',
  TotalEvents: 122,
  BlockedEvents: 0,
  UploadedBytes: 1_514_874,
  TotalBytes: 4_067_785,
  DownloadedBytes: 2_552_911,
  IpAddress: '127.0.0.0',
  UserName: 'Raegan@contoso.com',
  EnrichedUserName: 'Raegan.S@contoso.com',
  AppName: 'Microsoft OneDrive for Business',
  AppId: 15_600,
  AppCategory: 'Cloud storage',
  AppTags: ['sanctioned', 'Finance'],
  AppScore: 10,
  Type: 'McasShadowItReporting',
}

const outcomeOf = (row: unknown, agent: object = {}, bytesMax = 8_192) =>
  createPipeline(agentSchema.parse({ id: 'siem', console: true, ...agent }), {
    defaultVersion: '1.0.0',
    bytesMax,
    nowMs: () => 0,
  })(
    {
      body: Buffer.from(JSON.stringify(row)),
      kind: 'discovery',
      shape: 'discovery-row',
      tenant: 'contoso',
      source: 'contoso',
      portalUrl: '',
      receivedMs: 7,
    },
    () => false,
  )
const lineOf = (row: unknown, agent: object = {}, bytesMax?: number): string => {
  const outcome = outcomeOf(row, { discovery: { enabled: true }, ...agent }, bytesMax)
  if (outcome.outcome !== 'message') throw new Error(JSON.stringify(outcome))
  return outcome.line
}
const json = { discovery: { enabled: true, output: 'json' } }

describe('an agent', () => {
  test('gets no discovery rows unless it asks for them', () =>
    expect(outcomeOf(sample)).toEqual({ outcome: 'discard', reason: 'disabled' }))

  test('gets the rows its filter passes', () => {
    const discovery = { enabled: true, filter: { streamName: { eq: 'Sales' } } }
    expect(outcomeOf(sample, { discovery })).toEqual({ outcome: 'discard', reason: 'filter' })
    expect(outcomeOf({ ...sample, StreamName: 'Sales' }, { discovery })).toMatchObject({
      outcome: 'message',
      eventTimeMs: 1_563_879_635_858,
      severity: 0,
    })
  })

  test('a row that is none goes to dead letters with its columns', () =>
    expect(outcomeOf({ ...sample, AppScore: 99 }, { discovery: { enabled: true } })).toEqual({
      outcome: 'dead-letter',
      code: 'RELAY_RECORD_INVALID',
      reason: 'AppScore: expected a whole number from 0 to 10, not 99',
    }))
})

describe('discovery as CEF', () => {
  test('holds every column', () =>
    expect(lineOf(sample).replace(/externalId=[0-9a-f]{32}/, 'externalId=ID')).toBe(
      'CEF:0|MCAS|SIEM_Agent|1.0.0|McasShadowItReporting|Discovery log|0|externalId=ID rt=1563879635858 suser=Raegan@contoso.com destinationServiceName=Microsoft OneDrive for Business src=127.0.0.0 in=1514874 out=2552911 cn1Label=totalEvents cn1=122 cn2Label=blockedEvents cn2=0 cn3Label=appScore cn3=10 cs1Label=streamName cs1=Marketing Department cs2Label=uniqueServiceAppIds cs2=APPID_15600 cs3Label=appTags cs3=sanctioned,Finance cs4Label=appCategory cs4=Cloud storage cs5Label=enrichedUserName cs5=Raegan.S@contoso.com c6a2Label=Source IPv6 Address c6a2= flexNumber1Label=totalBytes flexNumber1=4067785 flexNumber2Label=appId flexNumber2=15600 flexString1Label=workspaceId flexString1=b459b4u5-912x-46d5-9cb1-p43069212nb4',
    ))

  test('for ArcSight leaves out what is not known', () =>
    expect([
      ...parseCef(
        lineOf(
          { TimeGenerated: sample.TimeGenerated, AppName: 'Box', IpAddress: '2001:db8::7' },
          { format: 'arcsight' },
        ),
      ).extension,
    ]).toEqual([
      ['externalId', expect.stringMatching(/^[0-9a-f]{32}$/)],
      ['rt', '1563879635858'],
      ['destinationServiceName', 'Box'],
      ['c6a2Label', 'Source IPv6 Address'],
      ['c6a2', '2001:db8::7'],
    ]))

  test('puts no text that is no address into src', () =>
    expect(lineOf({ ...sample, IpAddress: 'host; cs1=x' })).toContain(' src= in='))

  test('hostile text stays in its field', () => {
    const hostile = 'x|y cs1=forged\nCEF:0|a|b|c|d|e|9|'
    const line = lineOf({ ...sample, AppName: hostile, StreamName: hostile, AppTags: [hostile] })
    expect(line).not.toMatch(/[\r\n]/)
    expect(Object.fromEntries(parseCef(line).extension)).toMatchObject({
      destinationServiceName: hostile,
      cs1: hostile,
      cs3: hostile,
    })
  })
})

describe('discovery as JSON', () => {
  test('is the 18 columns in the order of Microsoft’s table, then the id', () => {
    const row = JSON.parse(lineOf(sample, json))
    expect(Object.keys(row)).toEqual([...discoveryColumns, 'RecordId'])
    expect(row).toEqual({ ...sample, RecordId: expect.stringMatching(/^[0-9a-f]{32}$/) })
  })

  test('says null where a column is not known, and the static columns always', () => {
    const row = JSON.parse(lineOf({ TimeGenerated: sample.TimeGenerated, AppId: 7 }, json))
    expect(row).toMatchObject({
      SourceSystem: 'Azure',
      Type: 'McasShadowItReporting',
      AppId: 7,
      UserName: null,
      AppTags: null,
    })
    expect(Object.keys(row)).toHaveLength(19)
  })

  test('any text comes back as it was, in one line of printable characters', () =>
    fc.assert(
      fc.property(fc.string({ unit: 'binary', minLength: 1 }), (text) => {
        const line = lineOf({ ...sample, UserName: text, AppTags: [text, 'x'] }, json)
        expect(line).not.toMatch(/[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\ufeff]/)
        expect(JSON.parse(line)).toMatchObject({ UserName: text })
      }),
    ))

  test.each([[1_200], [700], [620]])('is shortened in its longest texts to %i bytes', (bytesMax) => {
    const record = { ...sample, UserName: '山'.repeat(900), AppName: '"'.repeat(300), AppTags: ['t'.repeat(400)] }
    const line = lineOf(record, json, bytesMax)
    expect(Buffer.byteLength(line)).toBeLessThanOrEqual(bytesMax)
    expect(JSON.parse(line)).toMatchObject({ TotalBytes: 4_067_785, Type: 'McasShadowItReporting' })
    expect(JSON.parse(line).UserName).toMatch(/^山+\.\.\.$/)
  })

  test('that does not fit however short it is goes to dead letters', () => {
    const event = { kind: 'discovery', tenant: 't', source: 's', id: 'i', timestampMs: 1, row: { AppId: 1 } } as const
    expect(() => discoveryJson(event, 100)).toThrow(expect.objectContaining({ code: 'RELAY_FRAME_TOO_LARGE' }))
    expect(outcomeOf(sample, json, 100)).toMatchObject({ outcome: 'dead-letter', code: 'RELAY_FRAME_TOO_LARGE' })
  })
})
