/** An alert of the Defender for Cloud Apps REST API as our `Alert`. Total: any JSON object gives an event; only a record
 *  without an id is refused. Source of the shape: api-alerts.md. */
import { RelayError } from '../errors.ts'
import type { Alert, AlertEntity, MdaSeverity } from '../events.ts'
import { alertTypeOf, identityServiceId } from './alert-types.ts'
import type { Origin } from './origin.ts'
import { type Fields, fieldsOf, integerOf, listOf, textOf, textsOf, timeOf } from './values.ts'

/**
 * @throws {RelayError} `RELAY_RECORD_INVALID` without a usable `_id`.
 */
export function normalizeDefenderAlert(record: unknown, origin: Origin): Alert {
  const fields = fieldsOf(record)
  const id = textOf(fields._id)
  if (id === '') throw new RelayError('RELAY_RECORD_INVALID', 'the alert has no _id')
  const entities: AlertEntity[] = []
  const accounts: AlertEntity[] = []
  const services: AlertEntity[] = []
  const policies: AlertEntity[] = []
  const devices: AlertEntity[] = []
  const ips: string[] = []
  for (const item of listOf(fields.entities)) {
    const entity = entityOf(fieldsOf(item))
    entities.push(entity)
    if (entity.type === 'account' || entity.type === 'user') accounts.push(entity)
    else if (entity.type === 'service') services.push(entity)
    else if (entity.type === 'policyRule') policies.push(entity)
    else if (entity.type === 'device') devices.push(entity)
    else if (entity.type === 'ip') ips.push(entity.id || entity.label)
  }
  const policy = fieldsOf(fields.policy)
  if (policies.length === 0 && textOf(policy.label ?? policy.name) !== '')
    policies.push(entityOf({ ...policy, type: 'policyRule' }))
  const alertTypeId = integerOf(fields.idValue)
  const title = textOf(fields.title)
  const timestampMs = timeOf(fields.timestamp)
  return {
    kind: 'alert',
    tenant: origin.tenant,
    source: origin.source,
    product: 'cloud-apps',
    id,
    timestampMs,
    startMs: timestampMs,
    endMs: timestampMs,
    alertType: alertTypeOf({
      typeId: alertTypeId,
      policyType: policies[0]?.policyType ?? '',
      title,
      isIdentitySourced: services.some((service) => service.id === identityServiceId),
    }),
    alertTypeId,
    title,
    description: textOf(fields.description),
    severity: severityOf(fields.severityValue),
    status: integerOf(fields.statusValue),
    resolution: integerOf(fields.resolutionStatusValue),
    resolvedMs: timeOf(fields.resolveTime),
    riskScore: textOf(fields.riskScore ?? fields.threatScore),
    entities,
    accounts,
    services,
    policies,
    devices,
    ips,
    audits: textsOf(fields.audits),
    url: textOf(fields.URL),
    isBuiltIn: fields.isSystemAlert === true,
    stories: listOf(fields.stories).filter((story) => typeof story === 'number'),
  }
}

function entityOf(fields: Fields): AlertEntity {
  return {
    type: textOf(fields.type),
    id: textOf(fields.id ?? fields._id),
    label: textOf(fields.label ?? fields.name),
    instance: textOf(fields.inst),
    saas: textOf(fields.saas),
    role: textOf(fields.entityRole),
    upn: textOf(fields.pa),
    email: textOf(fields.em),
    policyType: textOf(fields.policyType),
    accountName: '',
    domain: '',
    sid: '',
  }
}

function severityOf(value: unknown): MdaSeverity | undefined {
  const severity = integerOf(value)
  return severity === 0 || severity === 1 || severity === 2 || severity === 3 ? severity : undefined
}
