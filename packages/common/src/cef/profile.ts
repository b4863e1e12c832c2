/** What a CEF profile needs besides the event, and what both profiles share. A profile decides which fields a line has. */
import type { AgentDefinition } from '../agent.ts'
import type { Activity, Alert, AlertEntity, RelayEvent } from '../events.ts'
import { activityName } from '../normalize/activity-names.ts'
import { appIdName } from '../normalize/app-ids.ts'
import { arcsightExtension } from './arcsight.ts'
import { discoveryExtension, discoveryName, discoverySignature } from './discovery.ts'
import { genericExtension } from './generic.ts'
import { type CefMessage, cefPrefix, type EncodedCef, encodeCef } from './message.ts'

/** An event's values as the original agent derived them, before any profile's rules. */
export interface CefValues {
  readonly externalId: string
  readonly timestampMs: number | undefined
  readonly startMs: number | undefined
  readonly endMs: number | undefined
  readonly message: string
  readonly user: string
  readonly service: string
  readonly portalUrl: string
  readonly appIds: string
  readonly policyIds: string
}

/** What a profile makes of an event. */
export type CefExtension = Pick<CefMessage, 'fields' | 'values'>

export interface CefProfileOptions {
  readonly agent: Pick<AgentDefinition, 'format' | 'device' | 'severity' | 'alertTypes' | 'appIds'>
  /** Device version when the agent names none. */
  readonly defaultVersion: string
  /** Most bytes a line may take. */
  readonly bytesMax: number
}

export interface CefLine extends EncodedCef {
  /** CEF severity, 0 to 10. */
  readonly severity: number
}

export type CefProfile = (event: RelayEvent, portalUrl: string) => CefLine

/**
 * The encoder of one agent: event in, CEF line from `CEF:` on out.
 * @throws {RelayError} (from the returned function) `RELAY_FRAME_TOO_LARGE`, see `encodeCef`.
 */
export function createCefProfile(options: CefProfileOptions): CefProfile {
  const { device, severity, format } = options.agent
  const prefix = cefPrefix({ ...device, version: device.version ?? options.defaultVersion })
  const bySeverity = [severity.low, severity.medium, severity.high, severity.informational] as const
  const alertTypes = new Map(Object.entries(options.agent.alertTypes))
  const appIds = new Map(Object.entries(options.agent.appIds))
  const extensionOf = format === 'arcsight' ? arcsightExtension : genericExtension
  return (event, portalUrl) => {
    if (event.kind === 'discovery') {
      const appId = String(event.row.AppId ?? '')
      const appName = appIds.get(appId) ?? appIdName(appId, event.row.AppName ?? '')
      const extension = discoveryExtension(event, appName, format === 'arcsight')
      const message = { prefix, signatureId: discoverySignature, name: discoveryName, severity: 0, ...extension }
      return { ...encodeCef(message, options.bytesMax), severity: 0 }
    }
    const isAlert = event.kind === 'alert'
    // An alert of unknown severity is not harmless: it is written as low, as the published samples are.
    const cefSeverity = isAlert ? bySeverity[event.severity ?? 0] : 0
    const { fields, values } = extensionOf(
      event,
      isAlert ? alertValues(event, portalUrl, appIds) : activityValues(event, portalUrl, appIds),
    )
    const message = {
      prefix,
      signatureId: isAlert ? (alertTypes.get(String(event.alertTypeId)) ?? event.alertType) : event.eventTypeName,
      name: isAlert ? event.policies[0]?.label || event.title : activityName(event),
      severity: cefSeverity,
      fields,
      values,
    }
    const encoded = encodeCef(message, options.bytesMax)
    return { line: encoded.line, shortenedFields: encoded.shortenedFields, severity: cefSeverity }
  }
}

function activityValues(activity: Activity, portalUrl: string, appIds: ReadonlyMap<string, string>): CefValues {
  return {
    externalId: activity.id,
    timestampMs: activity.timestampMs,
    startMs: activity.timestampMs,
    endMs: activity.timestampMs,
    message: activity.description,
    user: activity.userName,
    service: activity.appName,
    portalUrl: `${portalUrl}/#/audits?activity.id=eq(${activity.id},)`,
    appIds: appIds.get(activity.appId) ?? appIdName(activity.appId, activity.appName),
    policyIds: activity.policyIds.join(','),
  }
}

function alertValues(alert: Alert, portalUrl: string, appIds: ReadonlyMap<string, string>): CefValues {
  return {
    externalId: alert.id,
    timestampMs: alert.timestampMs,
    startMs: alert.startMs,
    endMs: alert.endMs,
    message: alert.description,
    user: alertUser(alert),
    service: joined(alert.services, (service) => service.label),
    portalUrl: alert.url === '' ? `${portalUrl}/#/alerts/${alert.id}` : alert.url,
    appIds: joined(alert.services, (service) => appIds.get(service.id) ?? appIdName(service.id, service.label)),
    policyIds: joined(alert.policies, (policy) => policy.id),
  }
}

/** The account the alert is about: the one marked as source, else the first. */
function alertUser(alert: Alert): string {
  const account = alert.accounts.find((candidate) => candidate.role === 'Source') ?? alert.accounts[0]
  return account === undefined ? '' : account.upn || account.email || account.label
}

/** A comma-joined list, empty items kept, as the original agent wrote them; one item, the usual case, costs nothing. */
function joined(entities: readonly AlertEntity[], textOf: (entity: AlertEntity) => string): string {
  const [first] = entities
  if (first === undefined) return ''
  return entities.length === 1 ? textOf(first) : entities.map(textOf).join(',')
}
