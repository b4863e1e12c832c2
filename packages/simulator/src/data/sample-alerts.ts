/** The alerts behind the specification's six sample alert lines, in their order: what the API must have returned for the
 *  original agent to write them. All are matches of activity policies; some policies are known by name only. */

import type { AlertRecord } from './records.ts'

interface Shown {
  readonly id: string
  readonly timestamp: number
  readonly policy: string
  /** Absent where the line's `cs4` is empty. */
  readonly policyId?: string
  readonly user: string
  readonly service: { readonly id: number; readonly label: string }
  readonly audit: string
}

const shown: readonly Shown[] = [
  {
    id: '596a7e360c204203a335a3fb',
    timestamp: 1500151350531,
    policy: 'myPolicy',
    policyId: '59f0ab82f797fa0681e9b1c7',
    user: 'admin@box-contoso.com',
    service: { id: 10489, label: 'Box' },
    audit: '1500151288183_acc891bf-33e1-424b-a021-0d4370789660',
  },
  {
    id: '596b339b0c204203a33a51ae',
    timestamp: 1500197786550,
    policy: 'test-activity-policy',
    user: 'user@contoso.com',
    service: { id: 11114, label: 'Salesforce' },
    audit: '1500197720691_b7f6317c-b8de-476a-bc8f-dfa570e00349',
  },
  {
    id: '596b2fd70c204203a33a3eeb',
    timestamp: 1500196623361,
    policy: 'test-activity-policy3',
    user: 'admin@contoso.com',
    service: { id: 11161, label: 'Office 365' },
    audit: '1500196549157_a0e01f8a-e29a-43ae-8599-783c1c11597d',
  },
  {
    id: '596b2fd70c204203a33a3eec',
    timestamp: 1500196635426,
    policy: 'test-activity-policy',
    policyId: '59f0ab35f797fa9811e9b1c7',
    user: 'admin@contoso.com',
    // The line's APPID_O365_PORTAL does not tell the number of this app, and no list does: 23456 stands in for it.
    service: { id: 23456, label: 'Microsoft 365 admin center' },
    audit: '1500196557398_3e102b20-d9fa-4f66-b550-8c7a403bb4d8',
  },
  {
    id: '596b30200c204203a33a4765',
    timestamp: 1500196666290,
    policy: 'test-activity-policy4',
    user: 'admin@contoso.com',
    service: { id: 20893, label: 'Microsoft Exchange Online' },
    audit: '1500196587034_a8673602-7e95-46d6-a1fe-c156c4709c5d',
  },
  {
    id: '596b34b10c204203a33a5240',
    timestamp: 1500198064369,
    policy: 'test-activity-policy2',
    user: 'user2@test15-adallom.com',
    service: { id: 33626, label: 'Google' },
    audit: '1500197996117_fd71f265-1e46-4f04-b372-2e32ec874cd3',
  },
]

export function sampleAlerts(): AlertRecord[] {
  return shown.map(toRecord)
}

function toRecord(line: Shown): AlertRecord {
  const policyId = line.policyId === undefined ? {} : { id: line.policyId }
  return {
    _id: line.id,
    timestamp: line.timestamp,
    contextId: '0d1f7c9a-3f6e-4b52-8c11-5a0f6b7e2d34',
    title: line.policy,
    description: `Activity policy ''${line.policy}'' was triggered by ''${line.user}''`,
    isMarkdown: false,
    isSystemAlert: false,
    isPreview: false,
    stories: [0],
    intent: [0],
    severityValue: 0,
    // The lines' riskScore is empty.
    threatScore: null,
    statusValue: 0,
    resolutionStatusValue: 0,
    comment: null,
    handledByUser: null,
    resolveTime: null,
    audits: [line.audit],
    entities: [
      {
        type: 'account',
        id: line.user,
        inst: 0,
        saas: line.service.id,
        label: line.user,
        pa: line.user,
        em: line.user,
        entityRole: 'Source',
      },
      { type: 'service', id: line.service.id, label: line.service.label },
      { type: 'policyRule', ...policyId, label: line.policy, policyType: 'AUDIT' },
    ],
    evidence: [],
    URL: `https://cloud-app-security.com/#/alerts/${line.id}`,
  }
}
