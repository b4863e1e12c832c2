/** Makes one activity at a time, in the shape the service serialises: what people do in cloud apps, seen by connectors.
 *  The mix is meant to hurt: late records, absent clients, IPv6, nulls, and attackers' texts in every free field.
 *  When things happen is the caller's business; a time and the random source go in, a record comes out. */

import { type Category, categories } from './activity-categories.ts'
import type { Random } from './random.ts'
import type { ActivityRecord, EventObject } from './records.ts'
import * as vocabulary from './vocabulary.ts'

const secondMs = 1000
const hourMs = 3600 * secondMs

const objectNames = [
  'Q3 forecast.xlsx',
  'payroll-2026.csv',
  '設計書.docx',
  'Größen & Maße.pdf',
  'Set-Mailbox',
  '23',
  '',
] as const

/**
 * @param timeMs when it happened, Unix ms.
 * @param createdMs when the service saved it; drawn (seconds later, sometimes hours) when not given.
 */
export function generateActivity(random: Random, timeMs: number, createdMs?: number): ActivityRecord {
  const category = random.pick(categories)
  const app = random.pick(vocabulary.apps)
  const person = random.pick(vocabulary.people)
  const place = random.pick(vocabulary.places)
  const client = drawClient(random)
  const agent = client === undefined ? undefined : random.pick(vocabulary.userAgents)
  const ipCategory = random.pick(vocabulary.ipCategories)
  const objectName = category.object === undefined ? '' : drawName(random, objectNames)
  const created = createdMs ?? timeMs + drawDelayMs(random)
  const operationId = random.guid()
  const id = `${vocabulary.tenantId}_${app.id}_${operationId}`
  const description = describe(category, objectName, random)
  const failed = category.type === 'failedLogin'

  return {
    _id: id,
    tenantId: vocabulary.tenantId,
    aadTenantId: vocabulary.aadTenantId,
    appId: app.id,
    saasId: app.id,
    srcAppId: app.id,
    timestamp: timeMs,
    timestampRaw: timeMs,
    instantiation: Math.max(timeMs, created - 2 * secondMs),
    instantiationRaw: Math.max(timeMs, created - 2 * secondMs),
    created,
    createdRaw: created,
    eventType: category.eventType,
    eventTypeValue: `EVENT_${app.workload.toUpperCase()}_${category.type.toUpperCase()}`,
    ...(category.isAdmin ? { eventRouting: { auditing: true, adminEvent: true } } : {}),
    device:
      client === undefined
        ? { clientIP: null, userAgent: null }
        : { clientIP: client, userAgent: drawUserAgent(random, agent?.text), countryCode: place.country },
    ...(client === undefined
      ? {}
      : {
          location: {
            countryCode: place.country,
            city: place.city,
            longitude: place.longitude,
            latitude: place.latitude,
            organizationSearchable: place.isp,
            anonymousProxy: ipCategory.value === 3,
            category: ipCategory.value,
            categoryValue: ipCategory.name,
          },
        }),
    // A failed log on knows no user yet: the service puts the name typed in somewhere else.
    user: failed ? { userTags: [] } : { userName: person.upn, userTags: ['5f01dbbc68df27c17aa6ca81'] },
    ...(failed ? { failedUserData: { userName: person.upn } } : {}),
    ...(agent === undefined
      ? {}
      : {
          userAgent: {
            family: agent.family,
            name: agent.name,
            operatingSystem: { name: agent.os, family: agent.os.split(' ')[0] },
            typeName: agent.typeName,
            deviceType: agent.deviceType,
            nativeBrowser: false,
            tags: [],
            os: agent.os,
            browser: agent.family,
          },
        }),
    mainInfo: {
      eventObjects: eventObjects(app.id, person, category, objectName, random),
      rawOperationName: category.operation,
      prettyOperationName: category.operation,
      type: category.type,
      ...(failed ? { activityResult: { isSuccess: false, message: 'General failure' } } : {}),
    },
    confidenceLevel: 20,
    source: 2,
    ...(random.chance(0.25) ? connectorFields(person, client) : {}),
    rawDataJson: {
      CreationTime: new Date(timeMs).toISOString(),
      Operation: category.operation,
      Workload: app.workload,
      ObjectId: objectName === '' ? null : `https://contoso.sharepoint.com/${objectName}`,
      Id: operationId,
    },
    uid: id,
    appName: app.name,
    eventTypeName: `EVENT_CATEGORY_${category.name}`,
    classifications: category.type.toLowerCase().includes('login') ? ['access'] : [],
    ...drawEntityData(random, app.id, person),
    description_id: `EVENT_DESCRIPTION_${category.type.toUpperCase()}`,
    description,
    severity: 'INFO',
  }
}

function describe(category: Category, objectName: string, random: Random): string {
  if (category.type === 'failedLogin') return 'Failed log on (Failure message: General failure)'
  if (category.object === undefined) return category.says
  const subject = `${category.says}: ${category.object} ${objectName}`
  return category.name === 'RUN_COMMAND' ? `${subject}; Parameters: Session ID ${random.guid()}` : subject
}

function eventObjects(
  appId: number,
  person: vocabulary.Person,
  category: Category,
  objectName: string,
  random: Random,
): readonly EventObject[] {
  const actors: EventObject[] = [
    { objType: 21, role: 4, name: person.name, id: person.upn, instanceId: 0, saasId: appId, resolved: true, tags: [] },
    { objType: 23, role: 4, name: person.name, id: person.guid, instanceId: 0, saasId: appId, resolved: true },
  ]
  if (category.object === undefined) return actors.slice(0, 1)
  const target = { objType: 1, role: 3, name: objectName, id: random.guid(), serviceObjectType: category.object }
  return random.chance(0.25) ? [target, ...actors] : [target, ...actors.slice(0, 1)]
}

/** What only some connectors add; left out elsewhere, which also keeps a record under 2 KB on average. */
function connectorFields(person: vocabulary.Person, client: string | undefined): Partial<ActivityRecord> {
  return {
    internals: { otherIPs: client === undefined ? [] : [client] },
    lograbberService: { o365EventGrabber: true, gediEvent: true },
    collected: {},
    resolvedActor: { id: person.guid, name: person.name, saasId: '11161', instanceId: '0', role: '4', resolved: true },
    genericEventType: 'ENUM_ACTIVITY_GENERIC_TYPE_BASIC',
  }
}

/** Mostly keyed "0", "1", "2" with a null in between; now and then absent, or wholly null. */
function drawEntityData(random: Random, appId: number, person: vocabulary.Person): Partial<ActivityRecord> {
  const shape = random.integer(20)
  if (shape === 0) return {}
  if (shape === 1) return { entityData: null }
  const entity = (id: string) => ({ displayName: person.name, id: { id, saas: appId, inst: 0 }, resolved: true })
  return { entityData: { 0: entity(person.upn), 1: null, 2: shape < 6 ? entity(person.guid) : null } }
}

/** IPv4 mostly, IPv6 in one of six, none in one of ten. */
function drawClient(random: Random): string | undefined {
  if (random.chance(0.1)) return undefined
  if (random.chance(0.17)) return `2001:db8:${random.hex(8).slice(0, 4)}::${(1 + random.integer(0xfffe)).toString(16)}`
  // Documentation networks (RFC 5737): nobody's address turns up in a demo.
  return `${random.pick(['192.0.2', '198.51.100', '203.0.113'])}.${1 + random.integer(254)}`
}

function drawUserAgent(random: Random, text: string | undefined): string | null {
  if (random.chance(0.05)) return null
  return random.chance(0.02) ? random.pick(vocabulary.hostileTexts) : (text ?? '')
}

/** A plain name, in one of twenty an attacker's. */
function drawName(random: Random, names: readonly string[]): string {
  return random.chance(0.05) ? random.pick(vocabulary.hostileTexts) : random.pick(names)
}

/** Seconds as a rule; hours for one in thirty, as app connectors do. */
function drawDelayMs(random: Random): number {
  return random.chance(1 / 30) ? hourMs + random.integer(8 * hourMs) : 5 * secondMs + random.integer(295 * secondMs)
}
