/** Makes one alert at a time, in the shape the service serialises: built-in detections, policy matches, and copies of
 *  Defender for Identity alerts (service 20940). A record holds no alert type name: readers have to derive it from
 *  `idValue` and `policyType`, as with the real service. Times come from the caller. */

import type { Random } from './random.ts'
import type { AlertEntity, AlertRecord } from './records.ts'
import * as vocabulary from './vocabulary.ts'

interface AlertPattern {
  readonly title: string
  /** The enum behind the type, based at 0xF00000. */
  readonly idValue: number
  readonly policyType: string
  readonly isBuiltIn: boolean
  readonly stories: readonly number[]
  readonly intent: readonly number[]
  readonly says: (policy: string, user: string) => string
  /** Entities are on-premises accounts and devices, and the service is Active Directory. */
  readonly isIdentity?: boolean
}

const activityPolicy = (policy: string, user: string): string =>
  `Activity policy ''${policy}'' was triggered by ''${user}''`
const filePolicy = (policy: string, user: string): string =>
  `File policy ''${policy}'' was matched by a file of ''${user}''`
const builtIn = (policy: string, user: string): string => `${policy}: the user ''${user}'' behaved unlike before.`
const identity = (policy: string, user: string): string => `${policy} was detected for ${user}.`

// 0xF00002 (file policy) and 0xF10508 (honeytoken) are known; the other numbers are stand-ins in the same blocks.
const patterns: readonly AlertPattern[] = [
  {
    title: 'Mass download',
    idValue: 0xf00001,
    policyType: 'AUDIT',
    isBuiltIn: false,
    stories: [0],
    intent: [10],
    says: activityPolicy,
  },
  {
    title: 'Log on from a risky IP address',
    idValue: 0xf00001,
    policyType: 'AUDIT',
    isBuiltIn: false,
    stories: [0],
    intent: [2],
    says: activityPolicy,
  },
  {
    title: 'File shared with personal mail',
    idValue: 0xf00002,
    policyType: 'FILE',
    isBuiltIn: false,
    stories: [3, 5],
    intent: [11],
    says: filePolicy,
  },
  {
    title: 'Impossible travel activity',
    idValue: 0xf00011,
    policyType: 'ANOMALY_DETECTION',
    isBuiltIn: true,
    stories: [0],
    intent: [2, 6],
    says: builtIn,
  },
  {
    title: 'Activity from infrequent country',
    idValue: 0xf00012,
    policyType: 'ANOMALY_DETECTION',
    isBuiltIn: true,
    stories: [0],
    intent: [2],
    says: builtIn,
  },
  {
    title: 'Ransomware activity',
    idValue: 0xf00013,
    policyType: 'ANOMALY_DETECTION',
    isBuiltIn: true,
    stories: [0],
    intent: [13],
    says: builtIn,
  },
  {
    title: 'Blocked download',
    idValue: 0xf00004,
    policyType: 'INLINE',
    isBuiltIn: false,
    stories: [7],
    intent: [11],
    says: activityPolicy,
  },
  {
    title: 'New popular app',
    idValue: 0xf00005,
    policyType: 'NEW_SERVICE',
    isBuiltIn: false,
    stories: [4],
    intent: [0],
    says: activityPolicy,
  },
  {
    title: 'Honeytoken activity',
    idValue: 0xf10508,
    policyType: 'ANOMALY_DETECTION',
    isBuiltIn: true,
    stories: [0],
    intent: [6],
    says: identity,
    isIdentity: true,
  },
  {
    title: 'Suspected Brute Force attack (Kerberos, NTLM)',
    idValue: 0xf10509,
    policyType: 'ANOMALY_DETECTION',
    isBuiltIn: true,
    stories: [0],
    intent: [6],
    says: identity,
    isIdentity: true,
  },
  {
    title: 'Suspected DCSync attack (replication of directory services)',
    idValue: 0xf1050a,
    policyType: 'ANOMALY_DETECTION',
    isBuiltIn: true,
    stories: [0],
    intent: [6, 3],
    says: identity,
    isIdentity: true,
  },
]

/** @param timeMs when it was triggered, Unix ms; also the time inside the id. */
export function generateAlert(random: Random, timeMs: number): AlertRecord {
  const pattern = random.pick(patterns)
  const person = random.pick(vocabulary.people)
  // Only policies carry names their owners chose; detections are named by the service.
  const policy = !pattern.isBuiltIn && random.chance(0.05) ? random.pick(vocabulary.hostileTexts) : pattern.title
  const id = `${Math.floor(timeMs / 1000)
    .toString(16)
    .padStart(8, '0')}${random.hex(16)}`
  const apps = pattern.isIdentity ? [{ id: 20940, name: 'Active Directory' }] : drawApps(random)
  const audits = pattern.isIdentity ? [] : drawAudits(random, apps[0]?.id ?? 0)

  return {
    _id: id,
    timestamp: timeMs,
    contextId: vocabulary.aadTenantId,
    idValue: pattern.idValue,
    title: policy,
    description: pattern.says(policy, person.upn),
    isMarkdown: false,
    isSystemAlert: pattern.isBuiltIn,
    isPreview: false,
    stories: pattern.stories,
    intent: pattern.intent,
    severityValue: random.integer(4),
    threatScore: random.chance(0.5) ? random.integer(100) : null,
    statusValue: random.integer(2),
    resolutionStatusValue: 0,
    comment: null,
    handledByUser: null,
    resolveTime: null,
    ...(audits.length === 0 ? {} : { audits }),
    entities: [
      account(person),
      ...apps.map((app): AlertEntity => ({ type: 'service', id: app.id, label: app.name })),
      {
        type: 'policyRule',
        id: `59f0ab82f797fa06${(pattern.idValue & 0xffff).toString(16).padStart(8, '0')}`,
        label: policy,
        policyType: pattern.policyType,
      },
      ...(pattern.isIdentity ? devices(random) : clouds(random, pattern.policyType)),
    ],
    evidence: [
      {
        title: { template: 'ALERTS_EVIDENCE_TEMPLATE_ACCOUNT', parameters: { account: person.upn } },
        count: 1 + random.integer(40),
      },
      { title: { template: 'ALERTS_EVIDENCE_TEMPLATE_TIME', parameters: { time: new Date(timeMs).toISOString() } } },
    ],
    URL: `${vocabulary.portalUrl}/#/alerts/${id}`,
  }
}

function account(person: vocabulary.Person): AlertEntity {
  return {
    type: 'account',
    id: person.guid,
    inst: 0,
    saas: 11161,
    label: person.name === '' ? person.upn : person.name,
    pa: person.upn,
    em: person.upn,
    entityType: 2,
    entityRole: 'Source',
  }
}

function drawApps(random: Random): readonly { readonly id: number; readonly name: string }[] {
  const first = random.pick(vocabulary.apps)
  const second = random.pick(vocabulary.apps)
  return random.chance(0.1) && first.id !== second.id ? [first, second] : [first]
}

function drawAudits(random: Random, appId: number): readonly string[] {
  return Array.from({ length: random.integer(4) }, () => `${vocabulary.tenantId}_${appId}_${random.guid()}`)
}

function devices(random: Random): readonly AlertEntity[] {
  const device = (entityRole: string): AlertEntity => ({
    type: 'device',
    id: random.guid(),
    label: `CLIENT${1 + random.integer(40)}`,
    entityRole,
  })
  return [device('Source'), device('Related'), device('Related')]
}

function clouds(random: Random, policyType: string): readonly AlertEntity[] {
  const ip = random.chance(0.25) ? `2001:db8::${random.hex(8).slice(0, 4)}` : `203.0.113.${1 + random.integer(254)}`
  const place = random.pick(vocabulary.places)
  const file: AlertEntity = { type: 'file', id: random.guid(), label: random.pick(vocabulary.hostileTexts) }
  return [
    ...(policyType === 'FILE' ? [file] : [{ type: 'ip', id: ip, label: ip, entityRole: 'Related' }]),
    { type: 'country', id: place.country, label: place.country },
    { type: 'user', id: null, label: '' },
  ]
}
