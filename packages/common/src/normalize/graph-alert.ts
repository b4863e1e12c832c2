/** An alert of Graph's `/security/alerts_v2` as our `Alert`, of any product. Total: any JSON object gives an event, with nulls and
 *  unknown enum values anywhere; only a record without an id is refused.
 *  Sources: Graph's `alert` resource type (microsoft.graph.security), and Microsoft's map from the SIEM agent's CEF fields to
 *  alerts_v2 (migrate-to-supported-api-solutions): start ← firstActivityDateTime, end ← lastActivityDateTime, rt ← createdDateTime,
 *  msg ← description, suser ← userEvidence, destinationServiceName ← cloudApplicationEvidence, name ← title, externalId ← id. */
import { RelayError } from '../errors.ts'
import type { Alert, AlertEntity, AlertProduct } from '../events.ts'
import { noEntity, severityOfWord } from './alert-parts.ts'
import { alertTypeByTitle, alertTypeOfDetector } from './alert-types.ts'
import type { Origin } from './origin.ts'
import { type Fields, fieldsOf, listOf, textOf, timeOf } from './values.ts'

/**
 * @throws {RelayError} `RELAY_RECORD_INVALID` without a usable `id`.
 */
export function normalizeGraphAlert(record: unknown, origin: Origin): Alert {
  const fields = fieldsOf(record)
  const id = textOf(fields.id)
  if (id === '') throw new RelayError('RELAY_RECORD_INVALID', 'the alert has no id')
  const product = productOf(fields)
  const title = textOf(fields.title)
  const timestampMs =
    timeOf(fields.createdDateTime) ?? timeOf(fields.firstActivityDateTime) ?? timeOf(fields.lastUpdateDateTime)
  const startMs = timeOf(fields.firstActivityDateTime) ?? timestampMs
  const evidence = listOf(fields.evidence).map(fieldsOf)
  const entities = evidence.map(entityOf).filter((entity) => entity !== undefined)
  const ofType = (type: string): readonly AlertEntity[] => entities.filter((entity) => entity.type === type)
  const policyId = textOf(fields.alertPolicyId)
  return {
    kind: 'alert',
    tenant: origin.tenant,
    source: origin.source,
    product,
    id,
    timestampMs,
    startMs,
    endMs: timeOf(fields.lastActivityDateTime) ?? timestampMs,
    alertType: typeOf(fields, product, title),
    alertTypeId: undefined,
    title,
    description: textOf(fields.description),
    severity: severityOfWord(textOf(fields.severity)),
    status: statuses.get(lower(fields.status)),
    resolution: resolutionOf(fields),
    resolvedMs: timeOf(fields.resolvedDateTime),
    riskScore: '',
    entities,
    accounts: ofType('account'),
    services: ofType('service'),
    policies: policyId === '' ? [] : [{ ...noEntity, type: 'policyRule', id: policyId, label: title }],
    devices: ofType('device'),
    ips: ofType('ip').map((entity) => entity.id),
    audits: [],
    url: textOf(fields.alertWebUrl),
    isBuiltIn: policyId === '',
    stories: [],
  }
}

const statuses: ReadonlyMap<string, number> = new Map([
  ['new', 0],
  ['inprogress', 1],
  ['resolved', 1],
])
const classifications: ReadonlyMap<string, number> = new Map([
  ['falsepositive', 3],
  ['informationalexpectedactivity', 4],
  ['truepositive', 5],
])
/** By serviceSource, and by detectionSource where that is a value this table does not know. */
const products: ReadonlyMap<string, AlertProduct> = new Map([
  ['microsoftdefenderforidentity', 'identity'],
  ['microsoftdefenderforcloudapps', 'cloud-apps'],
  ['cloudappsecurity', 'cloud-apps'],
])

function productOf({ serviceSource, detectionSource }: Fields): AlertProduct {
  return products.get(lower(serviceSource)) ?? products.get(lower(detectionSource)) ?? 'other'
}

/** A verdict counts once the alert is resolved; a resolved one without a verdict is only resolved. */
function resolutionOf({ status, classification }: Fields): number | undefined {
  if (lower(status) === 'resolved') return classifications.get(lower(classification)) ?? 2
  return statuses.has(lower(status)) ? 0 : undefined
}

/** Graph has no name for the type: the title tells it, or the detector; else product and category, so that no line is without. */
function typeOf(fields: Fields, product: AlertProduct, title: string): string {
  const detector = textOf(fields.detectorId)
  if (product !== 'other') {
    const known = alertTypeByTitle(title, product) ?? alertTypeOfDetector(detector)
    if (known !== undefined) return known
  }
  const parts = [textOf(fields.serviceSource) || 'graph', textOf(fields.category)].filter((part) => part !== '')
  return `ALERT_${parts.map(constantCase).join('_')}`
}

/** `microsoftDefenderForEndpoint` → `MICROSOFT_DEFENDER_FOR_ENDPOINT`. */
function constantCase(text: string): string {
  return text
    .replace(/([a-z0-9])([A-Z])/g, '$1_$2')
    .replace(/[^A-Za-z0-9]+/g, '_')
    .toUpperCase()
}

/** Evidence of the kinds an alert's line or its twin is known by; undefined for other kinds. */
function entityOf(evidence: Fields): AlertEntity | undefined {
  const role = roleOf(evidence)
  switch (textOf(evidence['@odata.type']).replace(/^#?microsoft\.graph\.security\./, '')) {
    case 'userEvidence': {
      const account = fieldsOf(evidence.userAccount)
      const accountName = textOf(account.accountName)
      const upn = textOf(account.userPrincipalName)
      return {
        ...noEntity,
        type: 'account',
        role,
        id: textOf(account.azureAdUserId),
        label: textOf(account.displayName) || accountName,
        upn,
        accountName,
        domain: textOf(account.domainName),
        sid: textOf(account.userSid),
      }
    }
    case 'deviceEvidence':
      return {
        ...noEntity,
        type: 'device',
        role,
        id: textOf(evidence.azureAdDeviceId) || textOf(evidence.mdeDeviceId),
        label: textOf(evidence.deviceDnsName) || textOf(evidence.hostName),
      }
    case 'ipEvidence': {
      const address = textOf(evidence.ipAddress)
      return address === '' ? undefined : { ...noEntity, type: 'ip', role, id: address, label: address }
    }
    case 'cloudApplicationEvidence':
      return {
        ...noEntity,
        type: 'service',
        role,
        id: textOf(evidence.appId),
        label: textOf(evidence.displayName),
        instance: textOf(evidence.instanceId),
      }
    default:
      return undefined
  }
}

/** Roles that acted; others were acted upon, or were there. */
const actingRoles: ReadonlySet<string> = new Set(['source', 'attacker', 'compromised', 'suspicious', 'created'])

function roleOf(evidence: Fields): AlertEntity['role'] {
  const roles = [...listOf(evidence.roles), ...listOf(evidence.detailedRoles)].map(lower).filter((role) => role !== '')
  if (roles.length === 0) return ''
  return roles.some((role) => actingRoles.has(role)) ? 'Source' : 'Related'
}

function lower(value: unknown): string {
  return textOf(value).toLowerCase()
}
