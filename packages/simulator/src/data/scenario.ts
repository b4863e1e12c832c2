/** Attacks on one tenant as two products report them: Defender for Identity over Graph's alerts_v2, and the copies Defender for Cloud
 *  Apps makes of them, with the differences real ones have; and attacks that only look like one another. Every record says which
 *  attack it reports, so that a reader of both can be held to the truth. Seeded. */
import { createRandom, type Random } from './random.ts'

/** Why two attacks could be taken for one though they are two. */
type NearMiss = 'other-host' | 'other-type' | 'other-user' | 'repeat'

export interface ScenarioRecord {
  readonly api: 'defender' | 'graph'
  readonly id: string
  /** When a reader can have it first; records are in this order. */
  readonly publishedMs: number
  /** As the API serialises it. */
  readonly body: Readonly<Record<string, unknown>>
  /** The truth: records of one attack report the same. */
  readonly attack: number
  /** It resembles another attack, in this way. */
  readonly nearMiss: NearMiss | undefined
  /** Both products report the attack. */
  readonly isTwin: boolean
  /** Names this state of the alert, where the API tells of changes: Graph's lastUpdateDateTime. */
  readonly version: string | undefined
  /** Another state of an alert that was published before. */
  readonly isUpdate: boolean
}

export interface ScenarioOptions {
  readonly startMs: number
  /** Attacks that both products report, near misses not counted. Default 500. */
  readonly pairs?: number
  /** Pairs of attacks that resemble each other. Default 300. */
  readonly nearMisses?: number
  /** Alerts one product alone has. Default 500. */
  readonly singles?: number
  /** Later states of Defender for Identity's alerts, of as many attacks. Default 100. */
  readonly updates?: number
  /** Alerts of Defender for Cloud Apps that no other product has to do with. Default 200. */
  readonly others?: number
}

interface Attack {
  readonly number: number
  readonly kind: Kind
  readonly user: number
  readonly host: number
  readonly timeMs: number
  readonly nearMiss?: NearMiss
  /** Most time between what happened and either copy. */
  readonly skewMs: number
}

interface Kind {
  readonly identityTitle: string
  readonly cloudAppsTitle: string
  readonly idValue: number
}

/** Titles of both products; where they differ, as published. */
const kinds: readonly Kind[] = [
  ['Honeytoken activity', 'Honeytoken activity'],
  ['Active Directory attributes reconnaissance (LDAP)', 'Active Directory attributes Reconnaissance using LDAP'],
  ['Suspected Brute Force attack (Kerberos, NTLM)', 'Suspected brute force attack (Kerberos, NTLM)'],
  ['Suspected identity theft (pass-the-ticket)', 'Suspected identity theft (pass-the-ticket)'],
  ['Remote code execution attempt', '[PREVIEW] Remote code execution attempt'],
  ['User and IP address reconnaissance (SMB)', 'User and IP address reconnaissance (SMB)'],
  ['Suspicious VPN connection', 'Suspicious VPN connection'],
  ['Data exfiltration over SMB', 'Data exfiltration over SMB'],
].map(([identityTitle = '', cloudAppsTitle = ''], index) => ({
  identityTitle,
  cloudAppsTitle,
  idValue: 15_795_464 + index,
}))

const minuteMs = 60_000
const betweenMs = 3 * minuteMs
const directory = 'd4f1a3c2-5b0e-4c7a-9d26-0a1b2c3d4e5f'

export function createScenario(seed: number, options: ScenarioOptions): readonly ScenarioRecord[] {
  const random = createRandom(seed)
  const { startMs, pairs = 500, nearMisses = 300, singles = 500, updates = 100, others = 200 } = options
  const records: ScenarioRecord[] = []
  let number = 0
  // Attacks of their own have users and hosts of their own.
  const next = (parts: Partial<Attack> = {}): Attack => {
    number += 1
    const timeMs = startMs + number * betweenMs + random.integer(betweenMs)
    return { number, kind: random.pick(kinds), user: number, host: number, timeMs, skewMs: 50 * minuteMs, ...parts }
  }
  const both = (attack: Attack): void => void records.push(...copiesOf(attack, random))
  const one = (attack: Attack, api: ScenarioRecord['api']): void => {
    for (const copy of copiesOf(attack, random)) if (copy.api === api) records.push({ ...copy, isTwin: false })
  }
  for (let count = 0; count < pairs; count++) both(next())
  const changing = records.filter(({ api }) => api === 'graph').slice(0, updates)
  records.push(...changing.map((record) => updateOf(record, random)))
  for (let count = 0; count < nearMisses; count++) {
    const nearMiss = (['other-host', 'other-type', 'other-user', 'repeat'] as const)[count % 4] as NearMiss
    const first = next({ nearMiss, skewMs: 4 * minuteMs })
    const second = next({ ...likeness(first, nearMiss, number + 1), nearMiss, skewMs: 4 * minuteMs })
    if (nearMiss === 'repeat') {
      both(first)
      both(second)
    } else {
      one(first, 'graph')
      one(second, 'defender')
    }
  }
  for (let count = 0; count < singles; count++) one(next(), random.chance(0.5) ? 'graph' : 'defender')
  for (let count = 0; count < others; count++) {
    const [copy] = copiesOf(next(), random)
    if (copy !== undefined) records.push({ ...copy, isTwin: false, body: ofAnotherApp(copy.body) })
  }
  return records.sort((a, b) => a.publishedMs - b.publishedMs || (a.id < b.id ? -1 : 1))
}

/** Another attack that shares all with the first but what the near miss is named after. */
function likeness(first: Attack, nearMiss: NearMiss, number: number): Partial<Attack> {
  const { kind, user, host } = first
  const timeMs = first.timeMs + 20 * minuteMs
  switch (nearMiss) {
    case 'other-host':
      return { kind, user, timeMs }
    case 'other-type':
      return { kind: kinds[(kinds.indexOf(kind) + 1) % kinds.length] as Kind, user, host, timeMs }
    case 'other-user':
      return { kind, host, user: number, timeMs }
    case 'repeat':
      return { kind, user, host, timeMs: first.timeMs + 40 * minuteMs }
    default:
      return nearMiss satisfies never
  }
}

/** Somebody took the alert up, within the hours after it was raised. */
function updateOf(record: ScenarioRecord, random: Random): ScenarioRecord {
  const publishedMs = record.publishedMs + minuteMs + random.integer(180 * minuteMs)
  const version = ticksOf(publishedMs, random)
  const body = { ...record.body, status: 'inProgress', lastUpdateDateTime: version }
  return { ...record, publishedMs, version, isUpdate: true, body }
}

/** The same alert, but one that no other product raised. */
function ofAnotherApp(body: ScenarioRecord['body']): ScenarioRecord['body'] {
  const service = { type: 'service', id: 11161, label: 'Office 365' }
  const entities = (body.entities as readonly { readonly type: string }[]).filter(({ type }) => type === 'account')
  return { ...body, title: 'Impossible travel activity', entities: [...entities, service] }
}

function copiesOf(attack: Attack, random: Random): readonly ScenarioRecord[] {
  const { number, timeMs, nearMiss, skewMs } = attack
  const truth = { attack: number, nearMiss, isTwin: true, isUpdate: false }
  const guid = random.guid()
  const cloudAppsMs = timeMs + random.integer(skewMs)
  const identityMs = timeMs + random.integer(skewMs)
  const cloudApps = cloudAppsBody(attack, random.hex(24), cloudAppsMs, random)
  const identity = identityBody(attack, `aa${guid}`, identityMs, random)
  const delay = (): number => random.integer(2 * minuteMs)
  return [
    {
      ...truth,
      api: 'defender',
      id: cloudApps._id,
      publishedMs: cloudAppsMs + delay(),
      version: undefined,
      body: cloudApps,
    },
    {
      ...truth,
      api: 'graph',
      id: identity.id,
      publishedMs: identityMs + delay(),
      version: identity.lastUpdateDateTime,
      body: identity,
    },
  ]
}

const guidOf = (kind: number, index: number): string =>
  `${kind.toString(16).padStart(8, '0')}-0000-4000-8000-${index.toString(16).padStart(12, '0')}`

/** As Microsoft's example of a list of alerts has it: service 20940, the policy named like the alert, short device names. */
function cloudAppsBody({ kind, user, host }: Attack, id: string, timeMs: number, random: Random) {
  return {
    _id: id,
    contextId: directory,
    timestamp: timeMs,
    title: kind.cloudAppsTitle,
    description: `Suspicious actions of user${user} on CLIENT${host}.`,
    stories: [0],
    severityValue: 1,
    statusValue: 0,
    resolutionStatusValue: 0,
    idValue: kind.idValue,
    isSystemAlert: true,
    entities: [
      { type: 'policyRule', id: random.hex(24), label: kind.cloudAppsTitle, policyType: 'ANOMALY_DETECTION' },
      {
        type: 'account',
        id: guidOf(1, user),
        label: `User ${user}`,
        pa: `user${user}@contoso.com`,
        inst: 0,
        saas: 11161,
        entityType: 2,
      },
      { type: 'device', id: guidOf(2, host), label: `CLIENT${host}`, entityRole: 'Source' },
      { type: 'device', id: guidOf(2, 0), label: 'DC1', entityRole: 'Related' },
      { type: 'service', id: 20940, label: 'Active Directory' },
    ],
    evidence: [],
    URL: `https://contoso.portal.cloudappsecurity.com/#/alerts/${id}`,
  }
}

/** One of the forms in which Defender for Identity names an account. */
function accountForms(user: number, random: Random): Readonly<Record<string, unknown>> {
  const whole = {
    accountName: `user${user}`,
    domainName: 'contoso.com',
    userSid: `S-1-5-21-1-2-3-${1000 + user}`,
    azureAdUserId: guidOf(1, user),
    userPrincipalName: `User${user}@contoso.com`,
    displayName: `User ${user}`,
  }
  const none = Object.fromEntries(Object.keys(whole).map((name) => [name, null]))
  return random.pick([
    whole,
    { ...none, accountName: `user${user}`, domainName: 'CONTOSO' },
    { ...none, accountName: `USER${user}`, userSid: whole.userSid },
    { ...none, userPrincipalName: whole.userPrincipalName, displayName: whole.displayName },
  ])
}

function identityBody({ kind, user, host, timeMs }: Attack, id: string, createdMs: number, random: Random) {
  const evidence = (type: string, roles: readonly string[], parts: object): object => ({
    '@odata.type': `#microsoft.graph.security.${type}`,
    createdDateTime: ticksOf(createdMs, random),
    verdict: 'suspicious',
    remediationStatus: 'none',
    roles,
    ...parts,
  })
  return {
    id,
    providerAlertId: id.slice(2),
    incidentId: String(random.integer(100_000)),
    status: 'new',
    severity: 'medium',
    classification: null,
    determination: null,
    serviceSource: 'microsoftDefenderForIdentity',
    detectionSource: 'microsoftDefenderForIdentity',
    detectorId: random.guid(),
    tenantId: directory,
    title: kind.identityTitle,
    description: `user${user} acted on client${host}.contoso.com.`,
    category: 'CredentialAccess',
    assignedTo: null,
    alertWebUrl: `https://security.microsoft.com/alerts/${id}?tid=${directory}`,
    createdDateTime: ticksOf(createdMs, random),
    lastUpdateDateTime: ticksOf(createdMs, random),
    resolvedDateTime: null,
    firstActivityDateTime: ticksOf(timeMs, random),
    lastActivityDateTime: ticksOf(timeMs + 1_000, random),
    comments: [],
    evidence: [
      evidence('userEvidence', ['compromised'], { userAccount: accountForms(user, random) }),
      evidence('deviceEvidence', ['source'], { deviceDnsName: `client${host}.contoso.com`, mdeDeviceId: null }),
      evidence('deviceEvidence', ['destination'], { deviceDnsName: 'dc1.contoso.com', mdeDeviceId: null }),
      evidence('ipEvidence', [], { ipAddress: `10.0.${host % 250}.${user % 250}`, countryLetterCode: null }),
    ],
  }
}

/** Graph's times have seven digits behind the second. */
function ticksOf(ms: number, random: Random): string {
  return `${new Date(ms).toISOString().slice(0, -1)}${String(random.integer(10_000)).padStart(4, '0')}Z`
}
