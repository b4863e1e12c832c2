/** An alert of Defender XDR's streaming tables as our `Alert`: its AlertInfo row and its AlertEvidence rows, which come apart and
 *  are put together by the collector as `{"AlertInfo": {…} | null, "AlertEvidence": [{…}, …]}`. Total: any JSON object gives an
 *  event; only one without an AlertId is refused.
 *  Source of the shape: advanced-hunting-alertinfo-table.md, advanced-hunting-alertevidence-table.md. */
import { RelayError } from '../errors.ts'
import type { Alert, AlertEntity, AlertProduct } from '../events.ts'
import { noEntity, severityOfWord } from './alert-parts.ts'
import { alertTypeOf } from './alert-types.ts'
import type { Origin } from './origin.ts'
import { type Fields, fieldsOf, jsonOf, listOf, textOf, timeOf } from './values.ts'

/**
 * @throws {RelayError} `RELAY_RECORD_INVALID` without a usable `AlertId`.
 */
export function normalizeXdrAlert(record: unknown, origin: Origin): Alert {
  const fields = fieldsOf(record)
  const evidence = listOf(fields.AlertEvidence).map(fieldsOf)
  const info = fieldsOf(fields.AlertInfo)
  // Evidence repeats most of what the alert itself says, for the case that its own row never came.
  const first = (column: string): string =>
    textOf(info[column]) || textOf(evidence.find((row) => textOf(row[column]) !== '')?.[column])
  const id = first('AlertId')
  if (id === '') throw new RelayError('RELAY_RECORD_INVALID', 'the alert has no AlertId')
  const entities = evidence.flatMap(entitiesOf)
  const times = evidence.map((row) => timeOf(row.Timestamp)).filter((ms) => ms !== undefined)
  const timestampMs = timeOf(info.Timestamp) ?? (times.length === 0 ? undefined : Math.min(...times))
  const product = productOf(first('ServiceSource'), first('DetectionSource'))
  const title = first('Title')
  return {
    kind: 'alert',
    tenant: origin.tenant,
    source: origin.source,
    product,
    id,
    timestampMs,
    startMs: timestampMs,
    endMs: timestampMs,
    alertType: alertTypeOf({ typeId: undefined, policyType: '', title, isIdentitySourced: product === 'identity' }),
    alertTypeId: undefined,
    title,
    description: descriptionOf(title, first('Category') || first('Categories'), first('AttackTechniques')),
    severity: severityOfWord(first('Severity')),
    status: undefined,
    resolution: undefined,
    resolvedMs: undefined,
    riskScore: '',
    entities,
    accounts: entities.filter(({ type }) => type === 'account'),
    services: distinct(entities.filter(({ type }) => type === 'service')),
    policies: [],
    devices: entities.filter(({ type }) => type === 'device'),
    ips: entities.filter(({ type }) => type === 'ip').map((entity) => entity.id),
    audits: [],
    url: '',
    isBuiltIn: false,
    stories: [],
  }
}

/** ServiceSource is the product that raised the alert; an alert passed on by another one names it in DetectionSource. */
function productOf(service: string, detection: string): AlertProduct {
  for (const name of [service, detection]) {
    if (/defender for identity|azure atp/i.test(name)) return 'identity'
    if (/cloud app/i.test(name)) return 'cloud-apps'
  }
  return 'other'
}

/** Tables have no description; this is what they know. */
function descriptionOf(title: string, category: string, techniques: string): string {
  const lists = [category, techniques].map((text) => textsIn(text)).filter((text) => text !== '')
  return lists.length === 0 ? title : `${title} (${lists.join('; ')})`
}

/** A list may be JSON, the text of it, or plain words. */
function textsIn(text: string): string {
  const value = jsonOf(text)
  return Array.isArray(value) ? value.map(textOf).join(', ') : textOf(value)
}

/** A row of evidence is one entity, and names the app it was seen in. */
function entitiesOf(row: Fields): readonly AlertEntity[] {
  const application = textOf(row.Application)
  const applicationId = textOf(row.ApplicationId)
  const role = textOf(row.EvidenceRole)
  const base = { ...noEntity, saas: applicationId, role: role === 'Impacted' ? 'Source' : role }
  const service = { ...base, type: 'service', id: applicationId, label: application }
  const own = ownEntity(row, base)
  const isApp = application !== '' || applicationId !== ''
  return [...(own === undefined ? [] : [own]), ...(isApp ? [service] : [])]
}

function ownEntity(row: Fields, base: AlertEntity): AlertEntity | undefined {
  const kind = textOf(row.EntityType).toLowerCase()
  switch (kind) {
    case '':
    case 'cloudapplication':
      return undefined
    case 'user':
    case 'mailbox': {
      const upn = textOf(row.AccountUpn)
      const accountName = textOf(row.AccountName)
      return {
        ...base,
        type: 'account',
        id: textOf(row.AccountObjectId) || upn || textOf(row.AccountSid) || accountName,
        label: upn || accountName,
        upn,
        accountName,
        domain: textOf(row.AccountDomain),
        sid: textOf(row.AccountSid),
      }
    }
    case 'machine':
      return { ...base, type: 'device', id: textOf(row.DeviceId), label: textOf(row.DeviceName) }
    case 'ip': {
      const address = textOf(row.RemoteIP) || textOf(row.LocalIP)
      return address === '' ? undefined : { ...base, type: 'ip', id: address, label: address }
    }
    case 'file':
      return { ...base, type: 'file', id: textOf(row.SHA256) || textOf(row.SHA1), label: textOf(row.FileName) }
    case 'oauthapplication':
      return { ...base, type: 'oauthApplication', id: textOf(row.OAuthApplicationId), label: textOf(row.Application) }
    default:
      return {
        ...base,
        type: kind,
        label: textOf(row.RemoteUrl) || textOf(row.ResourceID) || textOf(row.CloudResource),
      }
  }
}

/** Every row of an app's evidence names the app again. */
function distinct(services: readonly AlertEntity[]): readonly AlertEntity[] {
  return [...new Map(services.map((service) => [`${service.id}/${service.label}`, service])).values()]
}
