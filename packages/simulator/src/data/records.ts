/** The shapes Defender for Cloud Apps returns: alerts and activities as its REST API serialises them.
 *  Only what a reader of the API may rely on is named; every other field is open, because the service adds some without
 *  notice and tests need records that are wrong on purpose. Values live in the generators and samples. */

export type RecordKind = 'alerts' | 'activities'

/** One entity of an alert; which fields are there depends on `type`. */
export interface AlertEntity {
  readonly type: string
  readonly id?: string | number | null
  readonly label?: string | null
  /** UPN of an account. */
  readonly pa?: string | null
  /** Mail address of an account. */
  readonly em?: string | null
  readonly inst?: number
  readonly saas?: number
  readonly entityType?: number
  readonly entityRole?: string
  readonly policyType?: string
  readonly [field: string]: unknown
}

export interface AlertRecord {
  /** 24 hex digits (an ObjectId). */
  readonly _id: string
  /** Unix milliseconds; may move after creation, when the alert is triggered again. */
  readonly timestamp: number
  readonly title?: string | null
  readonly description?: string | null
  /** 0 unread, 1 read, 2 archived. */
  readonly statusValue?: number
  /** 0 low, 1 medium, 2 high, 3 informational. */
  readonly severityValue?: number
  /** 0 open, 1 dismissed, 2 resolved, 3 false positive, 4 benign, 5 true positive. */
  readonly resolutionStatusValue?: number
  readonly entities?: readonly AlertEntity[] | null
  /** Ids of the activities behind the alert. */
  readonly audits?: readonly string[] | null
  /** Link to the alert in the portal. */
  readonly URL?: string | null
  readonly [field: string]: unknown
}

export interface EventObject {
  readonly objType?: number
  readonly role?: number
  readonly name?: string | null
  readonly id?: string | null
  readonly instanceId?: number
  readonly saasId?: number
  readonly [field: string]: unknown
}

export interface ActivityRecord {
  /** `<tenantId>_<saasId>_<guid>`; before 2018 `<ms>_<guid>`. */
  readonly _id: string
  /** When it happened, Unix milliseconds; the filter `date`. */
  readonly timestamp: number
  /** When the service saved it, Unix milliseconds; the filter `created`. Hours later than `timestamp` for slow connectors. */
  readonly created?: number
  readonly appId?: number | null
  readonly appName?: string | null
  /** The category, e.g. `EVENT_CATEGORY_LOGIN`. */
  readonly eventTypeName?: string | null
  readonly description?: string | null
  readonly device?: {
    readonly clientIP?: string | null
    readonly userAgent?: string | null
    readonly countryCode?: string | null
    readonly [field: string]: unknown
  } | null
  readonly user?: { readonly userName?: string | null; readonly [field: string]: unknown } | null
  readonly mainInfo?: {
    readonly eventObjects?: readonly EventObject[] | null
    readonly [field: string]: unknown
  } | null
  /** An object keyed "0", "1", "2" whose values may be null; absent in old records. */
  readonly entityData?: Readonly<Record<string, unknown>> | null
  readonly [field: string]: unknown
}

/** A row of McasShadowItReporting, column by column. */
export interface DiscoveryRowRecord {
  readonly TenantId: string
  readonly SourceSystem: string
  readonly TimeGenerated: string
  readonly StreamName: string
  readonly TotalEvents: number
  readonly BlockedEvents: number
  readonly UploadedBytes: number
  readonly TotalBytes: number
  readonly DownloadedBytes: number
  readonly IpAddress: string
  readonly UserName: string | null
  readonly EnrichedUserName: string | null
  readonly AppName: string
  readonly AppId: number
  readonly AppCategory: string
  readonly AppTags: readonly string[]
  readonly AppScore: number
  readonly Type: string
}
