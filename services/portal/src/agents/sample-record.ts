/** A record of each data type, for the sample line of a draft: the specification's own, at the time its pictures show. */
import { eventKindOf, type PipelineInput, type RawKind } from '@siem-relay/common'

const atMs = Date.UTC(2023, 2, 2, 21, 10, 2, 22)
const user = 'user@contoso.com'

const records: Readonly<Record<RawKind, object>> = {
  alerts: {
    _id: '596b339b0c204203a33a51ae',
    timestamp: atMs,
    title: 'test-activity-policy',
    description: `Activity policy ''test-activity-policy'' was triggered by ''${user}''`,
    severityValue: 1,
    audits: ['1500197720691_b7f6317c-b8de-476a-bc8f-dfa570e00349'],
    entities: [
      { type: 'account', id: user, saas: 11114, label: user, pa: user, em: user },
      { type: 'service', id: 11114, label: 'Salesforce' },
      { type: 'policyRule', label: 'test-activity-policy', policyType: 'AUDIT' },
    ],
    URL: 'https://cloud-app-security.com/#/alerts/596b339b0c204203a33a51ae',
  },
  activities: {
    _id: '1511373015679_167ae3eb-ed33-454a-b548-c2ed6cea6ef0',
    timestamp: atMs,
    appId: 14509,
    appName: 'ServiceNow',
    eventTypeName: 'EVENT_CATEGORY_LOGIN',
    description: 'Log on',
    device: { clientIP: '13.82.149.151' },
    user: { userName: user },
    mainInfo: { eventObjects: [{ name: user, id: user }], type: 'basic' },
  },
  discovery: {
    TimeGenerated: new Date(atMs).toISOString(),
    StreamName: 'Marketing Department',
    TotalEvents: 122,
    BlockedEvents: 0,
    UploadedBytes: 1_514_874,
    TotalBytes: 4_067_785,
    DownloadedBytes: 2_552_911,
    IpAddress: '192.0.2.7',
    UserName: user,
    AppName: 'Microsoft OneDrive for Business',
    AppId: 15_600,
    AppCategory: 'Cloud storage',
    AppTags: ['sanctioned'],
    AppScore: 10,
  },
}

export function sampleRecord(kind: RawKind): PipelineInput {
  return {
    body: Buffer.from(JSON.stringify(records[kind])),
    kind: eventKindOf[kind],
    tenant: 'contoso',
    source: 'contoso',
    portalUrl: 'https://contoso.portal.cloudappsecurity.com',
    receivedMs: atMs,
  }
}
