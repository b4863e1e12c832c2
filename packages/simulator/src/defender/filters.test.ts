import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { RecordKind } from '../data/records.ts'
import type { Simulator } from '../simulator.ts'
import { activity, alert, listIds, post, startForTest } from '../test-support.ts'

const dayMs = 86_400_000
const nowMs = 100 * dayMs
let simulator: Simulator

beforeAll(async () => {
  simulator = await startForTest({ nowMs: () => nowMs })
  const { store } = simulator
  store.addActivity(
    activity('login', nowMs - 3 * dayMs, {
      created: nowMs - 3 * dayMs + 5,
      appId: 11161,
      appName: 'Office 365',
      eventTypeName: 'EVENT_CATEGORY_LOGIN',
      eventTypeValue: 'EVENT_AAD_LOGIN',
      description: 'Log on',
      source: 2,
      device: { clientIP: '192.0.2.7', userAgent: 'Mozilla/5.0 Chrome' },
      location: { countryCode: 'DE', category: 1, organizationSearchable: 'Telekom', ipTags: ['vpn'] },
      user: { userName: 'ann@contoso.com', userTags: ['t1'], orgUnit: 'sales/north' },
      userAgent: { deviceType: 'DESKTOP', tags: ['old'] },
      eventRouting: { adminEvent: true },
      classifications: ['impersonated'],
      mainInfo: {
        eventObjects: [{ id: 'ann', name: 'Ann', instanceId: 4 }],
        takenAction: 'block',
        fileLabels: ['secret'],
      },
    }),
  )
  store.addActivity(
    activity('upload', nowMs - dayMs, {
      created: nowMs - dayMs + 5,
      appId: 10489,
      appName: 'Box',
      eventTypeName: 'EVENT_CATEGORY_UPLOAD_FILE',
      description: 'Upload file: file A.docx',
      source: 1,
      device: { clientIP: '2001:db8::1', userAgent: 'Python' },
      location: { countryCode: 'JP', category: 3 },
      user: { userName: 'bob@evil.example' },
      userAgent: { deviceType: 'MOBILE' },
      mainInfo: { eventObjects: [{ id: 'file-1', name: 'A.docx', instanceId: 0 }], rawOperationName: 'FileUploaded' },
      rawDataJson: { ObjectId: 'https://contoso.sharepoint.com/A.docx' },
    }),
  )
  store.addActivity(activity('bare', nowMs, { created: nowMs + 5, device: null, user: { userName: '' } }))

  const policy = { type: 'policyRule', id: 'p1', label: 'Policy', policyType: 'AUDIT' }
  store.addAlert(
    alert('policy', nowMs - 2 * dayMs, {
      idValue: 15728641,
      severityValue: 2,
      statusValue: 1,
      resolutionStatusValue: 2,
      resolveTime: new Date(5000).toISOString(),
      threatScore: 40,
      audits: ['upload'],
      entities: [
        policy,
        { type: 'service', id: 10489, label: 'Box', inst: 3 },
        { type: 'ip', id: '192.0.2.9' },
        { type: 'file', id: 'file-1' },
      ],
    }),
  )
  store.addAlert(
    alert('built-in', nowMs, {
      idValue: 15795464,
      severityValue: 0,
      isSystemAlert: true,
      entities: [
        { type: 'account', id: 'guid', inst: 0, pa: 'ann@contoso.com', label: 'Ann' },
        { type: 'service', id: 20940, label: 'Active Directory' },
      ],
    }),
  )
})
afterAll(() => simulator.close())

const cases: readonly (readonly [RecordKind, unknown, readonly string[]])[] = [
  // Times are milliseconds; both ends of a range belong to it.
  ['activities', { date: { gte: nowMs - dayMs } }, ['upload', 'bare']],
  ['activities', { date: { lte: nowMs - dayMs } }, ['login', 'upload']],
  ['activities', { date: { gte: nowMs - dayMs, lte: nowMs - dayMs } }, ['upload']],
  [
    'activities',
    {
      date: {
        range: [
          { start: 0, end: nowMs - 3 * dayMs },
          { start: nowMs, end: nowMs },
        ],
      },
    },
    ['login', 'bare'],
  ],
  ['activities', { date: { gte_ndays: 1 } }, ['upload', 'bare']],
  ['activities', { date: { lte_ndays: 2 } }, ['login']],
  ['activities', { created: { gt: nowMs - dayMs + 5 } }, ['bare']],
  ['activities', { created: { gte: nowMs - dayMs + 5 } }, ['upload', 'bare']],
  ['activities', { created: { lt: nowMs - dayMs + 5 } }, ['login']],
  ['activities', { created: { lte: nowMs - dayMs + 5 } }, ['login', 'upload']],
  ['activities', { created: { eq: nowMs + 5 } }, ['bare']],
  ['activities', { created: { range: [{ start: nowMs }] } }, ['bare']],
  ['activities', { created: { gte: 0 }, date: { lte: nowMs - dayMs } }, ['login', 'upload']],
  ['alerts', { date: { gte_ndays: 1 } }, ['built-in']],
  // Fields are ANDed, values ORed; a lone value counts as a list; ids may be numbers or text.
  ['activities', { service: { eq: [11161, 10489] } }, ['login', 'upload']],
  ['activities', { service: { eq: 11161 } }, ['login']],
  ['activities', { service: { eq: ['11161'] } }, ['login']],
  ['activities', { service: { neq: [11161, 10489] } }, ['bare']],
  ['activities', { service: { deq: [11161] } }, ['upload']],
  ['activities', { service: { eq: [11161, 10489] }, 'location.country': { eq: ['JP'] } }, ['upload']],
  ['activities', { instance: { eq: [4] } }, ['login']],
  ['activities', { 'user.orgUnit': { descendantof: ['sales'] } }, ['login']],
  ['activities', { 'user.orgUnit': { ndescendantof: ['sales'] } }, ['upload', 'bare']],
  ['activities', { 'user.username': { startswith: ['ANN'] } }, ['login']],
  ['activities', { 'user.username': { isset: true } }, ['login', 'upload']],
  ['activities', { 'user.username': { isnotset: true } }, ['bare']],
  ['activities', { 'user.domain': { eq: ['evil.example'] } }, ['upload']],
  ['activities', { 'user.tags': { eq: ['t1'] } }, ['login']],
  ['activities', { entity: { eq: [{ id: 'ann', inst: 4 }] } }, ['login']],
  ['activities', { entity: { eq: [{ id: 'ann', inst: 5 }] } }, []],
  ['activities', { actionType: { contains: ['uploaded'] } }, ['upload']],
  ['activities', { 'activity.eventActionType': { eq: ['EVENT_CATEGORY_LOGIN'] } }, ['login']],
  ['activities', { 'activity.eventType': { eq: ['EVENT_CATEGORY_LOGIN', 'EVENT_CATEGORY_FAILED_LOGIN'] } }, ['login']],
  ['activities', { 'activity.actionType': { neq: ['EVENT_CATEGORY_LOGIN'] } }, ['upload', 'bare']],
  ['activities', { 'activity.id': { eq: ['bare'] } }, ['bare']],
  ['activities', { 'activity.alertId': { eq: ['policy'] } }, ['upload']],
  ['activities', { 'activity.impersonated': { eq: true } }, ['login']],
  ['activities', { 'activity.type': { eq: true } }, ['login']],
  ['activities', { 'activity.takenAction': { eq: ['block'] } }, ['login']],
  ['activities', { 'activity.takenAction': { eq: [null] } }, ['upload', 'bare']],
  ['activities', { activityObject: { eq: ['A.docx'] } }, ['upload']],
  ['activities', { fileId: { eq: ['file-1'] } }, ['upload']],
  ['activities', { fileSelector: { eq: ['file-1'] } }, ['upload']],
  ['activities', { fileLabels: { eq: ['secret'] } }, ['login']],
  ['activities', { 'device.type': { eq: ['MOBILE', null] } }, ['upload', 'bare']],
  ['activities', { 'device.tags': { neq: ['managed'] } }, ['login', 'upload', 'bare']],
  ['activities', { 'ip.tags': { eq: ['vpn'] } }, ['login']],
  ['activities', { 'userAgent.userAgent': { contains: ['chrome'] } }, ['login']],
  ['activities', { 'userAgent.userAgent': { ncontains: ['chrome'] } }, ['upload', 'bare']],
  ['activities', { 'userAgent.tags': { eq: ['old'] } }, ['login']],
  ['activities', { 'location.organizations': { contains: ['tele'] } }, ['login']],
  ['activities', { 'location.country': { isset: false } }, ['bare']],
  ['activities', { 'ip.address': { startswith: ['2001:db8:'] } }, ['upload']],
  ['activities', { 'ip.address': { doesnotstartwith: ['2001:db8:'] } }, ['login', 'bare']],
  ['activities', { 'ip.category': { eq: [3] } }, ['upload']],
  ['activities', { office365url: { endswith: ['.DOCX'] } }, ['upload']],
  ['activities', { text: { text: 'office' } }, ['login']],
  ['activities', { text: { startswithsingle: 'upload' } }, ['upload']],
  ['activities', { policy: { eq: ['p1'] } }, ['upload']],
  ['activities', { policy: { isset: true } }, ['upload']],
  ['activities', { source: { neq: [2] } }, ['upload', 'bare']],
  ['alerts', { 'entity.entity': { eq: [{ id: 'guid', inst: 0 }] } }, ['built-in']],
  ['alerts', { 'entity.ip': { eq: ['192.0.2.9'] } }, ['policy']],
  ['alerts', { 'entity.service': { neq: [10489] } }, ['built-in']],
  ['alerts', { 'entity.instance': { eq: [3] } }, ['policy']],
  ['alerts', { 'entity.policy': { eq: ['p1'] } }, ['policy']],
  ['alerts', { 'entity.file': { eq: ['file-1'] } }, ['policy']],
  ['alerts', { 'entity.user': { eq: ['ann@contoso.com'] } }, ['built-in']],
  ['alerts', { alertOpen: { eq: true } }, ['built-in']],
  ['alerts', { read: { eq: true } }, ['policy']],
  ['alerts', { severity: { eq: [1, 2] } }, ['policy']],
  ['alerts', { resolutionStatus: { eq: [2, 3] } }, ['policy']],
  ['alerts', { resolutionDate: { gte: 5000, lte: 5000 } }, ['policy']],
  ['alerts', { resolutionDate: { range: [{ start: 5001, end: 9000 }] } }, []],
  ['alerts', { risk: { eq: [40] } }, ['policy']],
  ['alerts', { alertType: { eq: [15795464] } }, ['built-in']],
  ['alerts', { id: { neq: ['policy'] } }, ['built-in']],
  ['alerts', { ID: { eq: ['policy'] } }, ['policy']],
  ['alerts', { source: { eq: 'built-in' } }, ['built-in']],
  ['alerts', { source: { eq: ['policy'] } }, ['policy']],
]

describe('filters', () => {
  test.each(cases)('%s %j', async (kind, filters, expected) => {
    expect(await listIds(simulator, kind, { filters, sortField: 'date', sortDirection: 'asc' })).toEqual(expected)
  })

  test.each<readonly [RecordKind, unknown]>([
    ['activities', { service: { in: [1] } }],
    ['alerts', { created: { gte: 1 } }],
    ['activities', { date: { gt: 1 } }],
    ['activities', { date: { gte: '2026-01-01T00:00:00Z' } }],
    ['activities', { date: { range: { start: 1, end: 2 } } }],
    ['activities', { service: { eq: [] } }],
    ['activities', { service: { contains: [1] } }],
    ['activities', { 'user.username': { isset: 'yes' } }],
    ['activities', { text: { text: ['a'] } }],
    ['alerts', { severity: 2 }],
  ])('%s %j is refused', async (kind, filters) => {
    const response = await post(simulator, kind, { filters })
    expect(response.status).toBe(400)
    expect(await response.json()).toMatchObject({
      error: true,
      filters: [{ errorMessageCode: 'CONSOLE_FORMS_NOT_VALID_VALUE' }],
    })
  })

  test('all problems are reported together', async () => {
    const response = await post(simulator, 'alerts', { filters: { nope: { eq: 1 }, severity: { in: [1] } } })
    const { filters } = (await response.json()) as { filters: { error: string }[] }
    expect(filters.map((each) => each.error)).toEqual(['nope is not valid', 'in is not valid'])
  })
})
