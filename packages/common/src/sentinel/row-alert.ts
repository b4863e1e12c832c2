/** An alert as a row of McasAlerts_CL, in the shape of Microsoft's SecurityAlert, with the values its own connector writes, so that
 *  queries made for that table work on this one. Source: "SecurityAlert schema reference" and rows of Microsoft's connectors. */
import { alertValues } from '../cef/profile.ts'
import type { Alert, AlertEntity, AlertProduct } from '../events.ts'
import { type RowContext, textColumn, timeColumn } from './columns.ts'
import type { SentinelRow } from './schema.ts'

const severities = ['Low', 'Medium', 'High', 'Informational'] as const

const products: Readonly<Record<AlertProduct, { readonly provider: string; readonly product: string }>> = {
  'cloud-apps': { provider: 'MCAS', product: 'Microsoft Cloud App Security' },
  identity: { provider: 'Azure Advanced Threat Protection', product: 'Azure Advanced Threat Protection' },
  other: { provider: 'Microsoft Defender XDR', product: 'Microsoft Defender XDR' },
}

export function alertRow(alert: Alert, context: RowContext): SentinelRow<'alert'> {
  const values = alertValues(alert, context.portalUrl, context.appIds)
  const { provider, product } = products[alert.product]
  const name = alert.policies[0]?.label || alert.title
  const happened = timeColumn(alert.timestampMs ?? context.receivedMs)
  const type = context.alertTypes.get(String(alert.alertTypeId)) ?? alert.alertType
  return {
    TimeGenerated: happened,
    EventTime: happened,
    RecordId: `alert:${alert.id}${context.version === undefined ? '' : `@${context.version}`}`,
    SourceTenant: alert.tenant,
    SourceName: alert.source,
    DisplayName: textColumn(alert.title || name),
    AlertName: textColumn(name),
    // An alert of unknown severity is not harmless: it is written as low, as in CEF.
    AlertSeverity: severities[alert.severity ?? 0],
    Description: textColumn(alert.description),
    ProviderName: provider,
    VendorName: 'Microsoft',
    VendorOriginalId: alert.id,
    SystemAlertId: alert.id,
    AlertType: alert.product === 'cloud-apps' ? `MCAS_${type}` : type,
    StartTime: timeColumn(alert.startMs),
    EndTime: timeColumn(alert.endMs),
    Status: statusOf(alert.resolution),
    ProductName: product,
    CompromisedEntity: textColumn(values.user),
    Entities: fittingJson(entitiesOf(alert)),
    ExtendedProperties: JSON.stringify(propertiesOf(alert, values.policyIds)),
    AlertLink: textColumn(values.portalUrl),
  }
}

/** `resolutionStatusValue` in SecurityAlert's words. */
function statusOf(resolution: number | undefined): string {
  if (resolution === 2 || resolution === 5) return 'Resolved'
  return resolution === undefined || resolution === 0 ? 'New' : 'Dismissed'
}

/** Texts of a value that is JSON itself are cut before it is written, so that it stays JSON. */
const partCharactersMax = 1_000

function propertiesOf(alert: Alert, policyIds: string): Readonly<Record<string, unknown>> {
  const cut = (text: string): string | undefined => textColumn(text.slice(0, partCharactersMax))
  return {
    policyIds: cut(policyIds),
    riskScore: cut(alert.riskScore),
    relatedAudits: cut(alert.audits.join(',')),
    resolution: alert.resolution,
  }
}

type Entity = Readonly<Record<string, unknown>>

/** Apps come first: Microsoft's discovery content reads the app as the first entity. */
function entitiesOf({ services, accounts, devices, ips }: Alert): readonly Entity[] {
  return [
    ...services.map(({ id, label }) => ({ Type: 'cloud-application', AppId: numberOr(id), Name: cutText(label) })),
    ...accounts.map(accountOf),
    ...ips.map((Address) => ({ Type: 'ip', Address: cutText(Address) })),
    ...devices.map(({ label, id }) => ({ Type: 'host', HostName: cutText(label || id) })),
  ]
}

function accountOf({ label, upn, email, accountName, domain, sid }: AlertEntity): Entity {
  const principal = upn || email
  const at = principal.lastIndexOf('@')
  return {
    Type: 'account',
    Name: cutText(at > 0 ? principal.slice(0, at) : accountName || label),
    UPNSuffix: at > 0 ? cutText(principal.slice(at + 1)) : undefined,
    NTDomain: textColumn(cutText(domain)),
    Sid: textColumn(cutText(sid)),
    DisplayName: textColumn(cutText(label)),
  }
}

function cutText(text: string): string {
  return text.slice(0, partCharactersMax).toWellFormed()
}

function numberOr(id: string): number | string {
  return /^\d{1,15}$/.test(id) ? Number(id) : cutText(id)
}

/** Entities are left out from the end until the value fits one column. */
const entitiesCharactersMax = 20_000

function fittingJson(entities: readonly Entity[]): string {
  let count = Math.min(entities.length, 200)
  for (;;) {
    const text = JSON.stringify(
      entities.slice(0, count).map((entity, index) => ({ $id: String(index + 1), ...entity })),
    )
    if (text.length <= entitiesCharactersMax || count === 0) return text
    count = Math.floor(count * 0.8)
  }
}
