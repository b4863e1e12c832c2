/** Functions, rules and queries of deploy/sentinel, run on an engine of KQL. */
import { describe, expect, test } from 'vitest'
import { readContent } from '../../scripts/sentinel/content.ts'
import { ask, type Rows, unsplit } from './engine.ts'

const nowMs = Date.now()
const minuteMs = 60_000
const hourMs = 60 * minuteMs
const ago = (ms: number): string => new Date(nowMs - ms).toISOString()
const content = readContent()

/** A discovery row as the relay sends it. */
const usage = (id: string, atMs: number, more: object = {}) => ({
  TimeGenerated: ago(atMs),
  EventTime: ago(atMs),
  RecordId: id,
  StreamName: 'Global view',
  AppName: 'Box',
  AppId: 10,
  AppTags: [],
  AppScore: 7,
  UserName: 'ann@contoso.com',
  TotalEvents: 3,
  BlockedEvents: 0,
  UploadedBytes: 1_048_576,
  DownloadedBytes: 0,
  TotalBytes: 1_048_576,
  ...more,
})

/** An alert as the relay sends it, stored ten minutes ago unless told otherwise. */
const alert = (id: string, atMs: number, more: object = {}) => ({
  TimeGenerated: ago(atMs),
  EventTime: ago(atMs),
  ingested: ago(Math.min(atMs, 10 * minuteMs)),
  RecordId: `alert:${id}`,
  SystemAlertId: id,
  VendorOriginalId: id,
  AlertName: `Alert ${id}`,
  AlertSeverity: 'High',
  AlertType: 'MCAS_ALERT_CABINET_EVENT_MATCH_AUDIT',
  ProductName: 'Microsoft Cloud App Security',
  Entities: '[]',
  ...more,
})

/** A SecurityAlert that a rule raised. */
const raised = (id: string, atMs: number) => ({
  TimeGenerated: ago(atMs),
  SystemAlertId: `sentinel-${id}`,
  ProductName: 'Microsoft Cloud App Security',
  ExtendedProperties: JSON.stringify({
    'Query Period': '1.23:00:00',
    'Custom Details': JSON.stringify({ RelayAlertId: [id], RelayRecordId: [`alert:${id}`] }),
  }),
})

describe('McasDiscovery', () => {
  test('counts a row once, however often it was stored, with the time it happened', async () => {
    const rows = await ask('McasDiscovery | sort by RecordId asc', {
      McasShadowItReporting_CL: [
        usage('a', hourMs),
        usage('a', hourMs),
        usage('canary:1', hourMs),
        // Replayed after two days: Azure put the time of receipt into TimeGenerated.
        usage('b', 90 * hourMs),
        usage('b', 90 * hourMs, { TimeGenerated: ago(hourMs), ReplayJob: 'job-1' }),
      ],
    })
    expect(rows.map(({ RecordId, TimeGenerated }) => [RecordId, Date.parse(String(TimeGenerated))])).toEqual([
      ['a', nowMs - hourMs],
      ['b', nowMs - 90 * hourMs],
    ])
  })

  test("adds Microsoft's own rows, in the same columns", async () => {
    const {
      RecordId: _,
      EventTime: __,
      ...own
    } = usage('x', hourMs, { AppName: 'Dropbox', AppId: 11, AppTags: ['sanctioned'] })
    const rows = await ask('McasDiscovery | sort by AppId asc', {
      McasShadowItReporting_CL: [usage('a', hourMs)],
      McasShadowItReporting: [{ ...own, SourceSystem: 'Azure', Type: 'McasShadowItReporting' }],
    })
    expect(rows).toMatchObject([
      { AppName: 'Box', AppId: 10, SourceSystem: 'Azure', Type: 'McasShadowItReporting', RecordId: 'a' },
      { AppName: 'Dropbox', AppId: 11, SourceSystem: 'Azure', Type: 'McasShadowItReporting', RecordId: null },
    ])
  })
})

describe('McasAlerts', () => {
  test('shows the last version of an alert that was stored', async () => {
    const rows = await ask('McasAlerts', {
      McasAlerts_CL: [
        alert('a', 3 * hourMs, { RecordId: 'alert:a@1', Status: 'New', ingested: ago(2 * hourMs) }),
        alert('a', 3 * hourMs, { RecordId: 'alert:a@2', Status: 'Resolved', ingested: ago(hourMs) }),
        alert('canary:1', hourMs, { RecordId: 'canary:1' }),
      ],
    })
    expect(rows).toMatchObject([{ SystemAlertId: 'a', Status: 'Resolved', RecordId: 'alert:a@2' }])
  })

  test("counts neither what a rule raised from them nor Microsoft's copy of the same alert, and keeps what only Microsoft has", async () => {
    const own = { ProductName: 'Microsoft Cloud App Security', ExtendedProperties: '{}', TimeGenerated: ago(hourMs) }
    const rows = await ask('McasAlerts | sort by VendorOriginalId asc', {
      McasAlerts_CL: [alert('a', hourMs)],
      SecurityAlert: [
        raised('a', hourMs),
        { ...own, SystemAlertId: 'guid-1', VendorOriginalId: 'a', AlertName: "Microsoft's copy" },
        { ...own, SystemAlertId: 'guid-2', VendorOriginalId: 'b', AlertName: 'Only there' },
        { ...own, SystemAlertId: 'guid-3', VendorOriginalId: 'c', ProductName: 'Azure Sentinel' },
      ],
    })
    expect(rows.map(({ AlertName }) => AlertName)).toEqual(['Alert a', 'Only there'])
  })
})

describe('the rule for new alerts', () => {
  const fresh = content.rules.find(({ isSharded }) => isSharded)
  const ids = async (rows: Rows): Promise<readonly unknown[]> =>
    (await ask(unsplit(fresh ?? expect.fail('no such rule')), rows))
      .map(({ SystemAlertId }) => SystemAlertId)
      .toSorted()

  test('raises an alert once, with its first app, account, address and host', async () => {
    const Entities = JSON.stringify([
      { $id: '1', Type: 'cloud-application', AppId: 20893, Name: 'Office 365' },
      { $id: '2', Type: 'account', Name: 'ann', UPNSuffix: 'contoso.com' },
      { $id: '3', Type: 'account', Name: 'bob', UPNSuffix: 'contoso.com' },
      { $id: '4', Type: 'ip', Address: '192.0.2.7' },
      { $id: '5', Type: 'host', HostName: 'laptop' },
    ])
    const rows = await ask(unsplit(fresh ?? expect.fail('no such rule')), {
      McasAlerts_CL: [alert('a', hourMs, { Entities }), alert('a', hourMs, { Entities })],
    })
    expect(rows).toMatchObject([
      {
        SystemAlertId: 'a',
        AppName: 'Office 365',
        AppId: '20893',
        AccountName: 'ann',
        AccountDomain: 'contoso.com',
        IpAddress: '192.0.2.7',
        HostName: 'laptop',
      },
    ])
  })

  test('raises an alert without entities, and one whose entities are no JSON', async () => {
    expect(await ids({ McasAlerts_CL: [alert('a', hourMs), alert('b', hourMs, { Entities: null })] })).toEqual([
      'a',
      'b',
    ])
  })

  test('leaves alone what was raised before, what a replay brought and what came too late', async () => {
    expect(
      await ids({
        McasAlerts_CL: [
          alert('new', hourMs),
          alert('raised', hourMs),
          alert('replayed', hourMs, { ReplayJob: 'job-1' }),
          alert('late', 41 * hourMs),
          alert('stored-long-ago', 7 * hourMs, { ingested: ago(7 * hourMs) }),
        ],
        SecurityAlert: [raised('raised', 5 * minuteMs)],
      }),
    ).toEqual(['new'])
  })

  test('takes the oldest 140 of a burst; the next run goes on', async () => {
    const burst = Array.from({ length: 200 }, (_, index) => alert(`a${index}`, 2 * hourMs - index * 1_000))
    const canary = alert('canary:1', 3 * hourMs, { RecordId: 'canary:1' })
    const first = await ids({ McasAlerts_CL: [canary, ...burst] })
    expect(first).toEqual(
      burst
        .slice(0, 140)
        .map(({ SystemAlertId }) => SystemAlertId)
        .toSorted(),
    )
    const second = await ids({ McasAlerts_CL: burst, SecurityAlert: first.map((id) => raised(String(id), minuteMs)) })
    expect(second).toEqual(
      burst
        .slice(140)
        .map(({ SystemAlertId }) => SystemAlertId)
        .toSorted(),
    )
  })
})

test('the rule for late and replayed alerts raises those, once, and nothing that the other has', async () => {
  const late = content.rules.find(({ isSharded }) => !isSharded)
  const rows = await ask(unsplit(late ?? expect.fail('no such rule')), {
    McasAlerts_CL: [
      alert('new', hourMs),
      alert('canary:1', 41 * hourMs, { RecordId: 'canary:1' }),
      alert('late', 41 * hourMs),
      alert('replayed', 5 * 24 * hourMs, { TimeGenerated: ago(hourMs), ReplayJob: 'job-1' }),
      alert('replayed-and-raised', 5 * 24 * hourMs, { ReplayJob: 'job-1' }),
      alert('replayed-and-old', 20 * 24 * hourMs, { TimeGenerated: ago(hourMs), ReplayJob: 'job-1' }),
    ],
    SecurityAlert: [raised('replayed-and-raised', 5 * 24 * hourMs)],
  })
  expect(rows.map(({ SystemAlertId }) => SystemAlertId).toSorted()).toEqual(['late', 'replayed'])
})

describe('hunting queries', () => {
  const hunt = (name: string): string => content.hunting.find((query) => query.name === name)?.query ?? ''
  const day = 24 * hourMs

  test('apps seen for the first time are told from those in use', async () => {
    const rows = await ask(hunt('Cloud apps seen for the first time'), {
      McasShadowItReporting_CL: [
        usage('a', 20 * day),
        usage('b', hourMs),
        usage('c', hourMs, { AppName: 'New', AppId: 99, UploadedBytes: 3_145_728 }),
      ],
    })
    expect(rows).toMatchObject([{ AppName: 'New', AppId: 99, Users: 1, UploadedMB: 3 }])
  })

  test('an upload far above a user’s own weeks is found, a usual one is not', async () => {
    const weeks = ['ann@contoso.com', 'bob@contoso.com'].flatMap((UserName) =>
      Array.from({ length: 10 }, (_, index) =>
        usage(`${UserName}-${index}`, (index + 4) * day, { UserName, UploadedBytes: 200_000_000 + index * 1_000_000 }),
      ),
    )
    const rows = await ask(hunt('Users who upload far more than they used to'), {
      McasShadowItReporting_CL: [
        ...weeks,
        usage('ann-today', minuteMs, { UserName: 'ann@contoso.com', UploadedBytes: 2_000_000_000 }),
        usage('bob-today', minuteMs, { UserName: 'bob@contoso.com', UploadedBytes: 205_000_000 }),
      ],
    })
    expect(rows.map(({ User }) => User)).toEqual(['ann@contoso.com'])
  })

  test('uploads around an alert are those of its user, a day before and after', async () => {
    const Entities = JSON.stringify([{ Type: 'account', Name: 'Ann', UPNSuffix: 'contoso.com' }])
    const rows = await ask(hunt('Uploads around an alert'), {
      McasAlerts_CL: [alert('a', 3 * day, { Entities })],
      McasShadowItReporting_CL: [
        usage('near', 3 * day + hourMs, { UploadedBytes: 5_242_880 }),
        usage('far', 5 * day, { UploadedBytes: 5_242_880 }),
        usage('other', 3 * day, { UserName: 'bob@contoso.com', UploadedBytes: 5_242_880 }),
      ],
    })
    expect(rows).toMatchObject([{ AlertName: 'Alert a', User: 'ann@contoso.com', UploadedMB: 5 }])
  })

  test('alerts that nobody raised are found after an hour', async () => {
    const rows = await ask(hunt('Alerts that no SecurityAlert stands for'), {
      McasAlerts_CL: [
        alert('raised', 3 * hourMs, { ingested: ago(2 * hourMs) }),
        alert('forgotten', 3 * hourMs, { ingested: ago(2 * hourMs) }),
        alert('new', 10 * minuteMs),
      ],
      SecurityAlert: [raised('raised', 2 * hourMs)],
    })
    expect(rows.map(({ RecordId }) => RecordId)).toEqual(['alert:forgotten'])
  })
})

test('every query of the Power BI dashboard runs', async () => {
  const tables: Rows = {
    McasShadowItReporting_CL: [
      usage('a', hourMs, { AppTags: ['sanctioned'], IpAddress: '192.0.2.1' }),
      usage('a', hourMs),
    ],
    McasAlerts_CL: [alert('a', hourMs)],
  }
  for (const { name, query } of content.dashboard) {
    const rows = await ask(query, tables)
    expect([name, rows.length]).toEqual([name, name === 'DataHealth' ? 2 : 1])
    if (name === 'DataHealth')
      expect(rows).toContainEqual(expect.objectContaining({ Data: 'Discovery', Rows: 2, Duplicates: 1 }))
  }
})
