/** Generic CEF: byte for byte what the SIEM agent wrote. Field order is fixed, empty values stay as `key=`, the label of c6a1
 *  keeps its quotes. Source: the sample lines of Microsoft's "SIEM integration" page. */
import type { Activity, Alert } from '../events.ts'
import { clientAddress } from '../ip.ts'
import { cefField, timeText } from './message.ts'
import type { CefExtension, CefValues } from './profile.ts'

const alertFields = [
  cefField('externalId'),
  cefField('start'),
  cefField('end'),
  cefField('msg'),
  cefField('suser'),
  cefField('destinationServiceName'),
  cefField('cn1', 'riskScore'),
  cefField('cs1', 'portalURL'),
  cefField('cs2', 'uniqueServiceAppIds'),
  cefField('cs3', 'relatedAudits'),
  cefField('cs4', 'policyIDs'),
]

const activityFields = [
  cefField('externalId'),
  cefField('rt'),
  cefField('start'),
  cefField('end'),
  cefField('msg'),
  cefField('suser'),
  cefField('destinationServiceName'),
  cefField('dvc'),
  cefField('requestClientApplication'),
  cefField('cs1', 'portalURL'),
  cefField('cs2', 'uniqueServiceAppIds'),
  cefField('cs3', 'targetObjects'),
  cefField('cs4', 'policyIDs'),
  cefField('c6a1', '"Device IPv6 Address"'),
]

export function genericExtension(event: Alert | Activity, common: CefValues): CefExtension {
  const { externalId, message, user, service, portalUrl, appIds, policyIds } = common
  const time = timeText(common.timestampMs)
  const start = timeText(common.startMs)
  const end = timeText(common.endMs)
  if (event.kind === 'alert') {
    const audits = event.audits.join(',')
    return {
      fields: alertFields,
      values: [externalId, start, end, message, user, service, event.riskScore, portalUrl, appIds, audits, policyIds],
    }
  }
  const { v4, v6 } = clientAddress(event.clientIP)
  const objects = event.objects.map((object) => object.name).join(',')
  return {
    fields: activityFields,
    // biome-ignore format: in the order of the fields
    values: [externalId, time, start, end, message, user, service, v4, event.userAgent, portalUrl, appIds, objects, policyIds, v6],
  }
}
