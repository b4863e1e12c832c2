/** Events for this folder's tests: one alert and one activity with a value in every field, to be varied per test. */
import type { Activity, ActivityObject, Alert, AlertEntity } from '../events.ts'
import { noEntity } from '../normalize/alert-parts.ts'

/** An entity of which only the given parts are known. */
export function entity(parts: Partial<AlertEntity>): AlertEntity {
  return { ...noEntity, ...parts }
}

const account = entity({
  type: 'account',
  id: 'a7b1c2d3-0000-4000-8000-000000000001',
  label: 'Megan Bowen',
  upn: 'MeganB@contoso.com',
  email: 'megan@contoso.com',
  saas: '11161',
  instance: '0',
})
const service = entity({ type: 'service', id: '11161', label: 'Office 365' })
const policy = entity({ type: 'policyRule', id: '5f0c', label: 'Mass download', policyType: 'AUDIT' })
const file = entity({ type: 'file', id: 'file-1', label: 'plan.docx', instance: '1059065' })

/** A high, open, read alert on Megan in Office 365 of 2023-03-02T21:10:02.022Z. */
export function alertOf(parts: Partial<Alert> = {}): Alert {
  return {
    kind: 'alert',
    tenant: 'contoso',
    source: 'contoso',
    product: 'cloud-apps',
    id: '603f704aaf7417985bbf3b22',
    timestampMs: 1_677_791_402_022,
    startMs: 1_677_791_402_022,
    endMs: 1_677_791_402_022,
    alertType: 'ALERT_CABINET_EVENT_MATCH_AUDIT',
    alertTypeId: 15_728_641,
    title: 'Mass download',
    description: 'Megan downloaded 100 files',
    severity: 2,
    status: 1,
    resolution: 0,
    resolvedMs: 1_677_800_000_000,
    riskScore: '7',
    entities: [account, service, policy, file, entity({ type: 'ip', id: '10.0.0.7' })],
    accounts: [account],
    services: [service],
    policies: [policy],
    devices: [],
    ips: ['10.0.0.7'],
    audits: ['activity-1'],
    url: '',
    isBuiltIn: false,
    stories: [0],
    ...parts,
  }
}

/** An object of an activity of which only the given parts are known. */
function object(parts: Partial<ActivityObject>): ActivityObject {
  return { id: '', name: '', type: '', role: undefined, instance: '', saas: '', ...parts }
}

/** A log on of Adele to Office 365 from a corporate PC, stored 273 s after it happened. */
export function activityOf(parts: Partial<Activity> = {}): Activity {
  return {
    kind: 'activity',
    tenant: 'contoso',
    source: 'contoso',
    id: '97134000_11161_6d3f',
    timestampMs: 1_677_791_402_022,
    createdMs: 1_677_791_675_022,
    eventTypeName: 'EVENT_CATEGORY_LOGIN',
    eventTypeValue: 'EVENT_O365_AAD_LOGIN',
    actionType: 'UserLoggedIn',
    prettyOperationName: 'UserLoggedIn',
    rawOperationName: 'UserLoggedIn',
    description: 'Log on: session of Adele Vance',
    userName: 'AdeleV@Contoso.com',
    userTags: ['5c0a', '5c0b'],
    appName: 'Office 365',
    appId: '11161',
    instance: '1059065',
    clientIP: '203.0.113.9',
    ipCategory: 1,
    ipTags: ['tor'],
    userAgent: 'Mozilla/5.0 (Windows NT 10.0; Win64; x64) Edg/110',
    userAgentTags: ['ua-old'],
    deviceType: 'DESKTOP',
    deviceTags: ['dt-managed'],
    countryCode: 'DE',
    organization: 'Example Telecom',
    objects: [
      object({ id: 'actor-1', name: 'Adele Vance', role: 4, saas: '11161', instance: '0' }),
      object({ id: 'site-1', name: 'https://contoso.sharepoint.com/plan.docx', role: 3 }),
    ],
    policyIds: ['p-1'],
    isAdmin: false,
    isImpersonated: true,
    takenAction: 'block',
    origin: 2,
    ...parts,
  }
}
