/** The tables rows are stored in, column by column: the one source of the row types, of the check before sending, and of the streams,
 *  tables and transformations that deploy/sentinel creates. Azure drops a column it does not know without a word and stores null
 *  for a value of another type, so what leaves here is held to this.
 *
 *  Names that Azure keeps to itself (`TenantId`, `Type`, `id`, `Title`, `UniqueId`, names that begin with `_`) are not used.
 *  Sources: Microsoft's reference of the tables SecurityAlert, CommonSecurityLog and McasShadowItReporting; "Standard columns in
 *  Azure Monitor Logs"; "CEF and CommonSecurityLog field mapping". */
import type { EventKind } from '../events.ts'

/** Types of columns of a data collection rule's stream. `datetime` is RFC 3339 in UTC. */
export type SentinelType = 'string' | 'int' | 'long' | 'real' | 'boolean' | 'datetime' | 'dynamic'

export interface SentinelColumn {
  readonly type: SentinelType
  readonly description: string
}

export interface SentinelTable {
  /** Name of the table in the workspace. */
  readonly table: string
  /** Microsoft's own table takes rows only in its own columns; one of ours is created. */
  readonly isOwn: boolean
  /** Column by which copies of one row are told. */
  readonly idColumn: string
  readonly columns: Readonly<Record<string, SentinelColumn>>
}

const text = (description: string): SentinelColumn => ({ type: 'string', description })
const time = (description: string): SentinelColumn => ({ type: 'datetime', description })
const whole = (description: string): SentinelColumn => ({ type: 'long', description })
const small = (description: string): SentinelColumn => ({ type: 'int', description })
const any = (description: string): SentinelColumn => ({ type: 'dynamic', description })

/** What rows of both own tables begin with. */
const ownColumns = {
  TimeGenerated: time('When it happened; Azure puts the time of receipt here when that is more than two days away.'),
  EventTime: time('When it happened, whenever it was sent.'),
  RecordId: text('The same for every copy of the row.'),
  SourceTenant: text('Tenant of the relay the record came from.'),
  SourceName: text('Source of the relay the record came from.'),
  ReplayJob: text('Replay that sent this copy, if one did.'),
} as const

const alertColumns = {
  ...ownColumns,
  DisplayName: text('Title of the alert.'),
  AlertName: text('Title of the alert.'),
  AlertSeverity: text('Informational, Low, Medium or High.'),
  Description: text('What happened.'),
  ProviderName: text('Service that raised the alert: MCAS, or Azure Advanced Threat Protection.'),
  VendorName: text('Microsoft.'),
  VendorOriginalId: text('Id the source gave the alert.'),
  SystemAlertId: text('Id the source gave the alert.'),
  AlertType: text('MCAS_ALERT_…, or the type an identity alert has.'),
  StartTime: time('First activity.'),
  EndTime: time('Last activity.'),
  Status: text('New, Resolved or Dismissed.'),
  ProductName: text('Microsoft Cloud App Security, or Azure Advanced Threat Protection.'),
  CompromisedEntity: text('Account the alert is about.'),
  Entities: text('Accounts, apps, addresses and devices as JSON, in the shape of SecurityAlert.'),
  ExtendedProperties: text('What else the source says, as JSON.'),
  AlertLink: text('Link into Microsoft’s portal.'),
  TwinAlertId: text('Id of the copy of the alert that another product reported, if it is known.'),
} as const satisfies Record<string, SentinelColumn>

const discoveryColumns = {
  ...ownColumns,
  StreamName: text('Continuous report the row belongs to.'),
  TotalEvents: whole('Number of events.'),
  BlockedEvents: whole('Number of blocked events.'),
  UploadedBytes: whole('Bytes to the app.'),
  TotalBytes: whole('Bytes both ways.'),
  DownloadedBytes: whole('Bytes from the app.'),
  IpAddress: text('Source address.'),
  UserName: text('User as the log names them.'),
  EnrichedUserName: text('User as Microsoft Entra names them.'),
  AppName: text('Name of the app.'),
  AppId: whole('Id of the app.'),
  AppCategory: text('Category of the app.'),
  AppTags: any('Tags of the app.'),
  AppScore: small('0 to 10; 10 is an app without risk.'),
} as const satisfies Record<string, SentinelColumn>

const activityColumns = {
  TimeGenerated: time('When it happened; Azure puts the time of receipt here when that is more than two days away.'),
  DeviceVendor: text('CEF device vendor.'),
  DeviceProduct: text('CEF device product.'),
  DeviceVersion: text('CEF device version.'),
  DeviceEventClassID: text('CEF signature id.'),
  Activity: text('CEF name.'),
  LogSeverity: text('CEF severity.'),
  ExtID: text('Id of the activity: the same for every copy of the row.'),
  ReceiptTime: text('Milliseconds since the epoch.'),
  StartTime: time('When it happened, whenever it was sent.'),
  EndTime: time('When it happened, whenever it was sent.'),
  Message: text('What happened.'),
  SourceUserName: text('Who did it.'),
  DestinationServiceName: text('App.'),
  DeviceAddress: text('Client address, IPv4.'),
  RequestClientApplication: text('User agent.'),
  DeviceCustomString1: text('Link into the portal.'),
  DeviceCustomString1Label: text('portalURL.'),
  DeviceCustomString2: text('App as APPID_….'),
  DeviceCustomString2Label: text('uniqueServiceAppIds.'),
  DeviceCustomString3: text('Objects of the activity.'),
  DeviceCustomString3Label: text('targetObjects.'),
  DeviceCustomString4: text('Matched policies.'),
  DeviceCustomString4Label: text('policyIDs.'),
  DeviceCustomString6: text('Replay that sent this copy, if one did.'),
  DeviceCustomString6Label: text('replayJob.'),
  DeviceCustomIPv6Address1: text('Client address, IPv6.'),
  DeviceCustomIPv6Address1Label: text('Device IPv6 Address.'),
} as const satisfies Record<string, SentinelColumn>

export const sentinelTables = {
  alert: { table: 'McasAlerts_CL', isOwn: true, idColumn: 'RecordId', columns: alertColumns },
  activity: { table: 'CommonSecurityLog', isOwn: false, idColumn: 'ExtID', columns: activityColumns },
  discovery: { table: 'McasShadowItReporting_CL', isOwn: true, idColumn: 'RecordId', columns: discoveryColumns },
} as const satisfies Record<EventKind, SentinelTable>

interface Values {
  readonly string: string
  readonly int: number
  readonly long: number
  readonly real: number
  readonly boolean: boolean
  readonly datetime: string
  readonly dynamic: unknown
}

/** A row of a kind: columns that are not known are absent, since an absent column costs nothing and null is the same. */
export type SentinelRow<K extends EventKind = EventKind> = {
  readonly [C in keyof (typeof sentinelTables)[K]['columns']]?:
    | ((typeof sentinelTables)[K]['columns'][C] extends { readonly type: infer T extends SentinelType }
        ? Values[T]
        : never)
    | undefined
}
