/** The fields activities can be filtered by, which operators each takes, and where in the record its values are.
 *  `date` and `created` are not here: they are compared without parsing the record (`filters.ts`).
 *  Where the documentation names a field but no sample shows its value, the place is our assumption, marked so. */

import type { ActivityRecord } from '../data/records.ts'
import { type Field, field, listOf } from './field.ts'

const equality = ['eq', 'neq', 'deq'] as const
const presence = ['isset', 'isnotset'] as const

/** @see Microsoft's "Activities API", filters; the last three are used by public clients only. */
export const activityFields: ReadonlyMap<string, Field<ActivityRecord>> = new Map([
  ['service', field(equality, (activity) => listOf(activity.appId))],
  ['instance', field(equality, (activity) => objectValues(activity, 'instanceId'))],
  [
    'user.orgUnit',
    field([...equality, ...presence, 'descendantof', 'ndescendantof'], (activity) => at(activity, 'user', 'orgUnit')),
  ],
  ['user.username', field([...equality, ...presence, 'startswith'], (activity) => at(activity, 'user', 'userName'))],
  ['entity', field([...equality, ...presence, 'startswith'], entityKeys)],
  ['user.tags', field([...equality, ...presence, 'startswith'], (activity) => at(activity, 'user', 'userTags'))],
  ['user.domain', field([...equality, ...presence], userDomain)],
  // The specific type, as against its category in eventActionType (assumed).
  ['actionType', field(['contains', ...equality, ...presence], actionTypes)],
  ['activity.eventActionType', field(equality, (activity) => listOf(activity.eventTypeName))],
  ['activity.id', field(['eq'], (activity) => [activity._id])],
  ['activity.alertId', field(['eq'], (activity, tenant) => tenant.alertsOf(activity._id).alertIds)],
  ['fileId', field(['eq'], (activity) => objectValues(activity, 'id'))],
  ['activity.impersonated', field(['eq'], (activity) => [listOf(activity.classifications).includes('impersonated')])], // assumed
  ['activity.type', field(['eq'], (activity) => [at(activity, 'eventRouting', 'adminEvent').includes(true)])], // assumed
  ['activity.takenAction', field(equality, (activity) => at(activity, 'mainInfo', 'takenAction'))], // assumed
  [
    'activityObject',
    field(equality, (activity) => [...objectValues(activity, 'id'), ...objectValues(activity, 'name')]),
  ],
  ['device.type', field(equality, (activity) => at(activity, 'userAgent', 'deviceType'))],
  ['device.tags', field(equality, (activity) => at(activity, 'device', 'tags'))], // assumed
  ['ip.tags', field(equality, (activity) => at(activity, 'location', 'ipTags'))],
  ['fileSelector', field(equality, (activity) => objectValues(activity, 'id'))], // assumed
  ['userAgent.userAgent', field(['contains', 'ncontains'], (activity) => listOf(activity.device?.userAgent))],
  ['userAgent.tags', field(equality, (activity) => at(activity, 'userAgent', 'tags'))],
  ['location.country', field([...equality, ...presence], (activity) => at(activity, 'location', 'countryCode'))],
  [
    'location.organizations',
    field([...equality, ...presence, 'contains'], (activity) => at(activity, 'location', 'organizationSearchable')),
  ],
  [
    'ip.address',
    field([...equality, ...presence, 'startswith', 'doesnotstartwith'], (activity) =>
      listOf(activity.device?.clientIP),
    ),
  ],
  ['ip.category', field(equality, (activity) => at(activity, 'location', 'category'))],
  ['office365url', field(['startswith', 'eq', 'endswith'], (activity) => at(activity, 'rawDataJson', 'ObjectId'))],
  [
    'text',
    field(['eq', 'startswithsingle', 'text'], (activity) => [
      ...listOf(activity.description),
      ...listOf(activity.appName),
      ...at(activity, 'user', 'userName'),
    ]),
  ],
  ['policy', field([...equality, ...presence], (activity, tenant) => tenant.alertsOf(activity._id).policyIds)],
  ['source', field(equality, (activity) => listOf(activity.source))],
  ['activity.eventType', field(equality, (activity) => listOf(activity.eventTypeName))],
  ['activity.actionType', field(equality, (activity) => listOf(activity.eventTypeName))],
  ['fileLabels', field(equality, (activity) => at(activity, 'mainInfo', 'fileLabels'))],
])

/** The values at `record[outer][inner]`. */
function at(activity: ActivityRecord, outer: string, inner: string) {
  const value = activity[outer]
  return typeof value === 'object' && value !== null ? listOf((value as Readonly<Record<string, unknown>>)[inner]) : []
}

function objectValues(activity: ActivityRecord, name: string) {
  return (activity.mainInfo?.eventObjects ?? []).flatMap((object) => listOf(object[name]))
}

/** A filter names an entity by `{"id","inst"}`, or by its id alone. */
function entityKeys(activity: ActivityRecord) {
  const objects = activity.mainInfo?.eventObjects ?? []
  return objects.flatMap((object) => [...listOf(object.id), `${object.id}|${object.instanceId ?? 0}`])
}

function userDomain(activity: ActivityRecord) {
  const name = activity.user?.userName ?? ''
  return name.includes('@') ? [name.slice(name.lastIndexOf('@') + 1)] : []
}

function actionTypes(activity: ActivityRecord) {
  return [...listOf(activity.eventTypeValue), ...at(activity, 'mainInfo', 'rawOperationName')]
}
