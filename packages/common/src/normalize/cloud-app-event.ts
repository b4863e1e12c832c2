/** A row of the CloudAppEvents table, as Defender XDR streams it, as our `Activity`: the same activity that the REST API tells of,
 *  so filters and messages are the same. Total: any JSON object gives an event; only a row without an id is refused.
 *
 *  The id is `ReportId`: Microsoft's own map from the SIEM agent's fields to this table names it for externalId. It is another id
 *  than the REST API's `_id`; for Office 365 activities `RawEventData.Id` equals the last part of that one.
 *  Source of the shape: advanced-hunting-cloudappevents-table.md and a published record. Values of columns that hold words are
 *  not published as lists: an unknown word means absent. */
import { RelayError } from '../errors.ts'
import type { Activity, ActivityObject } from '../events.ts'
import { categoryOf, displayNameOf } from './activity-names.ts'
import type { Origin } from './origin.ts'
import { type Fields, fieldsOf, jsonOf, listOf, textOf, textsOf, timeOf, wordOf } from './values.ts'

/**
 * @throws {RelayError} `RELAY_RECORD_INVALID` without a usable `ReportId` or `RawEventData.Id`.
 */
export function normalizeCloudAppEvent(record: unknown, origin: Origin): Activity {
  const row = fieldsOf(record)
  const raw = fieldsOf(jsonOf(row.RawEventData))
  const id = cloudAppEventId(record)
  if (id === undefined) throw new RelayError('RELAY_RECORD_INVALID', 'the CloudAppEvents row has no ReportId')
  const actionType = textOf(row.ActionType)
  const operation = textOf(raw.Operation) || actionType
  const eventTypeName = categoryOf([actionType, operation, textOf(row.ActivityType)])
  return {
    kind: 'activity',
    tenant: origin.tenant,
    source: origin.source,
    id,
    timestampMs: timeOf(row.Timestamp),
    createdMs: undefined,
    eventTypeName,
    eventTypeValue: textOf(row.ActivityType),
    actionType,
    prettyOperationName: operation,
    rawOperationName: operation,
    description: descriptionOf(row, displayNameOf(eventTypeName) ?? actionType),
    userName: userNameOf(row, raw),
    userTags: [],
    appName: textOf(row.Application),
    appId: textOf(row.ApplicationId),
    instance: textOf(row.AppInstanceId),
    clientIP: firstAddress(row.IPAddress),
    ipCategory: ipCategories.get(wordOf(row.IPCategory)),
    ipTags: textsOf(jsonOf(row.IPTags)),
    userAgent: textOf(row.UserAgent),
    userAgentTags: textsOf(jsonOf(row.UserAgentTags)),
    deviceType: textOf(row.DeviceType),
    deviceTags: [],
    countryCode: textOf(row.CountryCode),
    organization: textOf(row.ISP ?? row.Isp),
    objects: objectsOf(jsonOf(row.ActivityObjects)),
    policyIds: [],
    isAdmin: isTrue(row.IsAdminOperation),
    isImpersonated: isTrue(row.IsImpersonated),
    takenAction: '',
    origin: origins.get(wordOf(row.AuditSource)),
  }
}

/** What a row is remembered by; undefined when it has nothing of the kind. */
export function cloudAppEventId(record: unknown): string | undefined {
  const row = fieldsOf(record)
  const reportId = textOf(row.ReportId)
  if (reportId !== '') return reportId
  const rawId = textOf(fieldsOf(jsonOf(row.RawEventData)).Id)
  return rawId === '' ? undefined : rawId
}

/** The REST API's text is not in the row; this is the form of its published samples: `Download file: file x.docx`. */
function descriptionOf(row: Fields, name: string): string {
  const object = textOf(row.ObjectName)
  if (object === '') return name
  const type = textOf(row.ObjectType).toLowerCase()
  return `${name}: ${type === '' ? '' : `${type} `}${object}`
}

/** The principal name, where anything in the row is one; else what the account is called. */
function userNameOf(row: Fields, raw: Fields): string {
  const names = [
    row.AccountUpn,
    raw.UserPrincipalName,
    raw.UserId,
    row.AccountId,
    fieldsOf(raw.actor).email,
    row.AccountDisplayName,
  ].map(textOf)
  return names.find((name) => name.includes('@')) ?? (textOf(row.AccountDisplayName) || textOf(row.AccountId))
}

/** Rows that belong to an alert can hold several addresses. */
function firstAddress(value: unknown): string {
  const text = textsOf(jsonOf(value))[0] ?? ''
  return text.split(/[,;\s]+/, 1)[0] ?? ''
}

/** `eventObjects[].role` of the REST API. */
const roles: ReadonlyMap<string, number> = new Map([
  ['target', 3],
  ['targetobject', 3],
  ['actor', 4],
])

function objectsOf(value: unknown): readonly ActivityObject[] {
  return listOf(value).map((item) => {
    const fields = fieldsOf(item)
    return {
      id: textOf(fields.Id),
      name: textOf(fields.Name),
      type: textOf(fields.Type),
      role: roles.get(wordOf(fields.Role)),
      instance: textOf(fields.ApplicationInstance),
      saas: textOf(fields.ApplicationId),
    }
  })
}

/** `location.category` of the REST API. */
const ipCategories: ReadonlyMap<string, number> = new Map([
  ['corporate', 1],
  ['administrative', 2],
  ['risky', 3],
  ['vpn', 4],
  ['cloudprovider', 5],
  ['other', 6],
])

/** `source` of the REST API. */
const origins: ReadonlyMap<string, number> = new Map([
  ['defenderforcloudappsaccesscontrol', 0],
  ['defenderforcloudappssessioncontrol', 1],
  ['defenderforcloudappsappconnector', 2],
  ['defenderforcloudappsappconnectoranalysis', 3],
  ['defenderforcloudappsdiscovery', 5],
  ['defenderforendpoint', 6],
])

function isTrue(value: unknown): boolean {
  return value === true || value === 1 || wordOf(value) === 'true'
}
