/** The shapes records are normalised to: what filters judge, what encoders write, and what de-duplication compares.
 *  All text in them was written by someone else, possibly an attacker. `undefined` means absent. */
import type { DiscoveryRow } from './discovery/row.ts'

/** What was raised, what happened, and which apps were used. */
export type EventKind = 'alert' | 'activity' | 'discovery'

/** 0 low, 1 medium, 2 high, 3 informational: `severityValue` of the MDA alerts API. */
export type MdaSeverity = 0 | 1 | 2 | 3

/** An account, user, device, … of an alert (`entities[]` of the MDA alerts API). */
export interface AlertEntity {
  readonly type: string
  readonly id: string
  readonly label: string
  /** Instance of the app, as text; '' when absent. */
  readonly instance: string
  /** App id the entity lives in, as text; '' when absent. */
  readonly saas: string
  /** 'Source' | 'Related' | ''. */
  readonly role: string
  /** User principal name of an account. */
  readonly upn: string
  readonly email: string
  /** FILE, AUDIT, ANOMALY_DETECTION, … of a policyRule. */
  readonly policyType: string
  /** Name of an account in its on-premises domain (sAMAccountName). */
  readonly accountName: string
  /** NetBIOS or DNS name of that domain. */
  readonly domain: string
  /** Security identifier of an account. */
  readonly sid: string
}

/** Which product raised an alert: Defender for Cloud Apps (also those it passes on), Defender for Identity, or another one. */
export type AlertProduct = 'cloud-apps' | 'identity' | 'other'

/** An alert of any product, normalised. */
export interface Alert {
  readonly kind: 'alert'
  readonly tenant: string
  readonly source: string
  /** The product whose copy of the alert this is. */
  readonly product: AlertProduct
  /** The id the source gave it; stable over updates. */
  readonly id: string
  /** When it was raised, milliseconds since the epoch; undefined when the record holds no usable time. */
  readonly timestampMs: number | undefined
  /** First and last activity it is about; where the source does not tell, `timestampMs`. */
  readonly startMs: number | undefined
  readonly endMs: number | undefined
  /** ALERT_… ; 'ALERT_<idValue>' when no table knows it. */
  readonly alertType: string
  /** The number the API calls alertType and records call idValue. */
  readonly alertTypeId: number | undefined
  readonly title: string
  readonly description: string
  readonly severity: MdaSeverity | undefined
  /** 0 unread, 1 read, 2 archived. */
  readonly status: number | undefined
  /** 0 open, 1 dismissed, 2 resolved, 3 false positive, 4 benign, 5 true positive. */
  readonly resolution: number | undefined
  readonly resolvedMs: number | undefined
  readonly riskScore: string
  readonly entities: readonly AlertEntity[]
  readonly accounts: readonly AlertEntity[]
  readonly services: readonly AlertEntity[]
  readonly policies: readonly AlertEntity[]
  readonly devices: readonly AlertEntity[]
  readonly ips: readonly string[]
  /** Ids of related activities. */
  readonly audits: readonly string[]
  /** Link into Microsoft's portal, as the record gives it. */
  readonly url: string
  readonly isBuiltIn: boolean
  readonly stories: readonly number[]
}

/** An object an activity acted with or on (`mainInfo.eventObjects[]`, `entityData` of the MDA activities API). */
export interface ActivityObject {
  readonly id: string
  readonly name: string
  readonly type: string
  /** 3 target, 4 actor, as seen. */
  readonly role: number | undefined
  readonly instance: string
  readonly saas: string
}

/** An activity of any connected app, normalised. */
export interface Activity {
  readonly kind: 'activity'
  readonly tenant: string
  readonly source: string
  readonly id: string
  /** When it happened. */
  readonly timestampMs: number | undefined
  /** When Microsoft stored it. */
  readonly createdMs: number | undefined
  /** EVENT_CATEGORY_… */
  readonly eventTypeName: string
  /** The finer type (eventTypeValue), for the filter `activity.eventActionType`. */
  readonly eventTypeValue: string
  readonly actionType: string
  readonly prettyOperationName: string
  readonly rawOperationName: string
  readonly description: string
  readonly userName: string
  readonly userTags: readonly string[]
  readonly appName: string
  readonly appId: string
  readonly instance: string
  readonly clientIP: string
  readonly ipCategory: number | undefined
  readonly ipTags: readonly string[]
  readonly userAgent: string
  readonly userAgentTags: readonly string[]
  readonly deviceType: string
  readonly deviceTags: readonly string[]
  readonly countryCode: string
  readonly organization: string
  readonly objects: readonly ActivityObject[]
  readonly policyIds: readonly string[]
  readonly isAdmin: boolean
  readonly isImpersonated: boolean
  readonly takenAction: string
  /** 0 access control, 1 session control, 2 app connector, 3 app connector analysis, 5 discovery, 6 MDATP. */
  readonly origin: number | undefined
}

/** Use of an app as Cloud Discovery saw it: a row of McasShadowItReporting, normalised. */
export interface DiscoveryRecord {
  readonly kind: 'discovery'
  readonly tenant: string
  readonly source: string
  readonly id: string
  /** Date of the discovery data. */
  readonly timestampMs: number | undefined
  /** The columns under their names in Microsoft's table; those not known are absent. */
  readonly row: DiscoveryRow
}

export type RelayEvent = Alert | Activity | DiscoveryRecord

export type EventOf<K extends EventKind> = Extract<RelayEvent, { readonly kind: K }>
