/** Generic CEF: byte for byte what the SIEM agent wrote. Field order is fixed, empty values stay as `key=`, the label of c6a1
 *  keeps its quotes. Source: the sample lines of Microsoft's "SIEM integration" page. */
import type { RelayEvent } from '../events.ts'
import { clientAddress } from '../ip.ts'
import type { CefValues } from './profile.ts'

/** Keys and values in turn. */
export function genericExtension(event: RelayEvent, values: CefValues): readonly string[] {
  const time = values.timestampMs === undefined ? '' : String(values.timestampMs)
  if (event.kind === 'alert')
    // biome-ignore format: a row per field
    return [
      'externalId', values.externalId,
      'start', time,
      'end', time,
      'msg', values.message,
      'suser', values.user,
      'destinationServiceName', values.service,
      'cn1Label', 'riskScore',
      'cn1', event.riskScore,
      'cs1Label', 'portalURL',
      'cs1', values.portalUrl,
      'cs2Label', 'uniqueServiceAppIds',
      'cs2', values.appIds,
      'cs3Label', 'relatedAudits',
      'cs3', event.audits.join(','),
      'cs4Label', 'policyIDs',
      'cs4', values.policyIds,
    ]
  const address = clientAddress(event.clientIP)
  // biome-ignore format: a row per field
  return [
    'externalId', values.externalId,
    'rt', time,
    'start', time,
    'end', time,
    'msg', values.message,
    'suser', values.user,
    'destinationServiceName', values.service,
    'dvc', address.v4,
    'requestClientApplication', event.userAgent,
    'cs1Label', 'portalURL',
    'cs1', values.portalUrl,
    'cs2Label', 'uniqueServiceAppIds',
    'cs2', values.appIds,
    'cs3Label', 'targetObjects',
    'cs3', event.objects.map((object) => object.name).join(','),
    'cs4Label', 'policyIDs',
    'cs4', values.policyIds,
    'c6a1Label', '"Device IPv6 Address"',
    'c6a1', address.v6,
  ]
}
