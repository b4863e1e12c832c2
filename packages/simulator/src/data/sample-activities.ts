/** The activities behind the specification's six sample activity lines, in their order: what the API must have returned
 *  for the original agent to write them. Values the lines do not show are those of any ServiceNow record of the time. */

import type { ActivityRecord } from './records.ts'

interface Shown {
  readonly id: string
  readonly timestamp: number
  readonly eventTypeName: string
  readonly description: string
  readonly clientIP?: string
  /** In the order of `targetObjects`; empty where the line has an empty item. */
  readonly objectNames: readonly string[]
}

const admin = 'admin@contoso.com'

const shown: readonly Shown[] = [
  {
    id: '1511373015679_167ae3eb-ed33-454a-b548-c2ed6cea6ef0',
    timestamp: 1511373004000,
    eventTypeName: 'EVENT_CATEGORY_LOGOUT',
    description: 'Log out',
    clientIP: '13.82.149.151',
    objectNames: [admin, admin, admin],
  },
  {
    id: '1511898027370_e272cd5f-31a3-48e3-8a6a-0490c042950a',
    timestamp: 1511898015000,
    eventTypeName: 'EVENT_CATEGORY_VIEW_REPORT',
    description: 'View report: ServiceNow Report 23',
    objectNames: ['23', 'sys_report', admin, admin, admin],
  },
  {
    id: '1511897141625_7558b33f-218c-40ff-be5d-47d2bdd6b798',
    timestamp: 1511897134000,
    eventTypeName: 'EVENT_CATEGORY_DELETE_OBJECT',
    description: 'Delete object: ServiceNow Object f5122008db360300906ff34ebf96198a',
    objectNames: ['', '', admin, admin, admin],
  },
  {
    id: '1511815215873_824f8f8d-2ecd-439b-98b1-99a1adf7ba1c',
    timestamp: 1511815214000,
    eventTypeName: 'EVENT_CATEGORY_CREATE_USER',
    description: 'Create user: user 747518c0db360300906ff34ebf96197c',
    objectNames: ['', '747518c0db360300906ff34ebf96197c', 'sys_user', admin, admin, admin],
  },
  {
    id: '1511815287798_bcf60601-ecef-4207-beda-3d2b8d87d383',
    timestamp: 1511815280000,
    eventTypeName: 'EVENT_CATEGORY_DELETE_USER',
    description: 'Delete user: user 233490c0db360300906ff34ebf9619ef',
    objectNames: ['', '233490c0db360300906ff34ebf9619ef', '', admin, admin, admin],
  },
  {
    id: '1511897117617_5be018ee-f676-4473-a9b5-5982527409be',
    timestamp: 1511897095000,
    eventTypeName: 'EVENT_CATEGORY_DELETE_OBJECT',
    description: 'Delete object: ServiceNow Object b1709c40db360300906ff34ebf961923',
    objectNames: ['', '', admin, admin, admin],
  },
]

export function sampleActivities(): ActivityRecord[] {
  return shown.map(toRecord)
}

function toRecord(line: Shown): ActivityRecord {
  // Ids of the time begin with the moment of saving.
  const created = Number(line.id.split('_', 1)[0])
  return {
    _id: line.id,
    uid: line.id,
    tenantId: 26034820,
    aadTenantId: '0d1f7c9a-3f6e-4b52-8c11-5a0f6b7e2d34',
    appId: 14509,
    saasId: 14509,
    appName: 'ServiceNow',
    timestamp: line.timestamp,
    timestampRaw: line.timestamp,
    created,
    createdRaw: created,
    eventTypeName: line.eventTypeName,
    description: line.description,
    // With a client the user agent is unknown; without one both are absent.
    ...(line.clientIP === undefined ? { device: {} } : { device: { clientIP: line.clientIP, userAgent: null } }),
    user: { userName: admin, userTags: [] },
    mainInfo: {
      eventObjects: line.objectNames.map((name, index) => ({
        objType: name === admin ? 21 : 1,
        role: name === admin ? 4 : 3,
        name,
        id: name === '' ? `${index}` : name,
        instanceId: 0,
        saasId: 14509,
        tags: [],
      })),
      type: 'basic',
    },
    confidenceLevel: 20,
    source: 2,
    severity: 'INFO',
  }
}
