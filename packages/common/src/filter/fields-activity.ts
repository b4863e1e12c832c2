/** The fields of activity filters (Microsoft's "Activities API", Filters, and those public code uses), and where an activity
 *  holds them. Data alone: operators are judged in predicates.ts. */
import type { Activity } from '../events.ts'
import {
  entityField,
  type Field,
  type FieldTable,
  flagField,
  listOperators,
  numberField,
  someText,
  stringField,
  stringsField,
  tableOf,
  textOperators,
  timeOperators,
  unavailableField,
} from './fields.ts'

const equality = ['eq', 'neq'] as const
const presence = ['isset', 'isnotset'] as const

/** `eventObjects[].role` of the one who acted, as seen in records. */
const ACTOR_ROLE = 4

/** The part after the last @, or before the backslash of DOMAIN\user. */
function domainOf(userName: string): string {
  const at = userName.lastIndexOf('@')
  if (at !== -1) return userName.slice(at + 1)
  const backslash = userName.indexOf('\\')
  return backslash === -1 ? '' : userName.slice(0, backslash)
}

/** Visits two names of one thing. */
function someOfTwo(first: string, second: string, test: (value: string) => boolean): boolean {
  return (first !== '' && test(first)) || (second !== '' && second !== first && test(second))
}

/** Visits all text an analyst would search in. */
function someOfRecord(activity: Activity, test: (value: string) => boolean): boolean {
  const { description, userName, appName, clientIP, userAgent, countryCode, organization } = activity
  const { prettyOperationName, rawOperationName, eventTypeName, eventTypeValue, actionType } = activity
  if (description !== '' && test(description)) return true
  if (userName !== '' && test(userName)) return true
  if (appName !== '' && test(appName)) return true
  if (prettyOperationName !== '' && test(prettyOperationName)) return true
  if (rawOperationName !== '' && test(rawOperationName)) return true
  if (eventTypeName !== '' && test(eventTypeName)) return true
  if (eventTypeValue !== '' && test(eventTypeValue)) return true
  if (actionType !== '' && test(actionType)) return true
  if (clientIP !== '' && test(clientIP)) return true
  if (userAgent !== '' && test(userAgent)) return true
  if (countryCode !== '' && test(countryCode)) return true
  if (organization !== '' && test(organization)) return true
  for (const { name, id } of activity.objects) if (someOfTwo(name, id, test)) return true
  return false
}

const fields: readonly Field<Activity>[] = [
  stringField('id', 'service', equality, (activity) => activity.appId, {
    note: 'App ids, for example 11161 for Office 365.',
  }),
  stringField('id', 'instance', equality, (activity) => activity.instance, {
    note: 'Instance ids of connected apps.',
  }),
  unavailableField(
    'user.orgUnit',
    [...equality, ...presence],
    'activities do not name the organisation unit of their user; use user.domain or user.tags',
  ),
  stringField('text', 'user.username', [...equality, ...presence, 'startswith'], (activity) => activity.userName, {
    added: textOperators,
  }),
  entityField(
    'entity',
    [...equality, ...presence, 'startswith'],
    (activity, test) => {
      for (const object of activity.objects)
        if (object.role === ACTOR_ROLE && object.id !== '' && test(object)) return true
      return false
    },
    {
      added: listOperators,
      note: 'Who acted, as {"id": …, "saas": …, "inst": …} or by id alone; saas and inst are compared where the record has them; startswith compares id and name.',
    },
  ),
  stringsField(
    'id',
    'user.tags',
    [...equality, ...presence, 'startswith'],
    (activity, test) => someText(activity.userTags, test),
    {
      added: listOperators,
      note: 'Ids of user groups.',
    },
  ),
  stringField('text', 'user.domain', [...equality, ...presence], (activity) => domainOf(activity.userName), {
    added: textOperators,
    note: 'The part of the user name after @.',
  }),
  stringsField(
    'text',
    'actionType',
    ['contains', ...equality, ...presence],
    ({ actionType, eventTypeName }, test) => someOfTwo(actionType, eventTypeName, test),
    {
      aliases: ['activity.actionType'],
      added: textOperators,
      note: 'The action, or the event category, for example EVENT_CATEGORY_LOGIN; public code asks for either.',
    },
  ),
  stringsField(
    'text',
    'activity.eventActionType',
    equality,
    ({ eventTypeValue, eventTypeName }, test) => someOfTwo(eventTypeValue, eventTypeName, test),
    {
      aliases: ['activity.eventType'],
      added: textOperators,
      note: 'The event type, for example EVENT_O365_ONEDRIVE_GENERIC, or its category, for example EVENT_CATEGORY_LOGIN.',
    },
  ),
  stringField('id', 'activity.id', ['eq'], (activity) => activity.id, { added: ['neq'] }),
  unavailableField(
    'activity.alertId',
    ['eq'],
    'activities do not name their alerts; an alert names its activities (relatedAudits, cs3)',
  ),
  stringsField(
    'id',
    'fileId',
    ['eq'],
    (activity, test) => {
      for (const { id } of activity.objects) if (id !== '' && test(id)) return true
      return false
    },
    { note: 'Compared with the ids of all objects of the activity.' },
  ),
  flagField('activity.impersonated', (activity) => activity.isImpersonated),
  flagField('activity.type', (activity) => activity.isAdmin, { note: 'true: administrative activities.' }),
  stringField('text', 'activity.takenAction', equality, (activity) => activity.takenAction, {
    hasNullText: true,
    values: [
      ['block', 'blocked'],
      ['proxy', 'redirected to session control'],
      ['BypassProxy', 'bypassed session control'],
      ['encrypt', 'encrypted'],
      ['decrypt', 'decrypted'],
      ['verified', 'verified'],
      ['encryptionFailed', 'encryption failed'],
      ['protect', 'protected'],
      ['verify', 'required step-up authentication'],
      [null, 'no action'],
    ],
  }),
  entityField(
    'activityObject',
    equality,
    (activity, test) => {
      for (const object of activity.objects) if (object.id !== '' && test(object)) return true
      return false
    },
    { added: listOperators, note: 'Any object of the activity, by id or as {"id": …, "saas": …, "inst": …}.' },
  ),
  stringField('text', 'device.type', equality, (activity) => activity.deviceType, {
    hasNullText: true,
    values: [
      ['DESKTOP', 'PC'],
      ['MOBILE', 'mobile'],
      ['TABLET', 'tablet'],
      ['OTHER', 'other'],
      [null, 'no value'],
    ],
  }),
  stringsField('id', 'device.tags', equality, (activity, test) => someText(activity.deviceTags, test), {
    added: listOperators,
    note: 'Ids of device tags.',
  }),
  stringField('text', 'userAgent.userAgent', ['contains', 'ncontains'], (activity) => activity.userAgent, {
    added: textOperators,
  }),
  stringsField('id', 'userAgent.tags', equality, (activity, test) => someText(activity.userAgentTags, test), {
    added: listOperators,
    note: 'Ids of user agent tags.',
  }),
  stringField('text', 'location.country', [...equality, ...presence], (activity) => activity.countryCode, {
    note: 'Two-letter country codes.',
  }),
  stringField(
    'text',
    'location.organizations',
    [...equality, ...presence, 'contains'],
    (activity) => activity.organization,
    {
      added: textOperators,
      note: 'The registered internet provider.',
    },
  ),
  stringField(
    'text',
    'ip.address',
    [...equality, 'startswith', 'doesnotstartwith', ...presence],
    (activity) => activity.clientIP,
    { added: textOperators, note: 'Addresses are compared as written.' },
  ),
  numberField('number', 'ip.category', equality, (activity) => activity.ipCategory, {
    values: [
      [1, 'corporate'],
      [2, 'administrative'],
      [3, 'risky'],
      [4, 'VPN'],
      [5, 'cloud provider'],
      [6, 'other'],
    ],
  }),
  stringsField('id', 'ip.tags', equality, (activity, test) => someText(activity.ipTags, test), {
    added: listOperators,
    note: 'Ids of IP tags.',
  }),
  unavailableField(
    'fileSelector',
    equality,
    'activities do not hold the folder tree a selection refers to; use activityObject or fileId with the ids',
  ),
  unavailableField(
    'fileLabels',
    equality,
    'activities do not hold the labels of files; use policy with a policy that matches the label',
  ),
  unavailableField(
    'office365url',
    ['startswith', 'eq', 'endswith'],
    'links of objects are not kept; use text with a part of the address, or activityObject',
  ),
  unavailableField(
    'activity.azureSubscriptions',
    equality,
    'activities do not name an Azure subscription; service 12260 selects all of Azure',
  ),
  stringsField('text', 'text', ['eq', 'startswithsingle', 'text'], someOfRecord, {
    note: 'Searches description, user, app, operation, address, user agent, location and objects.',
  }),
  numberField('time', 'date', ['lte', 'gte', 'range', 'lte_ndays', 'gte_ndays'], (activity) => activity.timestampMs, {
    added: timeOperators,
    note: 'When it happened.',
  }),
  numberField('time', 'created', ['lte', 'gte', 'range', 'gt', 'lt', 'eq'], (activity) => activity.createdMs, {
    added: timeOperators,
    note: 'When Microsoft stored it.',
  }),
  stringsField('id', 'policy', [...equality, ...presence], (activity, test) => someText(activity.policyIds, test), {
    added: listOperators,
    note: 'Ids of matched policies.',
  }),
  numberField('number', 'source', equality, (activity) => activity.origin, {
    values: [
      [0, 'access control'],
      [1, 'session control'],
      [2, 'app connector'],
      [3, 'app connector analysis'],
      [5, 'discovery'],
      [6, 'MDATP'],
    ],
    note: 'Source types; stream ids cannot be asked for.',
  }),
]

export const activityFields: FieldTable<Activity> = tableOf(fields)
