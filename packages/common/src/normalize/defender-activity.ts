/** An activity of the Defender for Cloud Apps REST API as our `Activity`. Total: any JSON object gives an event; only a record
 *  without an id is refused. Source of the shape: api-activities.md and public samples. */
import { RelayError } from '../errors.ts'
import type { Activity, ActivityObject } from '../events.ts'
import type { Origin } from './origin.ts'
import { fieldsOf, integerOf, listOf, textOf, textsOf, timeOf } from './values.ts'

/**
 * @throws {RelayError} `RELAY_RECORD_INVALID` without a usable `_id`.
 */
export function normalizeDefenderActivity(record: unknown, origin: Origin): Activity {
  const fields = fieldsOf(record)
  const id = textOf(fields._id ?? fields.uid)
  if (id === '') throw new RelayError('RELAY_RECORD_INVALID', 'the activity has no _id')
  const user = fieldsOf(fields.user)
  const device = fieldsOf(fields.device)
  const location = fieldsOf(fields.location)
  const agent = fieldsOf(fields.userAgent)
  const mainInfo = fieldsOf(fields.mainInfo)
  return {
    kind: 'activity',
    tenant: origin.tenant,
    source: origin.source,
    id,
    timestampMs: timeOf(fields.timestamp),
    createdMs: timeOf(fields.created),
    eventTypeName: textOf(fields.eventTypeName),
    eventTypeValue: textOf(fields.eventTypeValue),
    actionType: textOf(fields.actionType),
    prettyOperationName: textOf(mainInfo.prettyOperationName),
    rawOperationName: textOf(mainInfo.rawOperationName),
    description: textOf(fields.description),
    userName: textOf(user.userName),
    userTags: textsOf(user.userTags),
    appName: textOf(fields.appName),
    appId: textOf(fields.appId ?? fields.saasId),
    instance: textOf(fields.instance ?? fields.instanceId),
    clientIP: textOf(device.clientIP),
    ipCategory: integerOf(location.category),
    ipTags: textsOf(location.tags),
    userAgent: textOf(device.userAgent),
    userAgentTags: textsOf(agent.tags),
    deviceType: textOf(agent.deviceType),
    deviceTags: textsOf(device.tags),
    countryCode: textOf(location.countryCode ?? device.countryCode),
    organization: textOf(location.organizationSearchable),
    objects: objectsOf(mainInfo.eventObjects),
    policyIds: textsOf(fields.policies ?? fields.policyIds),
    isAdmin: fields.adminEvent === true || fields.isAdmin === true,
    isImpersonated: fields.impersonated === true,
    takenAction: textOf(fields.takenAction),
    origin: integerOf(fields.source),
  }
}

function objectsOf(value: unknown): readonly ActivityObject[] {
  return listOf(value).map((item) => {
    const fields = fieldsOf(item)
    return {
      id: textOf(fields.id),
      name: textOf(fields.name),
      type: textOf(fields.objType),
      role: integerOf(fields.role),
      instance: textOf(fields.instanceId),
      saas: textOf(fields.saasId),
    }
  })
}
