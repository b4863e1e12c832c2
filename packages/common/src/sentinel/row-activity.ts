/** An activity as a row of CommonSecurityLog: the columns in which Azure's own agent stores the SIEM agent's CEF line.
 *  Source: "CEF and CommonSecurityLog field mapping"; ExtID for externalId. */
import { activityValues } from '../cef/profile.ts'
import type { Activity } from '../events.ts'
import { clientAddress } from '../ip.ts'
import { activityName } from '../normalize/activity-names.ts'
import { type RowContext, textColumn, timeColumn } from './columns.ts'
import type { SentinelRow } from './schema.ts'

export function activityRow(activity: Activity, context: RowContext): SentinelRow<'activity'> {
  const { device, portalUrl, appIds } = context
  const values = activityValues(activity, portalUrl, appIds)
  const { v4, v6 } = clientAddress(activity.clientIP)
  const happened = timeColumn(activity.timestampMs ?? context.receivedMs)
  const objects = activity.objects.map(({ name }) => name).filter((name) => name !== '')
  return {
    TimeGenerated: happened,
    DeviceVendor: device.vendor,
    DeviceProduct: device.product,
    DeviceVersion: device.version,
    DeviceEventClassID: activity.eventTypeName,
    Activity: activityName(activity),
    LogSeverity: '0',
    ExtID: activity.id,
    ReceiptTime: activity.timestampMs === undefined ? undefined : String(activity.timestampMs),
    StartTime: happened,
    EndTime: happened,
    Message: textColumn(values.message),
    SourceUserName: textColumn(values.user),
    DestinationServiceName: textColumn(values.service),
    DeviceAddress: textColumn(v4),
    RequestClientApplication: textColumn(activity.userAgent),
    ...labelled('DeviceCustomString1', 'portalURL', values.portalUrl),
    ...labelled('DeviceCustomString2', 'uniqueServiceAppIds', values.appIds),
    ...labelled('DeviceCustomString3', 'targetObjects', objects.join(',')),
    ...labelled('DeviceCustomString4', 'policyIDs', values.policyIds),
    ...labelled('DeviceCustomIPv6Address1', 'Device IPv6 Address', v6),
  }
}

function labelled(column: string, label: string, value: string): Readonly<Record<string, string>> {
  return value === '' ? {} : { [column]: value, [`${column}Label`]: label }
}
